"""The cohort as one aggregate: everything that must be decided in one place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, Self, get_args

from services.enrolment.domain.cohort import shape
from services.enrolment.domain.cohort.graduation import Decided, Sitting, SittingDecision
from services.enrolment.domain.cohort.seats import (
    ALREADY_IN,
    LEFT_EARLIER,
    NO_SEAT,
    Outcome,
    Place,
    Request,
)
from services.enrolment.domain.cohort.shape import Calendar, CohortDraft
from services.enrolment.domain.programme import Programme, programme_id
from shared.events.plan import Plan
from shared.kernel.errors import Conflict, Invalid

Task = Literal["calendar", "graduation", "line", "seats"]
TASKS: Final[tuple[Task, ...]] = get_args(Task)


@dataclass(frozen=True, slots=True)
class Cohort:
    """One run of a programme; `unfinished` names what learners still have to be told."""

    id: str
    owner: str = ""
    host_node: str = ""
    status: Literal["", "draft", "open"] = ""
    draft: CohortDraft | None = None
    calendar_version: int = 1
    rescheduled_at: datetime | None = None
    line_closed: bool = False
    turns: int = 0
    places: dict[str, Place] = field(default_factory=dict)
    sittings: tuple[Sitting, ...] = ()
    decided: dict[str, Decided] = field(default_factory=dict)
    unfinished: tuple[Task, ...] = ()

    @property
    def content(self) -> CohortDraft:
        """Tell what the cohort is; one that was never written is Invalid."""
        if self.draft is None:
            raise Invalid("cohort-empty", f"cohort {self.id} was never written")
        return self.draft

    @property
    def programme_id(self) -> str:
        """Tell which programme version it teaches."""
        return programme_id(self.content.programme.code, self.content.programme.version)

    @property
    def seated(self) -> int:
        """Tell how many seats are held."""
        return sum(place.status == "seated" for place in self.places.values())

    @property
    def free(self) -> int:
        """Tell how many seats are free; an open cohort has none to give."""
        return max((self.content.seats or 0) - self.seated, 0)

    @property
    def waiting(self) -> list[str]:
        """Tell the enrolment ids in line, the next one first."""
        line = [key for key, place in self.places.items() if place.status == "waiting"]
        return sorted(line, key=lambda key: self.places[key].turn)

    def write(self, draft: CohortDraft, *, owner: str, host_node: str) -> Self:
        """Replace the draft; an open cohort takes only what it already says."""
        if self.status == "open":
            if draft != self.draft:
                raise Conflict("cohort-open", "an open cohort changes only its calendar")
            return self
        kept = self.owner if self.status else owner
        return replace(self, draft=draft, status="draft", owner=kept, host_node=host_node)

    def open(self, programme: Programme) -> Self:
        """Open for nominations what is sound; Conflict or Invalid tells what is not."""
        if self.status == "open":
            return self
        if programme.status != "published":
            raise Conflict("programme-not-published", f"publish {self.programme_id} first")
        seated = self.content.seats is not None
        shape.check(self.content, programme.content, seated=seated)
        return replace(self, status="open")

    def guard_open(self) -> None:
        """Refuse what only an open cohort takes."""
        if self.status != "open":
            raise Conflict("cohort-not-open", f"cohort {self.id} is not open")

    def guard_agency(self, agency: str) -> None:
        """Refuse a list of an agency that was not invited; no list of agencies invites all."""
        invited = {each.code for each in self.content.nominating_agencies}
        if invited and agency not in invited:
            raise Invalid(
                "agency-not-invited", f"agency {agency} does not nominate for this cohort"
            )

    def agency_name(self, agency: str) -> str:
        """Tell an invited agency's name, or ""."""
        names = {each.code: each.name for each in self.content.nominating_agencies}
        return names.get(agency, "")

    def plan(self, programme: Programme) -> Plan:
        """Tell all that the other services need to follow one learner."""
        draft, content = self.content, programme.content
        return Plan(
            programme=programme.ref,
            cohort_id=self.id,
            cohort_title=draft.title,
            host_node=self.host_node,
            host_agency=draft.host_agency,
            calendar_version=self.calendar_version,
            phases=draft.planned(content),
            sessions=draft.sessions,
            rules=content.rules,
            sdg_goals=content.sdg_goals,
        )

    def reschedule(self, calendar: Calendar, programme: Programme, at: datetime) -> Self:
        """Replace the calendar; an open cohort gets a new calendar version, to be told to all."""
        draft = self.content
        if (calendar.calendar, calendar.sessions) == (draft.calendar, draft.sessions):
            return self
        changed = draft.model_copy(
            update={"calendar": calendar.calendar, "sessions": calendar.sessions}
        )
        if self.status != "open":
            return replace(self, draft=changed)
        shape.check(calendar, programme.content, seated=draft.seats is not None)
        return replace(
            self,
            draft=changed,
            calendar_version=self.calendar_version + 1,
            rescheduled_at=at,
            unfinished=_with(self.unfinished, "calendar"),
        )

    def close_line(self) -> Self:
        """Let nobody wait any more; who still does is told that there is no seat."""
        self.guard_open()
        if self.line_closed:
            return self
        return replace(self, line_closed=True, unfinished=_with(self.unfinished, "line"))

    def begin(self, task: Task) -> Self:
        """Note a task that is to be finished later."""
        return replace(self, unfinished=_with(self.unfinished, task))

    def finish(self, task: Task) -> Self:
        """Tick off a task."""
        return replace(self, unfinished=tuple(each for each in self.unfinished if each != task))

    def admit(self, requests: Sequence[Request]) -> tuple[Self, dict[str, Outcome]]:
        """Decide on requests in their order, and remember each decision for a judge who asks again.

        A seat goes to whoever finds one free and nobody in line; then the line, then `no-seat`.
        """
        places, turns = dict(self.places), self.turns
        free, line = self.free, self.waiting
        outcomes: dict[str, Outcome] = {}
        for each in requests:
            before = places.get(each.enrolment_id)
            if before and before.roster_id == each.roster_id:
                outcomes[each.enrolment_id] = _as_decided(each.enrolment_id, before, line)
                continue
            if refusal := _refusal(each, places):
                outcomes[each.enrolment_id] = refusal
                continue
            turns += 1
            place = Place(each.learner_id, each.agency, each.home_node, each.roster_id, turn=turns)
            if each.reasons:
                places[each.enrolment_id] = replace(place, status="refused", reasons=each.reasons)
                outcomes[each.enrolment_id] = Outcome("refused", each.reasons, fresh=True)
            elif free and not line:
                free -= 1
                places[each.enrolment_id] = replace(place, status="seated")
                outcomes[each.enrolment_id] = Outcome("accepted", fresh=True)
            elif len(line) < self.content.line and not self.line_closed:
                line.append(each.enrolment_id)
                places[each.enrolment_id] = place
                outcomes[each.enrolment_id] = Outcome("waitlisted", position=len(line), fresh=True)
            else:
                places[each.enrolment_id] = replace(place, status="refused", reasons=(NO_SEAT,))
                outcomes[each.enrolment_id] = Outcome("refused", (NO_SEAT,), fresh=True)
        return replace(self, places=places, turns=turns), outcomes

    def free_place(self, enrolment_id: str, *reasons: str) -> tuple[Self, Place | None]:
        """Let somebody leave their seat or the line for good; None if they hold neither."""
        place = self.places.get(enrolment_id)
        if place is None or not place.holds:
            return self, None
        left = replace(place, status="left", reasons=reasons)
        return replace(self, places={**self.places, enrolment_id: left}), place

    def promote(self, enrolment_id: str) -> Self:
        """Give a free seat to somebody in line."""
        seated = replace(self.places[enrolment_id], status="seated")
        return replace(self, places={**self.places, enrolment_id: seated})

    def decide(
        self, sitting: SittingDecision, about: Mapping[str, tuple[str, str]]
    ) -> tuple[Self, int]:
        """Take a sitting's decisions and tell how many are new; `about`: learner and agency by id.

        Whom the sitting finds decided just so already keeps the decision and its number.
        """
        held = Sitting(
            decided_on=sitting.decided_on, minutes=sitting.minutes, signatory=sitting.signatory
        )
        sittings = self.sittings if held in self.sittings else (*self.sittings, held)
        index = sittings.index(held)
        decided, fresh = dict(self.decided), 0
        for each in sitting.decisions:
            before = decided.get(each.enrolment_id)
            standing = before and (before.outcome, before.until, before.sitting)
            if standing == (each.outcome, each.until, index):
                continue
            fresh += 1
            learner, agency = about[each.enrolment_id]
            number = before.number + 1 if before else 1
            decided[each.enrolment_id] = Decided(
                learner, agency, each.outcome, each.until, number, index
            )
        if not fresh:
            return self, 0
        unfinished = _with(self.unfinished, "graduation")
        return replace(self, sittings=sittings, decided=decided, unfinished=unfinished), fresh

    def untold(self, limit: int) -> list[str]:
        """Tell whose decisions, at most so many, are not told yet."""
        return sorted(key for key, each in self.decided.items() if not each.told)[:limit]

    def told(self, keys: Sequence[str]) -> Self:
        """Note that these decisions are told."""
        fresh = {key: replace(self.decided[key], told=True) for key in keys}
        return replace(self, decided={**self.decided, **fresh})


def _refusal(request: Request, places: Mapping[str, Place]) -> Outcome | None:
    """Tell why somebody can take no new place: they hold one, under any number, or left one."""
    for key in (request.enrolment_id, *request.others):
        place = places.get(key)
        if place and place.holds:
            return Outcome("refused", (ALREADY_IN,))
    place = places.get(request.enrolment_id)
    if place and place.status == "left":
        return Outcome("refused", place.reasons or (LEFT_EARLIER,))
    return None


def _as_decided(enrolment_id: str, place: Place, line: Sequence[str]) -> Outcome:
    """Tell again what was decided for this very list."""
    if place.status == "waiting":
        return Outcome("waitlisted", position=line.index(enrolment_id) + 1)
    if place.status == "refused":
        return Outcome("refused", place.reasons)
    return Outcome("accepted")


def _with(tasks: tuple[Task, ...], task: Task) -> tuple[Task, ...]:
    return (*(each for each in tasks if each != task), task)
