"""The connection to one account at one server: addresses, login, requests. One object a lane."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from charimg.addresses import host_and_port, join, same_service
from charimg.contracts import Model
from charimg.errors import FatalError, FlakyError, InputError, ProviderError
from charimg.verdicts import read_answer
from charimg_openai.declared import BASE_URL
from charimg_openai.dialects import AUTOMATIC, dialect_of
from charimg_openai.faults import Sent, damaged, error_from, host_of, no_key
from charimg_openai.known_models import is_of_openai, retirement

if TYPE_CHECKING:
    from charimg.contracts import ProviderContext
    from charimg.http import Answer

Part = tuple[str, bytes, str, str]
"""A file in a form: the part's name, its bytes, its file name, its media type."""

LIST_TIMEOUT = 30.0
"""Seconds for the list of models, which is quick wherever it exists."""

_DRAWING_TYPES = frozenset({"image", "image_generation"})
"""What some servers say of a model that draws, beside its id."""


class ImagesService:
    """Speaks to the server. Made by ``context.share(ImagesService)``.

    :raises InputError: the address names an Azure deployment and ``api_version`` is missing.
    """

    def __init__(self, context: ProviderContext) -> None:
        settings = context.settings
        written = str(settings.get("base_url") or BASE_URL).strip()
        self.dialect = dialect_of(str(settings.get("server") or AUTOMATIC), written)
        self.base_url = _with_path(written, self.dialect.path)
        self.title = self.dialect.title or _host(self.base_url)
        self._context = context
        self._key = context.credentials.get("api_key")
        if self._key is not None:
            context.redactor.add(self._key)
        auth = str(settings.get("auth") or AUTOMATIC)
        self._auth = self.dialect.auth if auth == AUTOMATIC else auth
        self._accounts = {
            header: str(settings[name])
            for name, header in (("organization", "OpenAI-Organization"), ("project", "OpenAI-Project"))
            if settings.get(name)
        }
        version = settings.get("api_version")
        self._params = {"api-version": str(version)} if version else {}
        self._timeout = float(settings.get("timeout") or 600.0)
        self._accepted = False
        if "/deployments/" in self.base_url and not version and "api-version=" not in self.base_url:
            raise InputError("openai: base_url names an Azure deployment, which needs -o api_version=... too")

    @property
    def keyed(self) -> bool:
        """There is a key to send."""
        return bool(self._key)

    def _renewal(self) -> str:
        """What to do about the key, or the lack of one. OPENAI_API_KEY is not looked at for a labelled account."""
        told = self._context.renewal("api_key")
        return told if self.keyed or "@" in self._context.account else f"{told} (or set OPENAI_API_KEY)"

    async def ready(self) -> None:
        """Try the key for nothing, once: a wrong one would cost a whole batch of refused requests.

        Servers without a list of models, and keys that may not read it, are left to their first request.

        :raises FatalError: the key is refused, or missing where none can be.
        """
        if self._accepted:
            return
        if self.dialect.needs_key and not self.keyed:
            raise no_key(self.dialect, self._renewal())
        try:
            answer = await self._ask_for_models()
        except FatalError:  # no web address, a certificate that is not trusted: nothing will work
            raise
        except ProviderError:  # whoever cannot be reached now is waited for by the lane
            return
        if answer.status == 401:
            raise self.error(answer, "/models")
        self._accepted = answer.ok

    async def check(self, model: str = "") -> str:
        """Ask for the list of models, which costs nothing, and say what was found.

        :param model: the one that is to draw; empty for none.
        :raises ProviderError: the key is refused, missing where none can be, or nobody answers.
        """
        if self.dialect.needs_key and not self.keyed:
            raise no_key(self.dialect, self._renewal())
        answer = await self._ask_for_models()
        login = "the key is accepted" if self.keyed else "it answers, and asks for no key"
        if answer.status in (404, 405):
            untried = "the key was not tried" if self.keyed else "whether it wants a key is not known"
            return f"it answers; it has no list of models, so {untried}"
        if answer.status == 403 and self.keyed and not _coded(answer):
            return "it answers; the key may not read the list of models, and was tried on nothing else"
        if not answer.ok:
            raise self.error(answer, "/models")
        offered = [one.id for one in self._drawing(answer)]
        found = f"{login}; {len(offered)} model{'' if len(offered) == 1 else 's'} for pictures"
        if not model or "/deployments/" in self.base_url or self.dialect.name == "azure":
            return found
        if model in offered:
            return f"{found}, {model} among them"
        return f"{found}, but not {model} ({retirement(model) or 'choose another with -o model=...'})"

    async def list_models(self) -> tuple[Model, ...]:
        """What the service offers and, as far as one can tell, draws with.

        :raises ProviderError: it does not say.
        """
        answer = await self._ask_for_models()
        if not answer.ok:
            raise self.error(answer, "/models")
        return self._drawing(answer)

    def _drawing(self, answer: Answer) -> tuple[Model, ...]:
        """The models of a list that draw, as far as it tells."""
        listed = _listed(answer)
        if any(one.get("type") in _DRAWING_TYPES for one in listed):
            listed = [one for one in listed if one.get("type") in _DRAWING_TYPES]
        elif self.dialect.name in ("openai", "azure") or any(is_of_openai(str(one.get("id"))) for one in listed):
            listed = [one for one in listed if is_of_openai(str(one.get("id")))]
        return tuple(_model(one) for one in listed if isinstance(one.get("id"), str))

    async def post_json(self, path: str, body: dict[str, Any], *, model: str = "", spends: bool = True) -> Answer:
        """Send JSON and return the answer if it is a 2xx.

        :raises ProviderError: it is another.
        """
        answer = await self._post(path, spends, json=body)
        return self._good(answer, path, model, spends)

    async def post_form(
        self,
        path: str,
        fields: Sequence[tuple[str, str]],
        parts: Sequence[Part],
        *,
        model: str = "",
        spends: bool = True,
    ) -> Answer:
        """Send a multipart form and return the answer if it is a 2xx.

        :raises ProviderError: it is another.
        """
        from aiohttp import FormData  # noqa: PLC0415 - heavy, and only a form needs it

        form = FormData(default_to_multipart=True)
        for name, value in fields:
            form.add_field(name, value)
        for name, data, file_name, media_type in parts:
            form.add_field(name, data, filename=file_name, content_type=media_type)
        answer = await self._post(path, spends, data=form)
        return self._good(answer, path, model, spends)

    def may_ask(self, url: str) -> bool:
        """Whether an address that an answer named may be asked: the service's own, or a public one of the web."""
        from charimg.public_network import may_be_public  # noqa: PLC0415 - loads aiohttp

        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            return False
        return same_service(url, self.base_url) or (parts.scheme in ("http", "https") and may_be_public(host))

    async def fetch(self, url: str) -> Answer:
        """Whatever stands at an address that an answer named, whichever its status.

        The key is not sent along, except to the service itself where it asks for one: some keep their pictures so.

        :raises ProviderError: nobody answers, or the address is not to be asked.
        """
        http = self._context.http
        answer = await http.download(url, trusted_host=host_and_port(self.base_url))
        if answer.status in (401, 403) and self.keyed and same_service(url, self.base_url):
            return await self._request("GET", url, self._timeout)
        return answer

    def error(self, answer: Answer, path: str, *, model: str = "", spends: bool = False) -> ProviderError:
        """What an answer without a picture means."""
        return error_from(
            answer,
            Sent(
                path,
                self.dialect,
                self.title,
                self.keyed,
                self._renewal(),
                model=model,
                retirement=retirement(model),
                spends=spends,
                ceiling=self._context.wait_ceiling,
            ),
            self._context.redactor.clean,
        )

    def decoded(self, answer: Answer) -> Any:
        """The JSON of an answer that should hold a picture.

        :raises FlakyError: it is none; the picture may have been made.
        """
        try:
            return answer.json()
        except FlakyError as error:
            raise damaged(self.title, error) from error

    def _good(self, answer: Answer, path: str, model: str, spends: bool) -> Answer:
        if not answer.ok:
            raise self.error(answer, path, model=model, spends=spends)
        return answer

    async def _ask_for_models(self) -> Answer:
        base = self.base_url.partition("/deployments/")[0]
        return await self._request("GET", join(base, "/models"), LIST_TIMEOUT)

    async def _post(self, path: str, spends: bool, **content: Any) -> Answer:
        try:
            return await self._request("POST", join(self.base_url, path), self._timeout, **content)
        except ProviderError as error:
            error.possibly_charged = error.possibly_charged and spends  # a lost upload costs nothing
            raise

    async def _request(self, method: str, url: str, seconds: float, **content: Any) -> Answer:
        from charimg.http import Timeouts  # noqa: PLC0415 - aiohttp is heavy, and the declaration does without

        return await self._context.http.request(
            method,
            url,
            headers=self._headers(),
            params=self._params or None,
            timeouts=Timeouts(read=seconds, total=seconds),
            **content,
        )

    def _headers(self) -> dict[str, str]:
        if self._key is None:
            return dict(self._accounts)
        key = self._key.reveal()
        login = {"api-key": key} if self._auth == "api-key" else {"Authorization": f"Bearer {key}"}
        return {**login, **self._accounts}


def _coded(answer: Answer) -> bool:
    """The refusal has a code, as that of a region has; that of a key for drawing only has none."""
    return not set(read_answer(answer.status, answer.headers, answer.body).codes) <= {"invalid_request_error"}


def _with_path(written: str, path: str) -> str:
    """The address with its own path, or with the usual one where it has none."""
    try:
        bare = urlsplit(written).path in ("", "/")
    except ValueError:  # whoever sends something there tells it
        return written
    return join(written, path) if bare and "://" in written else written


def _host(url: str) -> str:
    try:
        return host_of(url)
    except ValueError:  # such as http://[::1
        return "the server"


def _listed(answer: Answer) -> list[dict[str, Any]]:
    """The entries of a list of models, bare or in ``data``."""
    document = answer.json()
    entries = document.get("data") if isinstance(document, dict) else document
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _model(entry: dict[str, Any]) -> Model:
    """A model as the service told it; what it does not tell is taken from the declaration by the core."""
    try:
        ends = date.fromisoformat(str(entry.get("shutdown_date"))[:10])
    except ValueError:
        ends = None
    return Model(str(entry["id"]), retired=ends)
