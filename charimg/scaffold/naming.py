"""What a new plugin is called, everywhere: as a provider, a distribution, a package, a class, a variable."""

from __future__ import annotations

import re
from dataclasses import dataclass

from charimg.contracts.soundness import NAME
from charimg.errors import InputError
from charimg.packages import CORE, PACKAGES, PREFIX

LONGEST = 32
"""Characters of a name; the lines of the templates have room for as many."""


@dataclass(frozen=True)
class Names:
    """The spellings of one name."""

    name: str
    """As one types it after ``--provider``."""

    @classmethod
    def of(cls, name: str) -> Names:
        """The spellings of a name for a new plugin.

        :raises InputError: it is no name for a provider, or a package of this house has it.
        """
        if not NAME.fullmatch(name):
            raise InputError(
                f"'{name}' cannot be a provider's name; take small letters and digits, with - or _ between words,"
                " as in: charimg plugin new paint-box"
            )
        if len(name) > LONGEST:
            raise InputError(f"'{name}' has {len(name)} characters; a provider's name has {LONGEST} at most")
        names = cls(name)
        if name in PACKAGES or names.distribution in {CORE, *PACKAGES.values()}:
            raise InputError(
                f"'{name}' is taken: {PACKAGES.get(name, names.distribution)} is a package of charimg's own;"
                " choose another name"
            )
        return names

    @property
    def distribution(self) -> str:
        """As pip knows it: ``charimg-paint-box``."""
        return f"{PREFIX}{self.name.replace('_', '-')}"

    @property
    def package(self) -> str:
        """As Python imports it: ``charimg_paint_box``."""
        return self.distribution.replace("-", "_")

    @property
    def class_name(self) -> str:
        """``PaintBox``."""
        return "".join(word.capitalize() for word in re.split("[-_]", self.name))

    @property
    def variable(self) -> str:
        """Its part of an environment variable: ``PAINT_BOX``."""
        return self.name.replace("-", "_").upper()

    @property
    def host(self) -> str:
        """Its part of an address: ``paint-box``."""
        return self.name.replace("_", "-")
