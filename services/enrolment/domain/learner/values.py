"""What is kept of a learner: what lists tell, days claimed, certificates held, and since when."""

from dataclasses import dataclass
from datetime import date

from shared.events.enrolment import Employment
from shared.events.plan import Period


@dataclass(frozen=True, slots=True)
class Card:
    """What a list tells of a person; blanks tell nothing."""

    nip: str
    name: str
    agency: str
    employment: Employment
    agency_name: str = ""
    position: str = ""
    position_level: str = ""
    email: str = ""
    phone: str = ""
    disability: bool | None = None
    duty_3t: bool | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Days on campus that a cohort holds for a learner, as one list asked.

    `given_back` are the lists that were refused, whether or not their claim ever came; `final`: the
    learner has left the cohort, and no list claims these days again.
    """

    cohort_id: str = ""
    roster_id: str = ""
    periods: tuple[Period, ...] = ()
    calendar_version: int = 0
    given_back: tuple[str, ...] = ()
    final: bool = False

    @property
    def released(self) -> bool:
        """Tell whether the days are free again."""
        return self.final or self.roster_id in self.given_back


@dataclass(frozen=True, slots=True)
class Held:
    """The newest certificate of one enrolment; it is live unless its revision was revoked."""

    programme: str = ""
    revision: int = 0
    valid_until: date | None = None
    revoked: int = 0

    def holds(self, on: date) -> bool:
        """Tell whether the certificate is live and valid on a day."""
        lasting = self.valid_until is None or self.valid_until >= on
        return self.revision > self.revoked and lasting


@dataclass(frozen=True, slots=True)
class Since:
    """What was so since a day: a number, or an agency."""

    what: str
    since: date
