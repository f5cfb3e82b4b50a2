"""Who accompanies a learner, and who may not."""

from dataclasses import dataclass
from typing import Literal

from services.progress.domain.evidence import Companion

Clash = Literal["examiner-is-companion", "own-companion"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """The companions of one enrolment, by their learner ids; they replace the former ones."""

    enrolment_id: str
    mentor: str | None = None
    coach: str | None = None
    examiners: tuple[str, ...] = ()

    @property
    def companions(self) -> tuple[Companion, ...]:
        """Tell the companions one by one."""
        mentors = [Companion("mentor", self.mentor)] if self.mentor else []
        coaches = [Companion("coach", self.coach)] if self.coach else []
        return (*mentors, *coaches, *(Companion("examiner", each) for each in self.examiners))

    def clash(self, learner_id: str) -> Clash | None:
        """Tell why these people may not accompany this learner, if so."""
        people = {each.learner_id for each in self.companions}
        if learner_id in people:
            return "own-companion"
        return "examiner-is-companion" if {self.mentor, self.coach} & {*self.examiners} else None
