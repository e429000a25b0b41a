"""The contract of an image generator."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from charimg.contracts.declaration import Model, Price, SettingValue
from charimg.contracts.provider import Provider
from charimg.model import GeneratedImage, ImageRequest


class ImageGenerator(Provider):
    """Turns one request into one picture.

    It never sleeps, never retries and never reads the environment: the scheduler does the waiting, for all
    alike. It may be called several times at once, and cancelled at any await.

    Where the service has a login that can be tried for nothing, try it in :meth:`open`: else a wrong key costs a whole
    batch of refused requests before the lane closes.

    A service that takes a job and is asked for it until it is done: extend
    :class:`charimg.polling.PolledGenerator` instead.

    A complete example is ``charimg/providers/echo.py``.
    """

    @abstractmethod
    async def generate(self, request: ImageRequest) -> GeneratedImage:
        """Ask the service for one picture and return its bytes.

        Trouble is raised as one of the core's errors (:mod:`charimg.errors`), with the server's own words and
        the wait it asked for; ``raise error_of(read_answer(...))`` from :mod:`charimg.verdicts` does that for
        the usual shapes. Any other exception is read by the core's fallback rule.
        """

    @classmethod
    def price(cls, settings: Mapping[str, SettingValue | None]) -> Price | None:
        """What one picture costs with these settings: the chosen model's price, else the declaration's.

        For the plan and the budget, before anything is sent. Override it where size or quality counts.
        """
        model = cls.declaration.model(str(settings.get("model") or ""))
        return cls.declaration.price if model is None or model.price is None else model.price

    async def models(self) -> tuple[Model, ...] | None:
        """What the service offers now; ``None`` where it cannot be asked (``charimg providers show NAME --models``).

        Spends nothing, and is called without :meth:`open`. Raises the core's provider errors.
        """
        return None
