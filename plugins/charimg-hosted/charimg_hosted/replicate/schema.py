"""What a model at Replicate takes, by its own schema: every model there has inputs of its own.

``GET /v1/models/{owner}/{name}`` answers with the OpenAPI schema of the model's latest version, whose ``Input`` lists
the inputs (source: the official client's ``Version.openapi_schema``, 1.0.7, 2026-11-22). Reading it spares a table of
models that would be out of date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charimg.aspect_ratios import nearest, proportion, size_for
from charimg.errors import InvalidRequestError
from charimg.model import ImageRequest

REFERENCES = ("input_images", "image_input", "reference_images", "input_image", "image_prompt", "image")
"""The inputs by which models take reference pictures, the best first."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of one model that charimg knows how to fill."""

    names: frozenset[str] | None = None
    """Every input's name; ``None`` where the service does not tell."""
    ratios: tuple[str, ...] = ()
    """The aspect ratios it takes, where they are a closed list."""
    reference: str | None = None
    """The input for reference pictures."""
    several: bool = False
    """That input takes a list."""

    def takes(self, name: str) -> bool:
        """Whether the model has this input; of an unknown model only the usual ones are believed."""
        return name in (("prompt", "aspect_ratio", "seed") if self.names is None else self.names)


def read_inputs(model: object, reference: str | None = None) -> Inputs:
    """The inputs by the answer of ``GET /v1/models/...``; what cannot be read is left unknown.

    :param reference: the name of the input for reference pictures, if the user knows better.
    """
    version = _dict(_dict(model).get("latest_version"))
    schemas = _dict(_dict(_dict(version.get("openapi_schema")).get("components")).get("schemas"))
    properties = _dict(_dict(schemas.get("Input")).get("properties"))
    if not properties:
        return Inputs(reference=reference)
    chosen = reference or next((name for name in REFERENCES if name in properties), None)
    return Inputs(
        names=frozenset(properties),
        ratios=_ratios(_dict(properties.get("aspect_ratio")), schemas),
        reference=chosen,
        several=_dict(properties.get(chosen or "")).get("type") == "array",
    )


def prediction_input(
    request: ImageRequest, inputs: Inputs, references: Sequence[str], further: Mapping[str, Any], pixels: int
) -> dict[str, Any]:
    """The ``input`` of a prediction.

    :param references: addresses of the reference pictures, ``https:`` or ``data:``.
    :param pixels: about how many, for models that take a width and a height.
    :raises InvalidRequestError: the model takes no, or not so many, reference pictures.
    """
    asked: dict[str, Any] = {"prompt": request.prompt}
    if inputs.takes("aspect_ratio"):
        ratios = inputs.ratios
        asked["aspect_ratio"] = nearest(request.aspect_ratio, ratios) if ratios else request.aspect_ratio
    elif inputs.takes("width") and inputs.takes("height"):
        asked["width"], asked["height"] = size_for(request.aspect_ratio, pixels, 64)
    if request.seed is not None and inputs.takes("seed"):
        asked["seed"] = request.seed
    if request.negative and inputs.takes("negative_prompt"):
        asked["negative_prompt"] = request.negative
    if references:
        if inputs.reference is None:
            raise InvalidRequestError(
                "the model takes no reference pictures, or under a name charimg does not know: choose another with "
                "-o model=, or name its input with -o reference_input="
            )
        if len(references) > 1 and not inputs.several:
            raise InvalidRequestError(
                f"{len(references)} reference pictures are too many: the model takes one, as '{inputs.reference}'"
            )
        asked[inputs.reference] = list(references) if inputs.several else references[0]
    return {**asked, **further}


def _ratios(schema: dict[str, Any], schemas: dict[str, Any]) -> tuple[str, ...]:
    """The enumeration of a property, its own or that of the schema it refers to."""
    parts = schema.get("allOf")
    named = [schema, *(_dict(one) for one in parts)] if isinstance(parts, list) else [schema]
    for one in named:
        pointed = _dict(schemas.get(str(one.get("$ref", "")).rpartition("/")[2]))
        for values in (one.get("enum"), pointed.get("enum")):
            if isinstance(values, list):
                return tuple(value for value in values if _is_ratio(value))
    return ()


def _is_ratio(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return proportion(value) > 0
    except InvalidRequestError:  # "match_input_image", "custom"
        return False


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
