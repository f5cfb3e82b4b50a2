"""A benchmark's final state is called right only where it is, for a fast wrong answer would win every time."""

import pytest

from deploy.bench.certificates import complaints as paper_complaints
from deploy.bench.verdict import Held, complaints, differences

RIGHT = [Held("e1", "35/X/2024/00001"), Held("e2", "35/X/2024/00002")]
EVERYBODY = {"e1", "e2"}


def test_one_certificate_for_everybody_kept_and_told_is_right() -> None:
    """Nothing is complained about where nothing is wrong."""
    assert [] == complaints(EVERYBODY, RIGHT, reversed(RIGHT))


@pytest.mark.parametrize(
    ("kept", "told", "said"),
    [
        (RIGHT[:1], RIGHT, "1 certificates are not kept"),
        (RIGHT, RIGHT[:1], "1 certificates are not told"),
        (RIGHT, [*RIGHT, RIGHT[0]], "1 certificates are told more than once"),
        ([*RIGHT, Held("e1", "another")], RIGHT, "1 certificates are kept more than once"),
        ([*RIGHT, Held("e3", "third")], RIGHT, "1 certificates are kept for nobody"),
        ([Held("e1", "same"), Held("e2", "same")], RIGHT, "1 numbers stand on several certificates"),
        (RIGHT, [RIGHT[0], Held("e2", "other")], "1 certificates were told with another number than is kept"),
        ([], [], "2 certificates are not kept"),
    ],
)  # fmt: skip
def test_whatever_is_wrong_with_certificates_is_named(
    kept: list[Held], told: list[Held], said: str
) -> None:
    """A certificate that lacks, is there twice or shares its number spoils the run."""
    assert said in complaints(EVERYBODY, kept, told)


def test_the_same_minutes_for_every_viewer_are_right() -> None:
    """Nothing is complained about where each bitmap is the crowd's."""
    assert [] == differences({"a": 0b101, "b": 1}, {"b": 1, "a": 0b101})


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"a": 0b101}, "1 viewers are missing"),
        ({"a": 0b101, "b": 1, "c": 1}, "1 viewers were never there"),
        ({"a": 0b001, "b": 1}, "1 viewers lack minutes"),
        ({"a": 0b111, "b": 1}, "1 viewers have minutes too many"),
    ],
)
def test_every_wrong_minute_is_named(found: dict[str, int], said: str) -> None:
    """A minute too few or too many spoils the run."""
    assert [said] == differences({"a": 0b101, "b": 1}, found)


def test_a_certificate_without_its_number_or_a_page_is_refused() -> None:
    """What was printed says what it should, on two pages."""
    words = dict.fromkeys(
        ("name", "nip", "programme", "cohort", "signatory", "cites", "score"), "told"
    )
    read = {"pages": 3, "text": "told"}

    wrong = paper_complaints(read, {**words, "number": "35/X/2024/1"})

    assert ["it has 3 pages", "it does not say the number"] == wrong
