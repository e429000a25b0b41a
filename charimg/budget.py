"""What a run may spend: every attempt reserves its price before it is sent, so that what is in flight counts too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NoReturn

from charimg.contracts import Price
from charimg.errors import ExhaustedError, InputError
from charimg.model import Cost

_CENT_FRACTION = 1e-9
"""Sums of prices are not exact: three times 0.1 must fit into 0.3."""


class Budget:
    """The money of one run.

    :param limit: what the run may cost; ``None`` for no limit.
    :param currency: of the limit.
    """

    def __init__(self, limit: float | None = None, currency: str = "USD") -> None:
        self._limit = limit
        self.currency = currency
        self._spent = 0.0
        self._in_flight = 0.0

    @classmethod
    def of(cls, limit: float | None, prices: Mapping[str, Price | None]) -> Budget:
        """The budget of a run with these lanes.

        :param prices: of one picture, by lane.
        :raises InputError: a lane's price is unknown, or two lanes have different currencies: no limit could be kept.
        """
        if limit is None:
            return cls()
        unknown = [lane for lane, price in prices.items() if price is None]
        if unknown:
            raise InputError(
                f"--budget: what a picture costs through {', '.join(unknown)} is not known; say it with --price"
            )
        currencies = {price.currency: lane for lane, price in prices.items() if price is not None and price.amount}
        if len(currencies) > 1:
            listed = ", ".join(f"{lane} in {currency}" for currency, lane in currencies.items())
            raise InputError(f"--budget: the lanes have different currencies ({listed}); give each a run of its own")
        return cls(limit, next(iter(currencies), "USD"))

    def expect_one(self, prices: Iterable[Price | None]) -> None:
        """Refuse a budget that is too small for one picture on any of the lanes: nothing would be done with it.

        :raises InputError: it is.
        """
        amounts = [price.amount for price in prices if price is not None]
        if self._limit is not None and amounts and not self._fits(min(amounts)):
            raise InputError(
                f"--budget: one picture costs {self._told(min(amounts))}, which is more than {self._told(self._limit)};"
                " give more"
            )

    @property
    def limit(self) -> Cost | None:
        """What the run may cost."""
        return None if self._limit is None else Cost(self._limit, self.currency, "reported")

    def has_room(self, amount: float) -> bool:
        """Whether the price of one attempt can be set aside now; if not, it may when what is in flight has ended.

        :raises ExhaustedError: it never will.
        """
        if self._limit is None or not amount or self._fits(self._spent + self._in_flight + amount):
            return True
        if not self._fits(self._spent + amount):
            self._refuse(amount)
        return False

    def reserve(self, amount: float) -> None:
        """Set the price of one attempt aside.

        :raises ExhaustedError: the budget would be exceeded.
        """
        if amount and not self._fits(self._spent + self._in_flight + amount):
            self._refuse(amount)
        self._in_flight += amount

    def _fits(self, amount: float) -> bool:
        return self._limit is None or amount <= self._limit + _CENT_FRACTION

    def _refuse(self, amount: float) -> NoReturn:
        # In words that stay true when the pictures under way have ended: a lane's closing is told again in the summary.
        taken = self._spent + self._in_flight
        beside = f", beside {self._told(taken)} for those before it" if taken > _CENT_FRACTION else ""
        raise ExhaustedError(
            f"the budget of {self._told(self._limit or 0.0)} has no room for another picture at"
            f" {self._told(amount)}{beside}; a higher --budget goes on"
        )

    def reopen(self, amount: float) -> None:
        """An attempt that came to an end for now goes on, with what it counted set aside again.

        :param amount: what it was settled with.
        """
        self._spent = max(0.0, self._spent - amount)
        self._in_flight += amount

    def settle(self, amount: float, cost: Cost | float) -> None:
        """An attempt came to its end.

        :param amount: what was reserved for it.
        :param cost: what it cost; a cost in another currency counts as what was reserved.
        """
        self._in_flight = max(0.0, self._in_flight - amount)
        if isinstance(cost, Cost):
            cost = cost.amount if cost.currency == self.currency else amount
        self._spent += max(0.0, cost)

    def _told(self, amount: float) -> str:
        return str(Cost(amount, self.currency, "reported"))
