"""The uploader ``folder``: a copy of every picture in another folder, such as a synced or published one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from charimg.contracts import Declaration, Setting, Uploader
from charimg.durable_files import copy_whole
from charimg.errors import FatalError, InputError, InvalidRequestError
from charimg.hookspecs import hookimpl
from charimg.model import MediaReference, SavedImage


class FolderUploader(Uploader):
    """Copies pictures to a folder; the reference is the copy's path, or its address under ``base_url``."""

    declaration = Declaration(
        name="folder",
        summary="Copies every picture to a folder, such as a synced or a published one.",
        settings=(
            Setting("path", "The folder; relative to the project.", str, "published"),
            Setting("base_url", "The address the folder is served under, if it is."),
        ),
    )

    async def open(self) -> None:
        """Refuse the folder of the pictures themselves: every picture would stand there twice.

        :raises InputError: it is that folder.
        """
        if self._folder().resolve() == self.context.out.resolve():
            raise InputError("folder: path: the pictures are saved there already; name another folder with -o path=...")

    async def upload(self, picture: SavedImage) -> MediaReference | None:
        """Copy the picture under a name of its content, so that repeating it changes nothing."""
        folder = self._folder()
        name = f"{picture.key}-{picture.facts.sha256[:12]}{picture.facts.extension}"
        target = folder / name
        if not picture.path.is_file():
            raise InvalidRequestError(f"{picture.path} is gone; run again to make it anew")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                copy_whole(picture.path, target)
        except OSError as error:
            raise FatalError(f"cannot copy to {folder}: {error.strerror or error}; check the setting 'path'") from error
        base = self.context.settings.get("base_url")
        if base:
            return MediaReference(id=f"{str(base).rstrip('/')}/{quote(name)}", kind="url", uploader="folder")
        return MediaReference(id=str(target), kind="path", uploader="folder")

    def _folder(self) -> Path:
        return self.context.folder / Path(str(self.context.settings["path"])).expanduser()


@hookimpl
def register_uploaders(register: Callable[[type[Uploader]], None]) -> None:
    """Offer :class:`FolderUploader`."""
    register(FolderUploader)
