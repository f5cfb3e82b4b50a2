"""A programme in one version: a draft that can change, then published and never changed again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self

from shared.events.offers import Code
from shared.events.offers import Syllabus as ProgrammeDraft
from shared.events.plan import Origin, ProgrammeRef
from shared.kernel.errors import Conflict, Invalid
from shared.kernel.values import replace

LARGEST_SYLLABUS = 200_000
"""Bytes that a programme may have as JSON to be offered: it travels as one fact."""

__all__ = ["Code", "Programme", "ProgrammeDraft", "check", "programme_id"]


@dataclass(frozen=True)
class Programme:
    """One version of a programme; its id is `code.version`, its owner an agency or "": the node.

    `origin` is whose programme it was adopted from; `offer` counts what other nodes were told of it.
    """

    id: str
    owner: str = ""
    status: Literal["", "draft", "published"] = ""
    draft: ProgrammeDraft | None = None
    published_at: datetime | None = None
    origin: Origin | None = None
    offer: int = 0
    offered: bool = False

    @property
    def code(self) -> str:
        """Tell the code without the version."""
        return self.id.rpartition(".")[0]

    @property
    def ref(self) -> ProgrammeRef:
        """Tell which programme this is, as facts name it."""
        content = self.content
        return ProgrammeRef(
            code=self.code,
            version=int(self.id.rpartition(".")[2]),
            title=content.title,
            title_en=content.title_en,
            family=content.family,
        )

    @property
    def content(self) -> ProgrammeDraft:
        """Tell what the programme is made of; one that was never written is Invalid."""
        if self.draft is None:
            raise Invalid("programme-empty", f"programme {self.id} was never written")
        return self.draft

    @property
    def jp(self) -> int:
        """Tell the training hours of all phases."""
        return sum(phase.jp for phase in self.content.phases)

    def write(self, draft: ProgrammeDraft, owner: str) -> Self:
        """Replace the draft; a published version takes only what it already says."""
        if self.status == "published" and draft != self.draft:
            raise Conflict(
                "programme-published", "a published version never changes; write the next one"
            )
        if self.status == "published":
            return self
        return replace(
            self, draft=draft, status="draft", owner=self.owner if self.status else owner
        )

    def publish(self, at: datetime) -> Self:
        """Publish what is sound; Invalid tells what is not."""
        if self.status == "published":
            return self
        check(self.content)
        return replace(self, status="published", published_at=at)

    def adopt(self, syllabus: ProgrammeDraft, origin: Origin, owner: str) -> Self:
        """Draft a copy of what another node offers."""
        return replace(self, draft=syllabus, status="draft", owner=owner, origin=origin)

    def put_on_offer(self) -> Self:
        """Offer a published version to other nodes."""
        if self.status != "published":
            raise Conflict("programme-not-published", f"publish {self.id} first")
        if len(self.content.model_dump_json().encode()) > LARGEST_SYLLABUS:
            raise Invalid(
                "syllabus-too-large", f"what is offered has at most {LARGEST_SYLLABUS} bytes"
            )
        return self if self.offered else replace(self, offer=self.offer + 1, offered=True)

    def take_back(self) -> Self:
        """Offer it no longer."""
        return replace(self, offer=self.offer + 1, offered=False) if self.offered else self


def check(draft: ProgrammeDraft) -> None:
    """Refuse phases not numbered from 1 on, and a weighted activity that no gate asks a score of."""
    numbers = [phase.number for phase in draft.phases]
    if numbers != list(range(1, len(numbers) + 1)):
        raise Invalid("phases-not-in-order", "phases are numbered 1, 2, 3 and so on")
    requirements = [each for phase in draft.phases for each in phase.gate.all]
    scored = {each.score.activity for each in requirements if each.score}
    loose = sorted(draft.rules.weights.keys() - scored)
    if loose:
        raise Invalid(
            "weighted-activity-in-no-gate",
            f"no gate asks a score of: {', '.join(loose)}",
            {"activities": loose},
        )


def programme_id(code: str, version: int) -> str:
    """Tell the id of one version of a programme."""
    return f"{code}.{version}"
