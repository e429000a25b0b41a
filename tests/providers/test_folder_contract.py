"""The uploader ``folder`` keeps the contract of uploaders, and is idempotent."""

from __future__ import annotations

from charimg.providers.folder import FolderUploader
from charimg.testing import UploaderContract


class TestFolder(UploaderContract):
    """It copies files: no service."""

    provider = FolderUploader
    service = None
    idempotent = True
