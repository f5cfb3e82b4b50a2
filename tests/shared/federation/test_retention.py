"""What a node seals, it alone can open."""

from pathlib import Path

import pytest

from shared.federation.keys import NodeKeys
from shared.federation.retention import KEY_FILE, Retention
from shared.kernel.errors import Unavailable, Unprocessable

TEXT = '{"name":"Siti Aminah"}'


def test_a_node_that_shares_seals_for_its_own_key(tmp_path: Path) -> None:
    """No further key is made, and nobody else's opens it."""
    own, other = tmp_path / "own.json", tmp_path / "other.json"
    for path in (own, other):
        path.write_text(NodeKeys.make("35").written(), encoding="utf-8")
    sealed = Retention("35", own, tmp_path / "pseudonym.hex").seal(TEXT)

    assert TEXT == Retention("35", own, tmp_path / "pseudonym.hex").open(sealed)
    assert "Siti" not in sealed
    assert {own, other} == set(tmp_path.iterdir())
    with pytest.raises(Unprocessable):
        Retention("35", other, tmp_path / "pseudonym.hex").open(sealed)


def test_a_node_without_keys_makes_one_beside_the_pseudonym_key(tmp_path: Path) -> None:
    """Once, for itself alone to read."""
    retention = Retention("35", None, tmp_path / "pseudonym.hex")
    first, second = retention.seal(TEXT), retention.seal(TEXT)

    assert [TEXT, TEXT] == [retention.open(each) for each in (first, second)]
    assert first != second
    assert 0o600 == (tmp_path / KEY_FILE).stat().st_mode & 0o777
    assert [tmp_path / KEY_FILE] == list(tmp_path.iterdir())


def test_a_key_that_cannot_be_made_is_waited_for(tmp_path: Path) -> None:
    """Nothing is blanked before it can be sealed."""
    retention = Retention("35", None, tmp_path / "nowhere" / "pseudonym.hex")

    with pytest.raises(Unavailable):
        retention.seal(TEXT)
