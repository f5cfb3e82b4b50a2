"""Two provinces are nodes of their own that know each other, whatever the caller's own node is set to."""

from pathlib import Path

from deploy.embedded.settings import NODE_KEYS, PEERS, PSEUDONYM_KEY, NodeSettings
from deploy.federation.provinces import HOME, HOST, introduce, placed
from shared.federation.keys import NodeKeys, Peers

_KEY = "ab" * 32


def _both(folder: Path, **environment: str) -> list[NodeSettings]:
    settings = NodeSettings.read(environment)
    return [placed(folder / code, settings, code, 3.0) for code in (HOST, HOME)]


def test_what_is_set_for_the_caller_s_node_concerns_neither(tmp_path: Path) -> None:
    """No store, broker, key or fault of another node gets in, and what the system needs stays."""
    given = {
        "PATH": "/usr/bin", "MONGO_URI": "mongodb://elsewhere", "KAFKA_BOOTSTRAP": "elsewhere:9092",
        "PROGRESS_MONGO_DATABASE": "other", "CORPU_NODE_KEYS": "/other", "SMTP_URL": "smtp://x",
    }  # fmt: skip

    for each in _both(tmp_path, **given):
        told = each.of("progress")
        assert "elsewhere" not in told["MONGO_URI"] + told["KAFKA_BOOTSTRAP"]
        assert told["MONGO_DATABASE"] == "corpu_progress"
        assert "SMTP_URL" not in told
        assert told["PATH"] == "/usr/bin"
        assert (each.kafka, told["CORPU_NODE"]) == ("apache", each.node)


def test_both_have_ports_of_their_own(tmp_path: Path) -> None:
    """Neither meets the other."""
    host, home = _both(tmp_path)

    assert not set(host.ports.values()) & set(home.ports.values())


def test_both_know_each_other_and_every_person_by_the_same_pseudonym(tmp_path: Path) -> None:
    """Each holds its own keys, the other's card and the one pseudonym key, for its owner's eyes."""
    both = _both(tmp_path)

    introduce(both, _KEY)

    for own, other in (both, both[::-1]):
        keys = NodeKeys.read(own.home / NODE_KEYS)
        signature = NodeKeys.read(other.home / NODE_KEYS).sign(b"said")
        peers = Peers(own.home / PEERS)
        assert keys.node == own.node
        assert list(peers.cards) == [other.node]
        assert peers.verify(other.node, b"said", signature)
        assert (own.home / PSEUDONYM_KEY).read_text() == _KEY
        assert (own.home / NODE_KEYS).stat().st_mode & 0o077 == 0


def test_a_second_introduction_keeps_the_keys(tmp_path: Path) -> None:
    """Whoever starts again in the same folders finds the same nodes."""
    both = _both(tmp_path)
    introduce(both, _KEY)
    before = (both[0].home / NODE_KEYS).read_text()

    introduce(both, "cd" * 32)

    assert (both[0].home / NODE_KEYS).read_text() == before
    assert (both[1].home / PSEUDONYM_KEY).read_text() == _KEY
