"""The ledger of training hours (JP): what counts in which year, against the target."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.progress.domain.passport import Entry, Passport
from shared.events.plan import ProgrammeRef

Targets = Mapping[str, int]
"""Training hours owed a year by employment status; "" stands for a status not known."""


@dataclass(frozen=True, slots=True)
class Counted:
    """An entry with the year and the training hours it counts for; None and 0 while it does not."""

    entry: Entry
    programme: ProgrammeRef
    year: int | None = None
    jp: int = 0


@dataclass(frozen=True, slots=True)
class Year:
    """One calendar year's training hours against the target."""

    year: int
    jp: int
    target: int

    @property
    def reached(self) -> bool:
        """Tell whether the target is met."""
        return self.jp >= self.target


def counted(passports: Iterable[Passport]) -> list[Counted]:
    """Tell what counts of one person's passports, in order of certification, the uncertified last.

    A certificate counts in the year it was issued in. A programme counts once, whoever taught it,
    and anew only when the certificate that counted was no longer valid.
    """
    ledger: list[Counted] = []
    held_until: dict[str, date] = {}
    for entry in sorted((each for one in passports for each in one.entries), key=_when):
        programme, live = entry.programme, entry.live
        if programme is None:
            # Nothing but a withdrawal or a decision has been heard of it yet.
            continue
        if live is None or live.issued_on <= held_until.get(programme.code, date.min):
            ledger.append(Counted(entry, programme))
            continue
        held_until[programme.code] = live.valid_until or date.max
        ledger.append(Counted(entry, programme, live.issued_on.year, live.jp))
    return ledger


def _when(entry: Entry) -> tuple[date, str]:
    return entry.live.issued_on if entry.live else date.max, entry.enrolment_id


def years(entries: Sequence[Counted], target: int, this_year: int) -> list[Year]:
    """Tell the training hours of every year with any, and of this year."""
    jp: dict[int, int] = defaultdict(int, {this_year: 0})
    for each in entries:
        if each.year is not None:
            jp[each.year] += each.jp
    return [Year(year, jp[year], target) for year in sorted(jp)]


def target_of(employment: str, targets: Targets) -> int:
    """Tell the target of an employment status; of one not configured, the highest there is."""
    return targets.get(employment, max(targets.values(), default=0))
