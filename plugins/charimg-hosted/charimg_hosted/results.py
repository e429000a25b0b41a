"""Fetching a finished picture: services keep it for minutes or hours, at addresses that then stop working."""

from __future__ import annotations

import json
from typing import Any, TypeGuard

from charimg.addresses import host_and_port
from charimg.errors import FlakyError, InvalidRequestError, ProviderError, RefusedAddressError
from charimg.images import decode_base64
from charimg.model import ImageRequest, Verdict
from charimg.polling import LostTicketError, PolledGenerator

LONGEST_ID = 500
"""Characters of a job's id; those of the services here have some forty."""


def is_ticket(given: object) -> TypeGuard[str]:
    """Whether a service gave an id that its job can be asked for by: it becomes part of an address."""
    return isinstance(given, str) and 0 < len(given) <= LONGEST_ID and given.isprintable()


def ticket_fields(ticket: str, *needed: str) -> dict[str, Any]:
    """The fields of a ticket that is a JSON object, as the plugin itself wrote it into the ledger.

    :param needed: names of texts it must hold.
    :raises LostTicketError: it is no such ticket: that of an older plugin, or of an edited ledger.
    """
    try:
        fields = json.loads(ticket)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not all(isinstance(fields.get(name), str) for name in needed):
        raise LostTicketError("the ledger's ticket is not one of this plugin's")
    return fields


async def picture_at(generator: PolledGenerator, request: ImageRequest, place: str, base_url: str) -> bytes:
    """The bytes of a result: what a ``data:`` address holds, or what lies at a web address.

    No key is sent. An address that refuses for good (404, or the 403 of a signature that has run out) means that an
    earlier try's picture is gone, and the job is asked for no more. Where this very try has paid for the picture, it
    cannot have run out: something between here and the service refuses, and another picture would be paid for in vain.

    :raises LostTicketError: the picture of an earlier try is gone.
    :raises InvalidRequestError: the picture of this try is refused; the job stands, and a later run asks for it.
    :raises ProviderError: it cannot be had at the moment; the job stands.
    """
    if place[:5].lower() == "data:":
        try:
            return decode_base64(place)
        except FlakyError as error:
            error.possibly_charged = True
            raise
    try:
        return await generator.fetch(place, trusted_host=host_and_port(base_url))
    except ProviderError as error:
        if error.verdict in (Verdict.THROTTLED, Verdict.FLAKY) or isinstance(error, RefusedAddressError):
            raise
        if request.ticket is not None:
            raise LostTicketError(f"the finished picture is no longer at its address ({error.message})") from error
        host = host_and_port(place).removesuffix(":443")
        raise InvalidRequestError(
            f"the picture is made, and {host} does not give it out ({error.message}): is that host blocked here?",
            possibly_charged=True,
            standing=True,
        ) from error
