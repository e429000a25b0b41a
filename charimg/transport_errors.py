"""What it means that a request got no proper answer: aiohttp's exceptions in the core's words."""

from __future__ import annotations

import asyncio
import errno
import os

import aiohttp

from charimg.errors import FatalError, FlakyError, ProviderError, RefusedAddressError, ThrottledError


class NotReachedError(ThrottledError):
    """The request did not reach the service, or repeating it is free of consequence."""


class LostError(ThrottledError):
    """The connection broke after the request may have reached the service."""


def in_our_words(error: Exception, where: str, seconds: float) -> ProviderError:
    """What an exception of aiohttp means, in words that hold no part of the address but *where*."""
    told: ProviderError
    if isinstance(error, RefusedAddressError):
        told = RefusedAddressError(error.message)
    elif isinstance(error, FlakyError):
        told = FlakyError(error.message)
    elif isinstance(error, (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, UnicodeError)):
        told = FatalError(f"'{where}' is not a web address; check the provider's address setting")
    elif isinstance(error, aiohttp.ClientConnectorCertificateError):
        told = FatalError(
            f"the certificate of {where} is not trusted ({_of_certificate(error)}): somebody may stand between, or it"
            " is of an authority of your own, which SSL_CERT_FILE names; it is always checked"
        )
    elif isinstance(error, aiohttp.ClientConnectorSSLError) and _is_not_tls(error):
        told = FatalError(f"{where} does not speak https; check the provider's address setting")
    elif isinstance(error, aiohttp.ClientProxyConnectionError):
        told = NotReachedError(f"the proxy before {where} cannot be reached: {_words(error)}")
    elif isinstance(error, aiohttp.ConnectionTimeoutError):
        told = NotReachedError(f"{where} cannot be reached: no connection within {seconds:.0f} seconds")
    elif isinstance(error, aiohttp.ClientConnectorError):
        told = NotReachedError(f"{where} cannot be reached: {_words(error)}")
    elif isinstance(error, aiohttp.ClientHttpProxyError):
        told = _proxy_refused(error.status, where)
    elif isinstance(error, (aiohttp.ClientPayloadError, aiohttp.ClientResponseError)):
        told = FlakyError(f"the answer of {where} broke off or is damaged")
    elif isinstance(error, asyncio.TimeoutError):
        told = ThrottledError(f"{where} did not answer within {seconds:.0f} seconds", unreachable=True)
    else:
        told = LostError(f"the connection to {where} was lost: {_words(error)}")
    return told


def _of_certificate(error: aiohttp.ClientConnectorCertificateError) -> str:
    """What is wrong with it, in OpenSSL's words: ``self-signed certificate``."""
    inner = error.certificate_error
    return " ".join(str(getattr(inner, "verify_message", "") or "it cannot be verified").split())[:120]


def _is_not_tls(error: aiohttp.ClientConnectorSSLError) -> bool:
    """The other side speaks something else, as a plain http server does; a handshake cut short is not that."""
    reason = getattr(error.os_error, "reason", None) or ""
    return reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")


def _proxy_refused(status: int, where: str) -> ProviderError:
    if status == 407:
        return FatalError(
            f"the proxy before {where} asks for a login; give it in HTTPS_PROXY, as http://name:password@proxy:port"
        )
    return NotReachedError(f"the proxy before {where} answered HTTP {status}")


def _words(error: BaseException) -> str:
    """The system's own words for what failed, in one short line; never aiohttp's, which hold the whole address."""
    inner = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    text = inner.strerror if isinstance(inner, OSError) else None
    if isinstance(inner, OSError) and inner.errno is not None and inner.errno in errno.errorcode:
        text = os.strerror(inner.errno)  # asyncio puts the address into strerror; the bare reason reads better
    return " ".join(text.split())[:200] if text else "it was closed"
