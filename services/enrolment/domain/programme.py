"""A programme in one version: a draft that can change, then published and never changed again."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from shared.events.enrolment import Employment
from shared.events.fact import Value
from shared.events.plan import Family, Phase, ProgrammeRef, Rules, Slug, Title
from shared.kernel.errors import Conflict, Forbidden, Invalid

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]


class Eligible(Value):
    """Who may take part; an empty list admits everybody."""

    employment: tuple[Employment, ...] = Field((), max_length=2)
    position_levels: tuple[Slug, ...] = Field((), max_length=30)


class ProgrammeDraft(Value):
    """A programme as people write it."""

    title: Title
    title_en: Title
    family: Family
    phases: tuple[Phase, ...] = Field(min_length=1, max_length=50)
    rules: Rules
    eligible: Eligible = Eligible()
    prerequisites: tuple[Code, ...] = Field((), max_length=20)
    sdg_goals: tuple[Annotated[int, Field(ge=1, le=17)], ...] = Field((), max_length=17)
    rpjmd_goals: tuple[Title, ...] = Field((), max_length=50)


@dataclass(frozen=True, slots=True)
class Programme:
    """One version of a programme; its id is `code.version`, its owner an agency or "": the node."""

    id: str
    owner: str = ""
    status: Literal["", "draft", "published"] = ""
    draft: ProgrammeDraft | None = None
    published_at: datetime | None = None

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


def guard_owner(owner: str, agency: str | None) -> None:
    """Forbid an agency's own organiser (`agency` not None) to change what somebody else owns."""
    if agency is not None and owner != agency:
        raise Forbidden("not-yours", "this belongs to another organiser")
