"""A local Hugging Face: hf-inference on the router, and the three addresses of the hub that have to do with it.

Facts come from the project's notes (on hosted services, section 5) and huggingface_hub 2.4.0, whose
``InferenceClient`` and ``HfApi`` a slow test drives against it; what is assumed says so where it stands. Router and
hub are told apart by their paths, so that one address serves for both::

    async with HuggingFaceEmulator(credits=3) as service: ...
    python -m tests.emulators.huggingface --port 8000 --loading 20
"""

from __future__ import annotations

from .server import TEST_TOKEN, Behaviour, Fault, HuggingFaceEmulator, Made, Window

__all__ = ["TEST_TOKEN", "Behaviour", "Fault", "HuggingFaceEmulator", "Made", "Window"]
