"""The only home of the clock, and Indonesia's three time zones."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Protocol

WIB = timezone(timedelta(hours=7), "WIB")
WITA = timezone(timedelta(hours=8), "WITA")
WIT = timezone(timedelta(hours=9), "WIT")

# Presidential Decree 41/1987: Bali, Nusa Tenggara, South, East and North Kalimantan and Sulawesi
# keep central time; Maluku and Papua eastern time; everybody else western time.
_CENTRAL = frozenset({"51", "52", "53", "63", "64", "65", "71", "72", "73", "74", "75", "76"})
_EASTERN = frozenset({"81", "82", "91", "92", "93", "94", "95", "96"})


def zone_of(region: str) -> timezone:
    """Tell the time zone of a Ministry of Home Affairs region code such as `35` or `35.73`."""
    province = region[:2]
    if province in _CENTRAL:
        return WITA
    return WIT if province in _EASTERN else WIB


def local_date(instant: datetime, region: str) -> date:
    """Tell the calendar date that a UTC instant has in a region."""
    return instant.astimezone(zone_of(region)).date()


def start_of(day: date, region: str) -> datetime:
    """Tell the UTC instant at which a region's calendar day begins."""
    return datetime.combine(day, time.min, zone_of(region)).astimezone(UTC)


def end_of(day: date, region: str) -> datetime:
    """Tell the UTC instant at which a region's calendar day ends: its local midnight."""
    return start_of(day + timedelta(days=1), region)


class Clock(Protocol):
    """Tells the present instant."""

    def now(self) -> datetime:
        """Tell the present instant in UTC."""
        ...


class SystemClock:
    """The machine's own clock, in whole milliseconds, as the stores keep them."""

    def now(self) -> datetime:
        """Tell the present instant in UTC."""
        instant = datetime.now(UTC)
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


@dataclass
class SetClock:
    """A clock that stands where it is set, for tests and simulations."""

    instant: datetime

    def now(self) -> datetime:
        """Tell the instant that was set."""
        return self.instant

    def advance(self, span: timedelta) -> None:
        """Move the clock on by `span`."""
        self.instant += span
