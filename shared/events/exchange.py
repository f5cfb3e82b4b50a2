"""Facts of enrolment about people whom nodes send to each other: nominated abroad, called back, moved."""

from datetime import date

from shared.events.fact import LearnerFact


class Nominated(LearnerFact, type="id.corpu.nominated.v1", topic="enrolment"):
    """A node nominates one of its learners for a cohort of another node, as one row of a list.

    The list has `of` rows, and its agency's officer endorsed it by the letter. `personal` is what
    enrolment needs to know of the person: in the host's copy only, as a JWE for its key.
    """

    enrolment_id: str
    home_node: str
    host_node: str
    cohort_id: str
    agency: str
    agency_name: str = ""
    list_id: str
    row: int
    of: int
    letter_number: str
    letter_dated: date
    agreement_id: str
    purpose: str
    legal_basis: str
    personal: str = ""

    @property
    def addressees(self) -> tuple[str, ...]:
        """Tell the host."""
        return (self.host_node,)


class NominationWithdrawn(LearnerFact, type="id.corpu.nomination_withdrawn.v1", topic="enrolment"):
    """A node takes back one of its learners from another node's cohort, seated there or not."""

    enrolment_id: str
    home_node: str
    host_node: str
    cohort_id: str
    agency: str
    reason: str
    on: date

    @property
    def addressees(self) -> tuple[str, ...]:
        """Tell the host."""
        return (self.host_node,)


class LearnerTransferred(LearnerFact, type="id.corpu.learner_transferred.v1", topic="enrolment"):
    """A learner has another home from now on; `home_node` is the old one, which tells it.

    `linked` are the person's other ids, `hosts` the nodes that have them as a guest, and `agency` the
    new one's code, "" where it stays. `personal` is the record that enrolment keeps of the person: in
    the new home's copy only, as a JWE for its key.
    """

    home_node: str
    to_node: str
    hosts: tuple[str, ...] = ()
    linked: tuple[str, ...] = ()
    moved_on: date
    agency: str = ""
    letter_number: str = ""
    personal: str = ""

    @property
    def addressees(self) -> tuple[str, ...]:
        """Tell the new home, and every host."""
        return tuple(sorted({self.to_node, *self.hosts}))
