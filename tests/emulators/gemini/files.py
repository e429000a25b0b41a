"""The Files API: resumable uploads, files that live for 48 hours, and whose they are."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .replies import Refused, Reply, error, json_reply, no_such_file
from .schema import CREATE_FILE, invalid, read


@dataclass
class Session:
    """An upload under way."""

    key: str
    owner: str
    size: int
    mime_type: str
    display_name: str
    received: bytearray = field(default_factory=bytearray, repr=False)
    chunks: int = 0


@dataclass(frozen=True)
class StoredFile:
    """A file that was uploaded whole."""

    name: str
    owner: str
    mime_type: str
    display_name: str
    data: bytes = field(repr=False)
    created: datetime
    expires: datetime
    uri: str

    @property
    def resource(self) -> dict[str, Any]:
        """As the service describes it; the digest is the base64 of the hexadecimal text, as Google's is."""
        digest = hashlib.sha256(self.data).hexdigest()
        return {
            "name": self.name,
            **({"displayName": self.display_name} if self.display_name else {}),
            "mimeType": self.mime_type,
            "sizeBytes": str(len(self.data)),
            "createTime": _stamp(self.created),
            "updateTime": _stamp(self.created),
            "expirationTime": _stamp(self.expires),
            "sha256Hash": base64.b64encode(digest.encode()).decode(),
            "uri": self.uri,
            "state": "ACTIVE",
            "source": "UPLOADED",
        }


def _stamp(moment: datetime) -> str:
    # Google writes nanoseconds, more digits than datetime.fromisoformat of Python 3.10 can read.
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}417Z"


class Files:
    """Every file and every upload under way."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._files: dict[str, StoredFile] = {}
        self._count = 0

    def start(self, headers: dict[str, str], document: Any, *, key: str, owner: str) -> str:
        """Begin an upload; the id that its address carries."""
        if headers.get("x-goog-upload-protocol") != "resumable" or headers.get("x-goog-upload-command") != "start":
            raise invalid("Upload must be started with protocol 'resumable' and command 'start'.")
        size = headers.get("x-goog-upload-header-content-length", "")
        mime_type = headers.get("x-goog-upload-header-content-type", "")
        if not size.isdigit():
            raise invalid("X-Goog-Upload-Header-Content-Length is missing or no number.")
        described = read(document or {}, CREATE_FILE).get("file", {})
        mime_type = mime_type or described.get("mimeType", "")
        if not mime_type:
            raise invalid("Unsupported MIME type: ''")
        if described.get("sizeBytes", int(size)) != int(size):
            raise invalid("file.size_bytes differs from X-Goog-Upload-Header-Content-Length.")
        self._count += 1
        upload = hashlib.sha256(f"{key}|{self._count}".encode()).hexdigest()[:32]
        self._sessions[upload] = Session(key, owner, int(size), mime_type, described.get("displayName", ""))
        return upload

    def session(self, upload: str) -> Session:
        """The upload of this id."""
        found = self._sessions.get(upload)
        if found is None:
            raise Refused(error(404, "Upload not found."), "no such upload")
        return found

    def put(self, upload: str, headers: dict[str, str], data: bytes, *, granularity: int) -> tuple[Session, bool]:
        """Take a chunk; the session, and whether it was the last."""
        session = self.session(upload)
        commands = {part.strip() for part in headers.get("x-goog-upload-command", "").split(",")}
        if not commands or not commands <= {"upload", "finalize"}:
            raise invalid("Unknown X-Goog-Upload-Command.")
        offset = headers.get("x-goog-upload-offset", "")
        if "upload" in commands:
            if not offset.isdigit() or int(offset) != len(session.received):
                raise invalid(f"Upload offset {offset or 'missing'} does not match {len(session.received)}.")
            if "finalize" not in commands and len(data) % granularity:
                raise invalid(f"A chunk must be a multiple of {granularity} bytes.")
            session.received += data
            session.chunks += 1
        if len(session.received) > session.size:
            raise invalid("More bytes than X-Goog-Upload-Header-Content-Length announced.")
        if "finalize" in commands and len(session.received) != session.size:
            raise invalid("Fewer bytes than X-Goog-Upload-Header-Content-Length announced.")
        return session, "finalize" in commands

    def store(self, upload: str, *, base: str, version: str, now: datetime, lifetime: float) -> StoredFile:
        """End an upload; the file that it became."""
        session = self._sessions.pop(upload)
        name = f"files/{hashlib.sha256(upload.encode()).hexdigest()[:12]}"
        data = bytes(session.received)
        file = StoredFile(
            name,
            session.owner,
            session.mime_type,
            session.display_name,
            data,
            now,
            now + timedelta(seconds=lifetime),
            f"{base}/{version}/{name}",
        )
        self._files[name] = file
        return file

    def get(self, name: str, owner: str, now: datetime, gone: int) -> StoredFile:
        """The owner's file, if it is alive; a stranger's and a dead one are refused alike."""
        found = self._files.get(name)
        if found is None or found.owner != owner or found.expires <= now:
            raise Refused(no_such_file(name.partition("/")[2], gone), "no such file, or expired, or another's")
        return found

    def by_uri(self, uri: str, owner: str, now: datetime, gone: int) -> StoredFile:
        """The file that a request refers to."""
        for file in self._files.values():
            if file.uri == uri:
                return self.get(file.name, owner, now, gone)
        raise Refused(no_such_file(uri.rpartition("/")[2], gone), "no such file")

    def delete(self, name: str, owner: str, now: datetime, gone: int) -> Reply:
        """Forget a file."""
        self.get(name, owner, now, gone)
        del self._files[name]
        return json_reply({})

    def listed(self, owner: str, now: datetime) -> list[StoredFile]:
        """The owner's living files, newest first."""
        mine = [one for one in self._files.values() if one.owner == owner and one.expires > now]
        return mine[::-1]
