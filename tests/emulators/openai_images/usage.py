"""How many tokens a picture counts, as OpenAI reports them in the answer."""

from __future__ import annotations

from typing import Any

OUTPUT_TOKENS = {
    ("low", (1024, 1024)): 200,
    ("medium", (1024, 1024)): 1770,
    ("high", (1024, 1024)): 7030,
    ("low", (1024, 1536)): 165,
    ("medium", (1024, 1536)): 1400,
    ("high", (1024, 1536)): 5500,
}
"""Of gpt-image-2, from its prices a picture; other sizes in proportion to their pixels (unverified)."""

IMAGE_TOKENS = 323
"""Of one reference picture (unverified; the order of magnitude counts)."""


def usage_of(prompt: str, quality: str, size: tuple[int, int], references: int, n: int) -> dict[str, Any]:
    """The ``usage`` of an answer."""
    known = quality if quality in ("low", "medium", "high") else "medium" if quality == "auto" else "high"
    like = (1024, 1024) if size[0] == size[1] else (1024, 1536)
    output = n * round(OUTPUT_TOKENS[known, like] * size[0] * size[1] / (like[0] * like[1]))
    text, image = len(prompt) // 4 + 1, references * IMAGE_TOKENS
    return {
        "total_tokens": text + image + output,
        "input_tokens": text + image,
        "output_tokens": output,
        "input_tokens_details": {"text_tokens": text, "image_tokens": image},
        "output_tokens_details": {"image_tokens": output, "text_tokens": 0},
    }
