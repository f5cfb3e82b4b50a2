"""The cohort as one aggregate: everything that must be decided in one place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Self, get_args

from services.enrolment.domain.cohort import shape
from services.enrolment.domain.cohort.graduation import Decided, Sitting, SittingDecision
from services.enrolment.domain.cohort.offer import GuestTerms, Offer
from services.enrolment.domain.cohort.seats import (
    NO_SEAT,
    Outcome,
    Place,
    Request,
    as_decided,
    refusal,
)
from services.enrolment.domain.cohort.shape import Calendar, CohortDraft
from services.enrolment.domain.programme import Programme, programme_id
from shared.events.plan import Plan
from shared.kernel.errors import Conflict, Invalid
from shared.kernel.values import replace

Task = Literal["calendar", "graduation", "line", "seats"]
TASKS: Final[tuple[Task, ...]] = get_args(Task)


@dataclass(frozen=True)
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
    offer: Offer = field(default_factory=Offer)

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

    @property
    def guests(self) -> int:
        """Tell how many seats people of other nodes hold."""
        return sum(each.status == "seated" and self.is_guest(each) for each in self.places.values())

    @property
    def promotable(self) -> list[str]:
        """Tell who in line may take a seat, the next one first: no guest while guests hold all of theirs."""
        full = self.full_of_guests(self.guests)
        return [key for key in self.waiting if not (full and self.is_guest(self.places[key]))]

    def is_guest(self, one: Place | Request) -> bool:
        """Tell whether somebody's home is another node."""
        return one.home_node not in {"", self.host_node}

    def full_of_guests(self, guests: int) -> bool:
        """Tell whether no further guest may take a seat, with so many seated."""
        most = self.offer.most_guests
        return most is not None and guests >= most

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
        if self.owner and programme.owner != self.owner:
            raise Conflict("not-the-owners-programme", "an agency teaches its own programmes only")
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
            owner=self.owner,
            origin=programme.origin,
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
            offer=self.offer.follow(self.calendar_version + 1),
        )

    def put_on_offer(self, terms: GuestTerms, cites: tuple[str, ...]) -> Self:
        """Offer an open cohort to other nodes; more seats for guests go to those who wait."""
        self.guard_open()
        if terms.seats_for_guests is not None and self.content.seats is None:
            raise Invalid("no-seats-to-keep", "a cohort that is open to all keeps no seats")
        offer = self.offer.renew(terms, cites, self.calendar_version)
        offered = replace(self, offer=offer)
        return offered.begin("seats") if offered.free and offered.promotable else offered

    def take_back_offer(self) -> Self:
        """Offer it no longer."""
        return replace(self, offer=self.offer.close())

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
        free, line, guests = self.free, self.waiting, self.guests
        outcomes: dict[str, Outcome] = {}
        for each in requests:
            before = places.get(each.enrolment_id)
            if before and before.roster_id == each.roster_id:
                outcomes[each.enrolment_id] = as_decided(each.enrolment_id, before, line)
                continue
            if against := refusal(each, places):
                outcomes[each.enrolment_id] = against
                continue
            turns += 1
            place = Place(each.learner_id, each.agency, each.home_node, each.roster_id, turn=turns)
            if each.reasons:
                places[each.enrolment_id] = replace(place, status="refused", reasons=each.reasons)
                outcomes[each.enrolment_id] = Outcome("refused", each.reasons, fresh=True)
            elif free and not self._behind(each, [*(places[key] for key in line)], guests):
                free, guests = free - 1, guests + self.is_guest(each)
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

    def _behind(self, request: Request, line: Sequence[Place], guests: int) -> bool:
        """Tell whether somebody has to wait although a seat is free; guests beyond theirs hold up nobody else."""
        if not self.full_of_guests(guests):
            return bool(line)
        return self.is_guest(request) or not all(map(self.is_guest, line))

    def free_place(self, enrolment_id: str, *reasons: str) -> tuple[Self, Place | None]:
        """Let somebody leave their seat or the line for good; None if they hold neither."""
        place = self.places.get(enrolment_id)
        if place is None or not place.holds:
            return self, None
        left = replace(place, status="left", reasons=reasons)
        return replace(self, places={**self.places, enrolment_id: left}), place

    def rehome(self, learner_id: str, home_node: str) -> Self:
        """Note a learner's new home in every place that they had."""
        moved = {
            key: replace(place, home_node=home_node)
            for key, place in self.places.items()
            if place.learner_id == learner_id
        }
        return replace(self, places={**self.places, **moved})

    def promote(self, enrolment_id: str) -> Self:
        """Give a free seat to somebody in line."""
        seated = replace(self.places[enrolment_id], status="seated")
        return replace(self, places={**self.places, enrolment_id: seated})

    def decide(
        self, sitting: SittingDecision, about: Mapping[str, tuple[str, str, int]]
    ) -> tuple[Self, int]:
        """Take a sitting's decisions and tell how many are new; `about`: learner, agency and result by id.

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
            learner, agency, revision = about[each.enrolment_id]
            number = before.number + 1 if before else 1
            decided[each.enrolment_id] = Decided(
                learner, agency, each.outcome, each.until, number, index, result_revision=revision
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


def _with(tasks: tuple[Task, ...], task: Task) -> tuple[Task, ...]:
    return (*(each for each in tasks if each != task), task)
