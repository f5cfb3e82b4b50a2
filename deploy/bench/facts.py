"""Facts of many learners in one programme, as the services state them: what certification's topics are filled with."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product

from deploy.bench import school
from deploy.bench.log import Entry
from shared.events.enrolment import Enrolled
from shared.events.fact import Fact
from shared.events.message import Message
from shared.events.plan import Plan, ProgrammeRef
from shared.events.progress import PhaseCompleted, PhaseDone, ProgrammeCompleted
from shared.kernel.ids import derived

_COHORT = 40
"""Learners of one cohort, and so of one plan."""
_BEGAN = datetime(2024, 1, 15, 3, tzinfo=UTC)
_SAMPLED = 100
"""One learner in so many is traced."""
A_LEARNER = school.PHASES + 2
"""Facts of one learner: enrolled, each phase, completed."""


@dataclass(frozen=True)
class Pupil:
    """One learner's enrolment."""

    number: int
    learner_id: str
    enrolment_id: str
    plan: Plan


def pupils(count: int) -> list[Pupil]:
    """Make learners, forty to a cohort."""
    plans = [_plan(number) for number in range(-(-count // _COHORT))]
    return [
        Pupil(
            number,
            derived("bench-learner", number).replace("-", ""),
            f"35-{derived('bench-enrolment', number)}",
            plans[number // _COHORT],
        )
        for number in range(count)
    ]


def _plan(number: int) -> Plan:
    programme = {name: school.PROGRAMME[name] for name in ("title", "title_en", "family")}
    return Plan.model_validate(
        {
            "programme": {"code": school.CODE, "version": 1, **programme},
            "cohort_id": f"bench-{number:06d}",
            "cohort_title": f"Angkatan {number}",
            "host_node": "35",
            "host_agency": "BPSDM",
            "phases": school.PROGRAMME["phases"],
            "rules": school.PROGRAMME["rules"],
        }
    )


def enrolments(people: Sequence[Pupil]) -> Iterator[Entry]:
    """State what enrolment states of them."""
    for each in people:
        fact = Enrolled(
            learner_id=each.learner_id, at=_BEGAN, enrolment_id=each.enrolment_id, agency=school.AGENCY,
            home_node="", plan=each.plan,
        )  # fmt: skip
        yield _entry(fact, "enrolment", each, 1)


def completions(people: Sequence[Pupil], seed: int = 1) -> Iterator[Entry]:
    """State what progress states of them: cohort by cohort, phase by phase, all in an order of their own in each.

    So each stretch holds as much of what certification hears, and a drain costs the same wherever it is measured.
    """
    chance = random.Random(seed)  # noqa: S311 - an order, and no secret
    cohorts = [people[first : first + _COHORT] for first in range(0, len(people), _COHORT)]
    for cohort, phase in product(cohorts, range(1, school.PHASES + 1)):
        for each in chance.sample(cohort, len(cohort)):
            yield _entry(_phase(each, phase), "progress", each, phase)
            if phase == school.PHASES:
                yield _entry(_completed(each), "progress", each, phase + 1)


def _at(phase: int) -> datetime:
    return _BEGAN + timedelta(days=30 * phase)


def _phase(pupil: Pupil, phase: int) -> PhaseCompleted:
    planned = pupil.plan.phases[phase - 1]
    return PhaseCompleted(
        learner_id=pupil.learner_id, at=_at(phase), enrolment_id=pupil.enrolment_id,
        cohort_id=pupil.plan.cohort_id, cohort_title=pupil.plan.cohort_title, agency=school.AGENCY,
        home_node="", programme=_programme(pupil), phase=phase, of=school.PHASES, title=planned.title,
        title_en=planned.title_en, jp=planned.jp,
    )  # fmt: skip


def _completed(pupil: Pupil) -> ProgrammeCompleted:
    phases = range(1, school.PHASES + 1)
    return ProgrammeCompleted(
        learner_id=pupil.learner_id, at=_at(school.PHASES), enrolment_id=pupil.enrolment_id,
        cohort_id=pupil.plan.cohort_id, cohort_title=pupil.plan.cohort_title, agency=school.AGENCY,
        home_node="", programme=_programme(pupil), jp=pupil.plan.total_jp, revision=1,
        phases=tuple(PhaseDone(phase=phase, at=_at(phase)) for phase in phases),
        scores={f"test-{phase}": 60 + (pupil.number + phase) % 40 for phase in phases},
    )  # fmt: skip


def _programme(pupil: Pupil) -> ProgrammeRef:
    return pupil.plan.programme


def _entry(fact: Fact, service: str, pupil: Pupil, seq: int) -> Entry:
    flag = "01" if pupil.number % _SAMPLED == 0 else "00"
    message = Message.of(
        fact, source=f"/corpu/35/{service}", aggregate=pupil.enrolment_id, seq=seq, epoch=1,
        traceparent=f"00-{pupil.number + 1:032x}-{seq:016x}-{flag}",
    )  # fmt: skip
    return Entry(message.subject.encode(), message.data.encode(), message.to_headers())
