"""What contests are filled with: real facts of everybody, beats of a crowd whose minutes are known."""

from collections import Counter

from deploy.bench import audience, facts
from deploy.bench.log import Entry
from services.progress.domain.beats import learners_of, unpack
from shared.events.message import Message

CROWD = audience.viewers(200, 10)


def test_everybody_is_enrolled_and_completes_in_facts_that_the_services_read() -> None:
    """Eight facts a learner, each one readable, the completion after the learner's last phase."""
    people = facts.pupils(50)

    entries = [*facts.enrolments(people), *facts.completions(people)]
    read = [Message.from_record(each.headers, each.value).fact() for each in entries]

    assert facts.A_LEARNER * 50 == len(entries)
    assert Counter(type(each).__name__ for each in read) == {
        "Enrolled": 50,
        "PhaseCompleted": 300,
        "ProgrammeCompleted": 50,
    }


def test_every_stretch_of_the_completions_holds_as_much_work_as_any_other() -> None:
    """Where a drain begins to be measured is chance, and must not say what it costs."""
    types = [
        type(Message.from_record(each.headers, each.value).fact()).__name__
        for each in facts.completions(facts.pupils(400))
    ]
    cohorts = [Counter(types[first : first + 280]) for first in range(0, len(types), 280)]

    assert [{"PhaseCompleted": 240, "ProgrammeCompleted": 40}] * 10 == cohorts


def _minutes(entries: list[Entry]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for entry in entries:
        for _, minute, learners in unpack(entry.value):
            for (learner,) in learners_of(learners):
                found[learner] = found.get(learner, 0) | 1 << minute
    return found


def test_beats_say_just_the_minutes_that_the_crowd_watched_however_they_lie() -> None:
    """Singly or packed, with what is late and repeated, every viewer's minutes are the truth."""
    truth = {each.learner: each.minutes for each in CROWD}
    loose = list(audience.singly("s", audience.beats(CROWD, 10)))
    dense = list(audience.packed("s", audience.beats(CROWD, 10), 3, 50))

    assert truth == _minutes(loose) == _minutes(dense)
    assert len(loose) > 10 * len(dense)


def test_a_viewer_of_one_beat_watched_one_minute() -> None:
    """Half a minute counts its minute, and who never came counts none."""
    assert 0b10 == audience.Viewer(b"", 3, 4).minutes
    assert 0b11 == audience.Viewer(b"", 1, 3).minutes
    assert 0 == audience.Viewer(b"", 3, 3).minutes
