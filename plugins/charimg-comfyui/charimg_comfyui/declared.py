"""What generator and uploader declare alike: the server's address and its login, where something asks for one."""

from __future__ import annotations

from charimg.contracts import Credential, Setting

NAME = "comfyui"

URL = "https://www.comfy.org/"

SERVER_SETTINGS = (
    Setting(
        "base_url",
        "Address of the ComfyUI server; a path in front, as a reverse proxy has it, is kept.",
        str,
        "http://127.0.0.1:8188",
        env=("COMFYUI_BASE_URL",),
    ),
    Setting("user", "User name for a reverse proxy that asks for a login (with the credential 'password').", str),
)
"""Settings of both."""

CREDENTIALS = (
    Credential("password", "Password of the reverse proxy in front of ComfyUI, if it asks for one.", required=False),
    Credential("token", "Bearer token of the reverse proxy in front of ComfyUI, if it asks for one.", required=False),
)
"""ComfyUI itself knows no login."""
