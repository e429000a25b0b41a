"""The setting ``inputs``: what a model takes beyond the words, the shape and the seed, as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from charimg.contracts import Setting, SettingValue
from charimg.errors import FatalError

INPUTS = Setting(
    "inputs", 'Further inputs of the model as a JSON object, such as {"guidance": 3.5}; they win over charimg\'s own.'
)


def further_inputs(settings: Mapping[str, SettingValue | None]) -> dict[str, Any]:
    """The setting's object, empty where it is unset.

    :raises FatalError: it is no JSON object.
    """
    text = settings.get("inputs")
    if text in (None, ""):
        return {}
    try:
        value = json.loads(str(text))
    except ValueError as error:
        raise FatalError(f'the setting inputs is no JSON ({error}); write it as {{"guidance": 3.5}}') from error
    if not isinstance(value, dict):
        raise FatalError('the setting inputs is no JSON object; write it as {"guidance": 3.5}')
    return value
