"""Ids are derived the same everywhere, and pseudonyms tell nothing."""

import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel import ids

KEY = bytes(range(32))


@given(st.lists(st.text() | st.integers(), min_size=1, max_size=4))
def test_a_derived_id_is_the_standard_one(parts: list[str | int]) -> None:
    """A derived id is RFC 9562's version 5 of its parts, so that another program can derive it too."""
    namespace = uuid.UUID("6f1c9f3e-8a54-5d0e-9b77-2f8a35c0de62")
    try:
        expected = str(uuid.uuid5(namespace, "\x1f".join(map(str, parts))))
    except UnicodeEncodeError:
        return

    assert expected == ids.derived(*parts)


def test_a_pseudonym_is_the_same_under_one_key_and_another_under_another() -> None:
    """Nodes that share a key derive the same learner id; who lacks the key derives nothing."""
    nip = "198001012005011001"

    assert ids.learner_id(nip, KEY) == ids.learner_id(nip, KEY)
    assert ids.learner_id(nip, KEY) != ids.learner_id(nip, KEY[::-1])
    assert nip not in ids.learner_id(nip, KEY)


@pytest.mark.parametrize("held", [b"", b"abcd", b"no digits", b"\xff" * 32])
def test_a_key_that_is_none_is_refused(held: bytes, tmp_path: Path) -> None:
    """A pseudonym key is 32 bytes in hex, and whatever else a file holds, the line names the file."""
    (tmp_path / "short.hex").write_bytes(held)
    (tmp_path / "whole.hex").write_text(KEY.hex() + "\n")

    assert KEY == ids.read_pseudonym_key(tmp_path / "whole.hex")
    with pytest.raises(ValueError, match=r"short\.hex must be 32 bytes in hex"):
        ids.read_pseudonym_key(tmp_path / "short.hex")
