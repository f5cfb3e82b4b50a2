"""Whoever is looked for is found, in whatever form a node may hold them."""

import base64
import json
from itertools import combinations

import pytest

from deploy.demo.names import Civilian
from deploy.erasing.marks import layers
from deploy.federation.cast import cast
from deploy.federation.leaks import Watched

_BUDI = Civilian(
    nip="197001011990011001", name="Budi Santoso Wijaya", employment="PNS", position="Camat",
    position_level="Administrator", agency="35.73", email="budi.santoso@asn.example",
    phone="+62811070000001",
)  # fmt: skip
_PSEUDONYM = "5f2b7c1d9e3a4b6c8d0e1f2a3b4c5d6e"
_WATCHED = Watched({_PSEUDONYM: _BUDI})
_TEXT = json.dumps({"vc": {"name": _BUDI.name}}).encode()


@pytest.mark.parametrize(
    "mark", [_PSEUDONYM, _BUDI.nip, _BUDI.name, _BUDI.email, _BUDI.phone], ids=str
)
def test_every_mark_of_a_person_is_found(mark: str) -> None:
    """Pseudonym, number, name, e-mail address and telephone number each tell the person."""
    assert _WATCHED.traces(b"\0\1" + mark.encode() + b"\2") == {(_PSEUDONYM, mark)}


def test_somebody_else_is_nobody() -> None:
    """What names another person is no trace."""
    assert _WATCHED.traces(b"Siti Aminah 198001012000012001") == set()


@pytest.mark.parametrize("skip", range(4))
@pytest.mark.parametrize("write", [base64.b64encode, base64.urlsafe_b64encode])
def test_what_is_wrapped_in_base64_is_found(skip: int, write: object) -> None:
    """A token's payload or a parked value hides nobody, wherever in a run of signs it begins."""
    wrapped = write(_TEXT)  # type: ignore[operator]

    assert _WATCHED.traces(b"{" + b"A" * skip + wrapped.rstrip(b"=") + b"}") == {
        (_PSEUDONYM, _BUDI.name)
    }


def test_what_is_wrapped_twice_is_found() -> None:
    """A token within a parked value is unwrapped as well."""
    twice = base64.b64encode(b'{"jwt":"' + base64.urlsafe_b64encode(_TEXT).rstrip(b"=") + b'"}')

    assert (_PSEUDONYM, _BUDI.name) in _WATCHED.traces(twice)


def test_bytes_that_hold_nothing_wrapped_stay_as_they_are() -> None:
    """Short words are not taken for base64."""
    assert list(layers(b"one two three")) == [b"one two three"]


def test_nobody_in_the_cast_can_be_taken_for_another() -> None:
    """Numbers and addresses are unique, and no name stands within another's."""
    people = cast(30, 10)
    everybody = [*people.hosts_people, *people.homes_people]

    assert len({each.nip for each in everybody}) == len(everybody)
    assert len({each.email for each in everybody}) == len(everybody)
    assert not [
        (one.name, other.name)
        for one, other in combinations(everybody, 2)
        if one.name in other.name or other.name in one.name
    ]
    assert (len(people.own), len(people.guests)) == (30, 10)
    assert cast(30, 10) == people
