"""What travels of a person from node to node: encrypted for one addressee, and no more than it needs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from services.enrolment.domain.learner import Held, Learner
from services.enrolment.domain.placement import Placement
from services.enrolment.domain.roster import Listed, Nominee, Words
from shared.events.enrolment import Employment
from shared.events.fact import Value
from shared.kernel.errors import Unprocessable
from shared.kernel.regions import is_agency
from shared.kernel.values import replace

_MOST = 500
_Number = Annotated[str, Field(max_length=40)]


class Credit(Value):
    """A programme that a person is certified in, as their home knows it."""

    enrolment_id: Annotated[str, Field(min_length=1, max_length=64)]
    programme: Annotated[str, Field(max_length=40)]
    revision: int
    valid_until: date | None = None
    revoked: int = 0


class Traveller(Value):
    """Whom a node nominates abroad; `unit` is the name of the office they work in."""

    nip: _Number
    name: Annotated[str, Field(min_length=1, max_length=200)]
    former_nips: Annotated[tuple[_Number, ...], Field(max_length=_MOST)] = ()
    employment: Employment
    position: Words = ""
    position_level: Annotated[str, Field(max_length=64)] = ""
    unit: Words = ""
    email: Annotated[str, Field(max_length=254)] = ""
    phone: Annotated[str, Field(max_length=50)] = ""
    disability: bool = False
    duty_3t: bool = False
    credits: Annotated[tuple[Credit, ...], Field(max_length=_MOST)] = ()

    @classmethod
    def of(cls, row: Nominee, learner: Learner, linked: Iterable[Learner]) -> Self:
        """Tell of a list's row what the host needs, with the certificates that any number of theirs holds."""
        return cls(
            nip=row.nip,
            name=row.name,
            former_nips=learner.former_nips[-_MOST:],
            employment=row.employment,
            position=row.position or learner.position,
            position_level=row.position_level or learner.position_level,
            unit=row.unit or learner.agency_name,
            email=row.email or learner.email,
            phone=row.phone or learner.phone,
            disability=row.disability,
            duty_3t=row.duty_3t,
            credits=tuple(
                Credit(
                    enrolment_id=key,
                    programme=held.programme,
                    revision=held.revision,
                    valid_until=held.valid_until,
                    revoked=held.revoked,
                )
                for person in (learner, *linked)
                for key, held in sorted(person.certificates.items())
            )[-_MOST:],
        )

    @classmethod
    def read(cls, opened: bytes) -> Self:
        """Read what was encrypted; Unprocessable, without a word of it, where it is broken."""
        try:
            return cls.model_validate_json(opened, extra="ignore")
        except ValidationError:
            pass
        raise Unprocessable("broken-personal-data", "the personal data cannot be read")

    def listed(self, row: int) -> Listed:
        """Take the person into a list under a row's number."""
        return Listed(
            row=row,
            nip=self.nip,
            name=self.name,
            position=self.position,
            position_level=self.position_level,
            employment=self.employment,
            unit=self.unit,
            email=self.email,
            phone=self.phone,
            disability=self.disability,
            duty_3t=self.duty_3t,
        )

    def credited(self, learner: Learner) -> Learner:
        """Note at a learner what their home says they are certified in."""
        for each in self.credits:
            held = Held(each.programme, each.revision, each.valid_until)
            learner = learner.certify(each.enrolment_id, held)
            learner = learner.revoke(each.enrolment_id, each.revoked)
        return learner


def _as_named_now(told: Any) -> Any:  # noqa: ANN401 - any JSON
    """Take a place as an older release tells it: it called the programme's version just so."""
    if isinstance(told, dict) and "version" in told:
        return {"programme_version": told["version"], **told}
    return told


@dataclass(frozen=True)
class Mover:
    """A person under one number who moves to another node, with their places at other nodes."""

    learner: Learner
    placements: tuple[Annotated[Placement, BeforeValidator(_as_named_now)], ...] = ()

    def write(self) -> bytes:
        """Write what is to be encrypted."""
        return _MOVERS.dump_json(self)

    @classmethod
    def read(cls, opened: bytes) -> "Mover":
        """Read what was encrypted; Unprocessable, without a word of it, where it is broken."""
        try:
            return _MOVERS.validate_json(opened)
        except ValidationError:
            pass
        raise Unprocessable("broken-personal-data", "the personal data cannot be read")


_MOVERS: TypeAdapter[Mover] = TypeAdapter(Mover)


def in_region(agency: str, node: str) -> bool:
    """Tell whether an agency is a node's own: its region's, or one in it."""
    return is_agency(agency) and (agency + "/").startswith((f"{node}.", f"{node}/"))


def abroad(cohort_id: str, host: str) -> str:
    """Name another node's cohort among a learner's claims."""
    return f"{host}/{cohort_id}"


def leaving(learner: Learner, node: str) -> Learner:
    """Name a node's own cohorts by it in the claims of whoever leaves it."""
    names = {each.cohort_id: abroad(each.cohort_id, node) for each in learner.claims.values()}
    return _renamed(learner, {each: new for each, new in names.items() if each and "/" not in each})


def arriving(learner: Learner, node: str) -> Learner:
    """Name a node's own cohorts simply in the claims of whoever comes to it."""
    names = {
        each.cohort_id: each.cohort_id.removeprefix(f"{node}/") for each in learner.claims.values()
    }
    return _renamed(learner, names)


def _renamed(learner: Learner, names: Mapping[str, str]) -> Learner:
    claims = {
        key: replace(each, cohort_id=names.get(each.cohort_id, each.cohort_id))
        for key, each in learner.claims.items()
    }
    return replace(learner, claims=claims)
