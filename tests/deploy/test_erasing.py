"""The proof of an erasure: what names a person is found wherever it stands, and told without a word of it."""

import base64
import json
from pathlib import Path

import pytest

from deploy.cli.erasing import Person, erase
from deploy.embedded.settings import NodeError
from deploy.erasing.keeping import files
from deploy.erasing.marks import Marks, Scan

NAME, NIP = "Siti Nurhalizá", "198501012010012001"
MARKS = Marks({NAME: "name", NIP: "nip", "0812": "phone"})


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (NAME.encode(), {"name"}),
        (json.dumps({"name": NAME, "nip": NIP}).encode(), {"name", "nip"}),
        (b'{"body":"' + base64.b64encode(f"...{NIP}...".encode()) + b'"}', {"nip"}),
        (base64.urlsafe_b64encode(base64.b64encode(f"abc {NAME} def".encode())), {"name"}),
        (b"call 0812 or nobody", set()),
        (b"somebody else", set()),
    ],
)
def test_a_person_is_found_as_text_as_json_and_in_base64(raw: bytes, expected: set[str]) -> None:
    """However often wrapped; what is too short to mean anybody is passed by."""
    assert expected == MARKS.kinds(raw)


def test_without_words_nothing_is_found() -> None:
    """Nobody is looked for."""
    assert set() == Marks({}).kinds(b"anything")


def test_a_scan_tells_where_but_not_what() -> None:
    """Its result goes to logs and tickets."""
    scan = Scan(records=1)
    scan.look(MARKS, "topic learners", f"{NAME} {NIP}".encode())
    scan.look(MARKS, "store enrolment/rosters", NIP.encode())

    told = scan.as_json()

    assert (3, 2) == (told["found"], scan.found_in("topic"))
    assert 2 == told["where"]["topic learners: nip"] + told["where"]["topic learners: name"]
    assert NIP not in json.dumps(told)


def test_files_of_the_parts_are_read_through_their_doors_only(tmp_path: Path) -> None:
    """Logs and what was rendered are read as files."""
    for name in ("log/enrolment.log", "store/journal", "keys/pseudonym.hex", "out.pdf"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(name)

    assert [("log/enrolment.log", b"log/enrolment.log"), ("out.pdf", b"out.pdf")] == list(
        files(tmp_path)
    )


def test_a_file_that_goes_while_a_home_is_looked_through_is_passed_by(tmp_path: Path) -> None:
    """A node that runs lets go of files of its own at any time."""
    for name in ("first", "gone"):
        (tmp_path / "log").mkdir(exist_ok=True)
        (tmp_path / "log" / name).write_text(name)
    looking = files(tmp_path)

    first = next(looking)
    (tmp_path / "log/gone").unlink()

    assert [("log/first", b"first")] == [first, *looking]


def test_a_person_is_known_under_all_numbers() -> None:
    """Whatever enrolment shows of one id is looked for, and its linked ids are asked next."""
    person = Person(["a"])
    person.know(
        {
            "nip": NIP, "former_nips": ["199001012015011001"], "numbers": [{"what": NIP}],
            "name": NAME, "email": "", "phone": "081234567890", "linked": ["b", "a"],
        }
    )  # fmt: skip

    assert ["a", "b"] == person.ids
    assert not person.told
    assert Person([], {"Siti": "also"}).told
    assert {"nip": 2, "name": 1, "phone": 1} == {
        kind: list(person.words.values()).count(kind) for kind in person.words.values()
    }


@pytest.mark.parametrize("basis", [None, "  "])
def test_nobody_is_erased_without_a_basis(basis: str | None) -> None:
    """It is asked for before anything is touched."""
    with pytest.raises(NodeError, match="--basis"):
        erase(NIP, basis, also=(), scan_only=False, as_json=True)
