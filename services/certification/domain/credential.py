"""Credentials that other nodes issued to this node's people, with what became of each."""

from dataclasses import dataclass
from typing import Literal, Self

from shared.events.certification import (
    CertificateEnded,
    CertificateRevoked,
    CertificatesTold,
    CertificateSuperseded,
    Certified,
)
from shared.kernel.values import replace

Standing = Literal["live", "draft", "superseded", "revoked"]


@dataclass(frozen=True)
class Held:
    """One revision: what it certifies, as the JSON of its fact, and the signed credential.

    One that `awaits` a signature is a draft until its host tells that there is one.
    """

    revision: int
    number: str
    fact: str
    credential: str
    awaits: bool = False

    @property
    def certified(self) -> Certified:
        """Tell what it certifies, the credential with it."""
        return Certified.read(self.fact).model_copy(update={"credential": self.credential})


@dataclass(frozen=True, slots=True, order=True)
class Ended:
    """A revision that holds no longer."""

    revision: int
    number: str
    state: Literal["superseded", "revoked"]
    reason: str
    by_number: str = ""


@dataclass(frozen=True)
class Credential:
    """All credentials of one enrolment at another node; the id is the enrolment's."""

    id: str
    learner_id: str = ""
    agency: str = ""
    host_node: str = ""
    revisions: tuple[Held, ...] = ()
    ended: tuple[Ended, ...] = ()
    signed: tuple[int, ...] = ()

    def hold(self, fact: Certified) -> Self:
        """Take a revision that is not held yet."""
        if any(each.revision == fact.revision for each in self.revisions):
            return self
        text = fact.model_copy(update={"credential": ""}).write()
        held = Held(fact.revision, fact.number, text, fact.credential, fact.awaits_signature)
        revisions = sorted((*self.revisions, held), key=lambda each: each.revision)
        named = self._naming(fact.learner_id, fact.agency, fact.host_node)
        return replace(named, revisions=tuple(revisions))

    def end(self, learner_id: str, agency: str, host: str, ended: Ended) -> Self:
        """Note that a revision holds no longer, perhaps before it is held; the first word stands."""
        if any(each.revision == ended.revision for each in self.ended):
            return self
        all_ended = tuple(sorted((*self.ended, ended)))
        return replace(self._naming(learner_id, agency, host), ended=all_ended)

    def sign(self, learner_id: str, agency: str, host: str, revision: int) -> Self:
        """Note that a revision is signed, perhaps before it is held."""
        if revision in self.signed:
            return self
        signed = tuple(sorted((*self.signed, revision)))
        return replace(self._naming(learner_id, agency, host), signed=signed)

    def _naming(self, learner_id: str, agency: str, host: str) -> Self:
        return replace(
            self,
            learner_id=self.learner_id or learner_id,
            agency=self.agency or agency,
            host_node=self.host_node or host,
        )

    def ending(self, revision: int) -> Ended | None:
        """Tell how a revision ended, if it has."""
        return next((each for each in self.ended if each.revision == revision), None)

    def standing(self, revision: int) -> Standing:
        """Tell whether a revision still holds."""
        if ended := self.ending(revision):
            return ended.state
        awaits = any(each.awaits for each in self.revisions if each.revision == revision)
        return "draft" if awaits and revision not in self.signed else "live"

    @property
    def live(self) -> Held | None:
        """Tell the credential that holds: the newest revision, unless it has ended or is a draft."""
        newest = self.revisions[-1] if self.revisions else None
        return newest if newest and self.standing(newest.revision) == "live" else None


def ended_of(fact: CertificateSuperseded | CertificateRevoked) -> Ended:
    """Read from a fact how a revision ended."""
    if isinstance(fact, CertificateSuperseded):
        return Ended(fact.revision, fact.number, "superseded", fact.reason, fact.by_number)
    return Ended(fact.revision, fact.number, "revoked", fact.reason)


def tell_all(credential: Credential, to: str, node: str) -> list[CertificatesTold]:
    """Tell a person's new home the credentials that are held; those that it issued it knows."""
    if not credential.revisions or credential.host_node == to:
        return []
    told = tuple(each.certified for each in credential.revisions)
    return [
        CertificatesTold(
            learner_id=credential.learner_id,
            at=max(each.at for each in told),
            home_node=node,
            to_node=to,
            enrolment_id=credential.id,
            certified=told,
            ended=tuple(
                CertificateEnded(
                    revision=each.revision,
                    number=each.number,
                    state=each.state,
                    reason=each.reason,
                    by_number=each.by_number,
                )
                for each in credential.ended
            ),
            signed=credential.signed,
        )
    ]
