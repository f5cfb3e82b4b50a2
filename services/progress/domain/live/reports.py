"""A meeting tool's attendance report: who was there from when to when, as Zoom and Meet tell it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, NamedTuple

from services.progress.domain.live.tables import TableRow, read_table
from services.progress.domain.live.whole import LiveSession

Fault = Literal["", "no-nip", "unreadable-time", "left-before-joining", "outside-session"]

_DIGITS = 18
_NIP = re.compile(r"(?<![0-9])[0-9](?:[ ._-]{0,2}[0-9]){17}(?![0-9])")
_TIME = r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:\.\d+)?)?\s*([AaPp])?\.?[Mm]?\.?"
_CLOCK = re.compile(_TIME)
_ISO = re.compile(rf"(\d{{4}})-(\d{{1,2}})-(\d{{1,2}})[T ,]+{_TIME}")
_DATED = re.compile(rf"(\d{{1,2}})[/.-](\d{{1,2}})[/.-](\d{{4}})[ ,]+{_TIME}")
_SPAN = re.compile(r"(\d+)\s*(h|j|m|s|d)?", re.IGNORECASE)
_UNITS = {"h": 3600, "j": 3600, "m": 60, "s": 1, "d": 1}
_NOON, _HOURS, _MINUTES = 12, 24, 60
_DAY = timedelta(days=1)


class Seen(NamedTuple):
    """One row: whose number it names, and the minutes it tells, or what is wrong with it."""

    row: int
    nip: str
    minutes: int
    fault: Fault = ""


def read_registrations(content: bytes) -> dict[str, str]:
    """Read which e-mail address is whose number."""
    rows = read_table(content, "email", "nip")
    return {
        each.cells["email"].casefold(): nip for each in rows if (nip := nip_in(each.cells["nip"]))
    }


def read_report(
    content: bytes, registered: Mapping[str, str], session: LiveSession, zone: tzinfo
) -> list[Seen]:
    """Read every row of a report, times without a zone being local to the node's."""
    return [
        _seen(each, registered, session, zone) for each in read_table(content, "joined", "left")
    ]


def nip_in(text: str) -> str:
    """Find the one number of a civil servant in a text, its parts set apart or not; "" for none."""
    found = {re.sub(r"[^0-9]", "", each) for each in _NIP.findall(text)}
    return found.pop() if len(found) == 1 else ""


def _seen(row: TableRow, registered: Mapping[str, str], session: LiveSession, zone: tzinfo) -> Seen:
    cells = row.cells
    name = " ".join((cells["name"], cells["first"], cells["last"]))
    nip = nip_in(cells["nip"]) or nip_in(name) or registered.get(cells["email"].casefold(), "")
    joined = list(_instants(cells["joined"], session, zone))
    left = list(_instants(cells["left"], session, zone))
    if not joined or not left:
        return Seen(row.number, nip, 0, "unreadable-time")
    spans = [
        (begins, ends) for begins in joined for ends in left if timedelta() <= ends - begins <= _DAY
    ]
    if not spans:
        return Seen(row.number, nip, 0, "left-before-joining")
    lasted = _lasted(cells["duration"])
    minutes = 0
    for begins, ends in spans:
        # Meet adds up several joins in one row: no more of it counts than it lasted.
        until = begins + min(lasted, ends - begins) if lasted else ends
        minutes = minutes or session.attended(begins, until) & session.minutes
    if not minutes:
        return Seen(row.number, nip, 0, "outside-session")
    return Seen(row.number, nip, minutes, "" if nip else "no-nip")


def _instants(text: str, session: LiveSession, zone: tzinfo) -> Iterator[datetime]:
    """Tell the instants that a time may mean, in UTC; days and months stand in either order."""
    text = text.strip()
    try:
        zoned = datetime.fromisoformat(text)
    except ValueError:
        zoned = None
    if zoned is not None and zoned.tzinfo:
        with suppress(OverflowError):
            yield zoned.astimezone(UTC)
        return
    days: list[tuple[int, int, int]] = []
    if found := _ISO.fullmatch(text):
        days = [(int(found[1]), int(found[2]), int(found[3]))]
        clock = found.groups()[3:]
    elif found := _DATED.fullmatch(text):
        one, other, year = int(found[1]), int(found[2]), int(found[3])
        days = [(year, other, one), (year, one, other)]
        clock = found.groups()[3:]
    elif found := _CLOCK.fullmatch(text):
        first, last = (at.astimezone(zone).date() for at in (session.starts, session.ends))
        days = [(day.year, day.month, day.day) for day in (first, last)]
        clock = found.groups()
    else:
        return
    for year, month, day in dict.fromkeys(days):
        try:
            at = datetime.combine(date(year, month, day), _time(*clock), zone)
            yield at.astimezone(UTC)
        except (ValueError, OverflowError):
            continue


def _time(hour: str, minute: str, second: str | None, half: str | None) -> time:
    hours = int(hour)
    if half:
        hours = hours % _NOON + (_NOON if half in "Pp" else 0)
    return time(hours, int(minute), int(second or 0))


def _lasted(text: str) -> timedelta | None:
    """Read how long somebody was there: `57`, `58 min`, `1 hr 2 min`, `1 jam 2 mnt`, `1:02:00`."""
    try:
        seconds = _seconds(text)
    except ValueError:
        return None
    # No row tells more than a day.
    return timedelta(seconds=min(seconds, int(_DAY.total_seconds()))) if seconds else None


def _seconds(text: str) -> int:
    if ":" in text:
        seconds = 0
        for each in text.split(":"):
            if each.strip().isdigit():
                seconds = seconds * _MINUTES + int(each)
        return seconds
    return sum(
        int(number) * _UNITS[unit.casefold() or "m"]
        for number, unit in _SPAN.findall(text.replace("mnt", "m"))
    )
