"""A lane in a few words, for tables and findings."""

from __future__ import annotations

from charimg.claims import Kind
from charimg.lane_choice import LaneChoice
from charimg.settings import lane_name


def place_words(lane: LaneChoice, kind: Kind) -> str:
    """The account of a lane's generator or uploader, with the host of its server where the lane names one."""
    is_generator = kind is Kind.GENERATOR
    written = lane.settings_of((lane.generator if is_generator else lane.uploader).declaration)
    account = lane.account if is_generator else lane.uploader_account
    return lane_name(account, "", written.server if written else None)


def lane_words(lane: LaneChoice, *, fallback: bool) -> str:
    """Where a lane gets its pictures and takes them, its weight, and whether it stands by."""
    words = [place_words(lane, Kind.GENERATOR)]
    if lane.uploader.declaration.name != "none":
        words.append(f"uploaded to {place_words(lane, Kind.UPLOADER)}")
    if lane.weight is not None:
        words.append(f"weight {lane.weight:g}")
    return ", ".join([*words, "a fallback"] if fallback else words)


def subject_of(place: str, lanes: tuple[str, ...]) -> str:
    """What is said of an account or server is said of this: with the lanes it is for, where that is not plain.

    :param place: as :func:`place_words` has it.
    :param lanes: the names of the lanes.
    """
    if lanes in ((), (place,)):
        return place
    return f"{place} ({'lane' if len(lanes) == 1 else 'lanes'} {', '.join(lanes)})"
