"""From a wished shape to one that a service has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charimg.aspect_ratios import nearest, nearest_size, proportion, size_for
from charimg.errors import InvalidRequestError

SIDES = st.integers(1, 50)


@pytest.mark.parametrize(("wanted", "found"), [("9:16", "9:16"), ("10:16", "2:3"), ("2:1", "16:9"), ("1:1.05", "1:1")])
def test_the_nearest_shape_is_taken(wanted: str, found: str) -> None:
    """Nearness is that of proportions: twice as wide is as far as twice as high."""
    assert nearest(wanted, ("1:1", "2:3", "9:16", "16:9")) == found


def test_the_nearest_size_is_taken() -> None:
    """For services that know sizes instead of ratios."""
    assert nearest_size("9:16", [(1024, 1024), (1024, 1536), (1536, 1024)]) == (1024, 1536)


@pytest.mark.parametrize("wrong", ["", "9", "9:0", "0:9", "-1:2", "a:b", "9:16:2", "inf:1", "nan:1"])
def test_what_is_no_shape_is_told(wrong: str) -> None:
    """One line says how it is written."""
    with pytest.raises(InvalidRequestError, match="W:H"):
        proportion(wrong)


@given(SIDES, SIDES, st.sampled_from([8, 16, 64]))
def test_a_size_has_the_shape_and_the_grid(across: int, down: int, multiple: int) -> None:
    """Both sides are multiples, and the shape is kept as well as the grid allows."""
    width, height = size_for(f"{across}:{down}", multiple_of=multiple)

    assert width % multiple == height % multiple == 0
    assert abs(width - height * across / down) <= multiple * (0.5 + 0.5 * across / down)
