"""The audit finds no disagreement where the four stores agree, and tells what it compared and found."""

from deploy.audit import Books
from tests.support.audit import agreeing, judged


def test_stores_that_agree_have_no_disagreement() -> None:
    """One graduate with records, certificate, hours and notices is all in order."""
    assert judged(agreeing()) == []


def test_nothing_at_all_has_no_disagreement() -> None:
    """Four empty stores agree."""
    assert judged({}) == []


def test_the_books_tell_how_much_was_compared() -> None:
    """An audit that compared nothing can be told from one that found nothing."""
    books = Books()
    for service, told in agreeing().items():
        for row in told:
            books.enter(service, row)

    assert books.sizes == {
        "enrolments": 1, "records": 1, "passports": 1, "dossiers": 1, "numbers": 1, "notices": 6,
    }  # fmt: skip


def test_a_disagreement_is_told_in_words() -> None:
    """A disagreement names its kind, its subject and what each side says."""
    rows = agreeing()
    rows["certification"][0]["jp"] = 7

    found = [each.as_json() for each in judged(rows)]

    assert {
        "kind": "jp-differs", "subject": "a", "detail": "enrolment says 908, certification says 7",
    } in found  # fmt: skip
