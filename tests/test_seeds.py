"""Seeds for requests that name none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from charimg.model import ImageRequest
from charimg.seeds import seed_of

TEXTS = st.text(max_size=20)


@given(TEXTS, TEXTS, st.integers(1, 2**64 - 1))
def test_a_drawn_seed_is_within_its_bounds_and_the_attempts_own(attempt: str, prompt: str, largest: int) -> None:
    """The same attempt has the same seed, whatever characters its words are made of."""
    request = ImageRequest("gopal", "Gopal", prompt, attempt=attempt)

    seed = seed_of(request, largest)

    assert 1 <= seed <= largest
    assert seed == seed_of(ImageRequest("gopal", "Gopal", prompt, attempt=attempt), largest)


def test_another_attempt_has_another_seed_and_the_characters_own_wins() -> None:
    """A second try is another picture, unless the roster says which."""
    drawn = {seed_of(ImageRequest("gopal", "Gopal", "a jester", attempt=f"{n}")) for n in range(100)}

    assert len(drawn) == 100
    assert seed_of(ImageRequest("gopal", "Gopal", "a jester", attempt="1", seed=0)) == 0
