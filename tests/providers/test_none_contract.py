"""The uploader ``none`` keeps the contract of uploaders that keep no references."""

from __future__ import annotations

from charimg.providers.none import NoUploader
from charimg.testing import UploaderContract


class TestNone(UploaderContract):
    """It does nothing: no service."""

    provider = NoUploader
    service = None
