"""The budget: what is set aside, what is spent, and what there is no room for."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from charimg.budget import Budget
from charimg.contracts import Price
from charimg.errors import ExhaustedError, InputError
from charimg.model import Cost


def test_what_is_in_flight_counts() -> None:
    """Two pictures under way leave no room for a third, though nothing has been paid."""
    budget = Budget(0.50)
    budget.reserve(0.25)
    budget.reserve(0.25)

    with pytest.raises(ExhaustedError) as caught:
        budget.reserve(0.25)
    assert str(caught.value) == (
        "the budget of 0.50 USD has no room for another picture at 0.25 USD"
        ", beside 0.50 USD for those before it; a higher --budget goes on"
    )


def test_thirds_of_a_budget_fit_into_it() -> None:
    """Sums of prices are not exact; three times 0.1 is 0.3 to whoever pays it."""
    budget = Budget(0.3)
    for _ in range(3):
        budget.reserve(0.1)
        budget.settle(0.1, 0.1)

    with pytest.raises(ExhaustedError):
        budget.reserve(0.1)


def test_what_failed_for_nothing_makes_room() -> None:
    """A picture that was not made and not charged is given back."""
    budget = Budget(0.25)
    budget.reserve(0.25)
    budget.settle(0.25, 0.0)
    budget.reserve(0.25)


def test_what_the_service_reports_is_what_counts() -> None:
    """Dearer or cheaper than was set aside."""
    budget = Budget(1.0)
    budget.reserve(0.25)
    budget.settle(0.25, Cost(0.75, "USD", "reported"))
    budget.reserve(0.25)

    with pytest.raises(ExhaustedError, match=r"beside 1\.00 USD for those before it"):
        budget.reserve(0.01)


def test_another_currency_counts_as_what_was_set_aside() -> None:
    """Credits are not dollars, but a picture was paid for."""
    budget = Budget(0.25)
    budget.reserve(0.25)
    budget.settle(0.25, Cost(12, "credits", "reported"))

    with pytest.raises(ExhaustedError):
        budget.reserve(0.01)


def test_what_is_free_goes_on_when_the_money_is_gone() -> None:
    """A lane of one's own computer is no matter of the budget; neither is any where there is none."""
    Budget(0.0).reserve(0.0)
    Budget().reserve(1e9)


def test_without_a_limit_nothing_has_to_be_known() -> None:
    """No price is asked for."""
    assert Budget.of(None, {"a": None}).limit is None


def test_an_unknown_price_is_refused_in_one_line() -> None:
    """Every lane that has none is named, and what to do."""
    with pytest.raises(InputError) as caught:
        Budget.of(5.0, {"a": Price(0.1), "b": None, "c": None})
    assert str(caught.value) == "--budget: what a picture costs through b, c is not known; say it with --price"


def test_two_currencies_are_refused_in_one_line() -> None:
    """Dollars and credits cannot be added up; what is free has no currency."""
    with pytest.raises(InputError) as caught:
        Budget.of(5.0, {"a": Price(0.1), "b": Price(3, "credits"), "free": Price(0, "EUR")})
    assert str(caught.value) == (
        "--budget: the lanes have different currencies (a in USD, b in credits); give each a run of its own"
    )


def test_the_limit_is_in_the_currency_of_the_prices() -> None:
    """Whoever pays in credits gives a budget in credits."""
    budget = Budget.of(30, {"a": Price(3, "credits"), "free": Price(0)})

    assert str(budget.limit) == "30 credits"


CENTS = st.integers(0, 400).map(lambda cents: cents / 100)


class Purse(RuleBasedStateMachine):
    """Attempts that begin, end and go on, beside a plain sum in cents."""

    @initialize(limit=CENTS)
    def begin(self, limit: float) -> None:
        self.limit, self.budget = limit, Budget(limit)
        self.flying: list[float] = []
        self.standing: list[float] = []
        self.spent = 0.0

    @rule(amount=CENTS)
    def reserve(self, amount: float) -> None:
        fits = not amount or self.spent + sum(self.flying) + amount <= self.limit + 1e-6
        try:
            self.budget.reserve(amount)
        except ExhaustedError:
            assert not fits
        else:
            assert fits
            self.flying.append(amount)

    @precondition(lambda self: getattr(self, "flying", None))
    @rule(part=st.sampled_from([0.0, 0.5, 1.0]), reported=st.booleans())
    def settle(self, part: float, reported: bool) -> None:
        """It cost nothing, half or all of what was set aside."""
        amount = self.flying.pop(0)
        self.budget.settle(amount, Cost(amount * part, "USD", "reported") if reported else amount * part)
        self.spent += amount * part

    @precondition(lambda self: getattr(self, "flying", None))
    @rule()
    def leave_standing(self) -> None:
        """The service has accepted it, and is asked again later."""
        amount = self.flying.pop(0)
        self.budget.settle(amount, amount)
        self.spent += amount
        self.standing.append(amount)

    @precondition(lambda self: getattr(self, "standing", None))
    @rule()
    def ask_again(self) -> None:
        """It goes on, without being paid for a second time."""
        amount = self.standing.pop(0)
        self.budget.reopen(amount)
        self.spent -= amount
        self.flying.append(amount)

    @invariant()
    def never_more_than_the_limit(self) -> None:
        """What is spent and what is in flight together stay within it."""
        if hasattr(self, "limit"):
            assert self.spent + sum(self.flying) <= self.limit + 1e-6


Purse.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestPurse = Purse.TestCase
