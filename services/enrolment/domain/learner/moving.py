"""How a person comes from another home."""

from datetime import date, datetime

from services.enrolment.domain.learner.values import Claim, Since
from services.enrolment.domain.learner.whole import Learner
from shared.kernel.values import replace


def move_in(learner: Learner, moving: Learner, agency: str, at: datetime, on: date) -> Learner:
    """Take over a person from their former home, with all that enrolment keeps; a newer move stands."""
    newer = not learner.home_since or learner.home_since < at
    whole = replace(
        learner,
        linked=tuple(sorted({*learner.linked, *moving.linked})),
        hosts=tuple(sorted({*learner.hosts, *moving.hosts})),
    )
    for key, claim in moving.claims.items():
        whole = whole.claiming(key, _merged(whole.claims.get(key, Claim()), claim))
    for key, held in moving.certificates.items():
        whole = whole.certify(key, held).revoke(key, held.revoked)
    if not newer:
        return whole
    code = agency or moving.agency
    moved = moving.agencies if code == moving.agency else (*moving.agencies, Since(code, on))
    return replace(
        whole,
        nip=moving.nip,
        former_nips=moving.former_nips,
        name=moving.name,
        agency=code,
        agency_name=moving.agency_name if code == moving.agency else "",
        employment=moving.employment,
        position=moving.position,
        position_level=moving.position_level,
        email=moving.email,
        phone=moving.phone,
        disability=moving.disability,
        duty_3t=moving.duty_3t,
        active=moving.active,
        numbers=moving.numbers,
        agencies=moved,
        replaced_by=moving.replaced_by,
        home_node="",
        home_since=at,
        moved_to="",
        moved_by=None,
    ).counted(learner)


def _merged(mine: Claim, other: Claim) -> Claim:
    """Take over what another home of the person knew of a claim."""
    newest = max(mine, other, key=lambda each: (bool(each.periods), each.calendar_version))
    lists = tuple(sorted({*mine.given_back, *other.given_back}))
    return replace(newest, given_back=lists, final=mine.final or other.final)
