"""`node`, `peers` and `share` on the command line: what they make, and what they refuse."""

import asyncio
import fcntl
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from deploy.cli.federating import unheard_of
from deploy.cli.lines import table
from deploy.embedded.settings import ROOT
from tests.deploy.test_cli import run
from tests.support.waiting import until

JATIM, KALTENG = "Provinsi Jawa Timur", "Provinsi Kalimantan Tengah"


def introduce(folder: Path, code: str, name: str) -> Path:
    """Make a node's keys and give its card's file."""
    made = run("node", "init", "--name", name, home=folder, CORPU_NODE=code)

    assert (made.returncode, made.stderr) == (0, "")
    return folder / "keys/card.json"


def fingerprint(folder: Path, code: str) -> str:
    """Tell what `node init` says of keys that are there."""
    said = run("node", "init", "--name", "x", home=folder, CORPU_NODE=code).stdout
    return said.partition("another way: ")[2].split()[0]


def test_keys_are_made_once_and_kept_to_the_node(tmp_path: Path) -> None:
    """A second `node init` keeps the keys and may change the name; nobody else can read them."""
    first = json.loads(introduce(tmp_path, "35", JATIM).read_text())
    second = json.loads(introduce(tmp_path, "35", "Jatim").read_text())
    private = tmp_path / "keys/node.private.json"

    assert first["keys"] == second["keys"]
    assert (first["name"], second["name"]) == (JATIM, "Jatim")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert all("d" not in key for key in first["keys"])


def test_a_peer_is_added_replaced_and_listed(tmp_path: Path) -> None:
    """A card is taken once; the same again changes nothing, a newer one replaces it."""
    card = introduce(tmp_path / "62", "62", KALTENG)
    introduce(tmp_path / "35", "35", JATIM)

    said = [run("peers", "add", str(card), home=tmp_path / "35").stdout.split(":")[0]]
    said += [run("peers", "add", str(card), home=tmp_path / "35").stdout.split(":")[0]]
    introduce(tmp_path / "62", "62", "Kalteng")
    said += [run("peers", "add", str(card), home=tmp_path / "35").stdout.split(":")[0]]
    listed = json.loads(run("peers", "list", "--json", home=tmp_path / "35").stdout)

    assert said == ["added", "unchanged", "replaced"]
    assert [(each["node"], each["name"], each["role"]) for each in listed["peers"]] == [
        ("62", "Kalteng", "province")
    ]
    assert listed["peers"][0]["fingerprint"] == fingerprint(tmp_path / "62", "62")


@contextmanager
def _at_once(home: Path, commands: Sequence[Sequence[str]], **told: str) -> Iterator[list[str]]:
    """Run commands that meet: each waits for its turn before any of them has it; give what they said."""
    keys = home / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    environment = {"PYTHONPATH": str(ROOT), "CORPU_HOME": str(home), **told}
    with ExitStack() as stack:
        lock = os.open(keys, os.O_RDONLY)
        stack.callback(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-P", "-m", "deploy.cli", *each],
                    env=environment, stdout=subprocess.PIPE, text=True,
                )
            )
            for each in commands
        ]  # fmt: skip
        asyncio.run(until(lambda: all(map(_waits_for_a_lock, running))))
        fcntl.flock(lock, fcntl.LOCK_UN)
        yield [each.communicate(timeout=180)[0] for each in running]


def _waits_for_a_lock(process: subprocess.Popen[str]) -> bool:
    """Tell whether a process waits for a lock; AssertionError for one that has ended without."""
    assert process.poll() is None
    waiting = [
        each.split() for each in Path("/proc/locks").read_text().splitlines() if "->" in each
    ]
    return str(process.pid) in {each[5] for each in waiting}


on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells who waits for a lock"
)


@on_linux
def test_of_two_peers_that_are_added_at_once_both_are_kept(tmp_path: Path) -> None:
    """Whoever comes second reads what the first one wrote."""
    cards = [introduce(tmp_path / code, code, code) for code in ("62", "31")]

    with _at_once(tmp_path / "35", [["peers", "add", str(each)] for each in cards]) as said:
        assert ["added", "added"] == [each.split(":")[0] for each in said]

    listed = json.loads(run("peers", "list", "--json", home=tmp_path / "35").stdout)
    assert ["31", "62"] == [each["node"] for each in listed["peers"]]


def test_a_peer_is_added_where_only_the_peers_file_can_be_written(tmp_path: Path) -> None:
    """A container's home is read-only, and its keys are a volume."""
    card, peers = introduce(tmp_path / "62", "62", KALTENG), tmp_path / "volume/peers.json"
    (tmp_path / "home").write_text("no folder can be made here", encoding="utf-8")

    done = run("peers", "add", str(card), home=tmp_path / "home/35", CORPU_PEERS_FILE=str(peers))

    assert (0, "") == (done.returncode, done.stderr)
    assert [peers] == [*peers.parent.iterdir()]


@on_linux
def test_keys_that_are_made_twice_at_once_are_made_once(tmp_path: Path) -> None:
    """The second one keeps what the first one made, and both tell the same fingerprint."""
    home = tmp_path / "35"

    with _at_once(home, [["node", "init", "--name", JATIM]] * 2) as said:
        assert {"made", "kept"} == {each.split()[0] for each in said}
        assert 1 == len({each.partition("another way: ")[2].split()[0] for each in said})

    assert fingerprint(home, "35") in said[0]


def test_a_peer_of_whom_nothing_was_heard_is_not_well() -> None:
    """Whoever added a card and forgot the mirror is told so; an auditor has nothing to say."""
    heard: dict[str, Any] = {
        "node": "62",
        "role": "province",
        "sources": [{"source": "62/notify/35"}],
    }
    silent = {**heard, "sources": []}
    auditor = {**silent, "node": "31", "role": "auditor"}

    assert {} == unheard_of({"notify": [heard, auditor], "progress": [heard]})
    assert {"62": ["progress"]} == unheard_of({"notify": [heard], "progress": [silent, auditor]})


def test_other_keys_of_a_known_peer_want_their_fingerprint(tmp_path: Path) -> None:
    """Whoever slips a card in gets nothing by it; told by another way, the new keys are taken."""
    introduce(tmp_path / "35", "35", JATIM)
    run("peers", "add", str(introduce(tmp_path / "62", "62", KALTENG)), home=tmp_path / "35")
    before = (tmp_path / "35/keys/peers.json").read_text()
    card = introduce(tmp_path / "other", "62", KALTENG)

    refused = run("peers", "add", str(card), home=tmp_path / "35")

    assert (1, True) == (refused.returncode, "other keys than before" in refused.stderr)
    assert before == (tmp_path / "35/keys/peers.json").read_text()
    told = fingerprint(tmp_path / "other", "62")
    taken = run("peers", "add", str(card), "--fingerprint", told, home=tmp_path / "35")
    assert "replaced" == taken.stdout.split(":")[0]


def test_a_wrong_fingerprint_adds_nothing(tmp_path: Path) -> None:
    """What the peer told by another way must be what its card says."""
    card = introduce(tmp_path / "62", "62", KALTENG)

    refused = run("peers", "add", str(card), "--fingerprint", "0000:0000", home=tmp_path / "35")

    assert refused.returncode == 1
    assert "nothing was added" in refused.stderr
    assert not (tmp_path / "35/keys/peers.json").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"hello", "no node's card"),
        (b"{}", "no node's card"),
        (b'{"node": "99", "name": "x", "keys": []}', "no node's card"),
        (b"\xff\xfe", "no node's card"),
        (b"[" * 100_000, "no node's card"),
        (b" " * 1_000_001, "no node's card"),
    ],
)
def test_what_is_no_card_is_refused(text: bytes, why: str, tmp_path: Path) -> None:
    """A file that holds no card is one line and changes nothing."""
    path = tmp_path / "card.json"
    path.write_bytes(text)

    refused = run("peers", "add", str(path), home=tmp_path / "35")

    assert refused.returncode == 1
    assert why in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["node", "init", "--name", "x", "--role", "king"], "not 'king'"),
        (["node", "init", "--name", ""], "a card cannot say that"),
        (["node", "init", "--name", "a\nb"], "a card cannot say that"),
        (["peers", "add", "absent.json"], "absent.json"),
        (["share", "export", "out", "--to", "62"], "62 is no peer"),
        (["share", "export", "", "--to", "62"], "no file to be replaced"),
        (["share", "export", "/dev/null", "--to", "62"], "no file to be replaced"),
        (["share", "import", "absent"], "absent"),
        (["peers", "status"], "no node runs"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: list[str], why: str, tmp_path: Path) -> None:
    """Every refusal is one line and a non-zero exit status, and makes nothing."""
    refused = run(*arguments, home=tmp_path / "35")

    assert refused.returncode == 1
    assert why in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "35").exists()


@contextmanager
def shown(pieces: Iterable[bytes], status: int = 200) -> Iterator[tuple[str, list[int]]]:
    """Show something at an address, piece by piece until who asked has had enough; tell how much of it went."""
    sent: list[int] = []

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            with suppress(OSError):
                for piece in pieces:
                    self.wfile.write(piece)
                    sent.append(len(piece))

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/.well-known/corpu.json", sent
        finally:
            server.shutdown()
            serving.join()


def test_a_peer_is_added_from_its_address(tmp_path: Path) -> None:
    """With the fingerprint that was told by another way, and not without it."""
    card = introduce(tmp_path / "62", "62", KALTENG).read_bytes()
    told = fingerprint(tmp_path / "62", "62")
    with shown([card]) as (address, _):
        asked = run("peers", "add", address, home=tmp_path / "35")
        added = run("peers", "add", address, "--fingerprint", told, home=tmp_path / "35")

    assert (1, True) == (asked.returncode, told in asked.stderr)
    assert (0, "added") == (added.returncode, added.stdout.partition(":")[0])


def test_an_address_that_shows_no_end_of_a_card_is_left(tmp_path: Path) -> None:
    """A card is a few thousand bytes: of what is more, no more is read, and nothing is added."""
    with shown(b" " * 10_000 for _ in range(100_000)) as (address, sent):
        refused = run("peers", "add", address, home=tmp_path / "35")

    assert (1, 1) == (refused.returncode, len(refused.stderr.splitlines()))
    assert "is no node's card: one has at most 100000 bytes" in refused.stderr
    assert sum(sent) < 50_000_000
    assert not (tmp_path / "35").exists()


@pytest.mark.parametrize(
    ("content", "status", "why"),
    [
        (b"<html>", 200, "is no node's card"),
        (b"\x1f\x8b", 200, "is no node's card"),
        (b"{}", 404, "no card can be fetched"),
        (b"{}", 302, "no card can be fetched"),
    ],
)
def test_an_address_that_shows_something_else_is_one_line(
    content: bytes, status: int, why: str, tmp_path: Path
) -> None:
    """Whatever answers there, nothing is added."""
    with shown([content], status) as (address, _):
        refused = run("peers", "add", address, home=tmp_path / "35")

    assert (1, 1) == (refused.returncode, len(refused.stderr.splitlines()))
    assert why in refused.stderr
    assert not (tmp_path / "35").exists()


def test_a_file_that_finds_no_room_leaves_no_draft(tmp_path: Path) -> None:
    """What was half written is gone again, and the line names what could not be written."""
    (tmp_path / "limit.py").write_text(
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "from deploy.cli.app import main\n"
        "sys.exit(main(['node', 'init', '--name', 'x']))\n"
    )

    told = subprocess.run(
        [sys.executable, "-B", str(tmp_path / "limit.py")],
        env={"PYTHONPATH": str(ROOT), "CORPU_HOME": str(tmp_path / "35")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    path = tmp_path / "35/keys/node.private.json"
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == f"corpu: {path} cannot be written: File too large\n"
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("held", [b"\xff\xfe", b"", b"[" * 100_000, b"{}"])
def test_a_peers_file_that_is_none_is_one_line(held: bytes, tmp_path: Path) -> None:
    """Whatever became of the peers file, the line names it, and it stays as it is."""
    card = introduce(tmp_path / "62", "62", KALTENG)
    path = tmp_path / "35/keys/peers.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(held)

    told = run("peers", "add", str(card), home=tmp_path / "35")

    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (1, "", 1)
    assert f"{path}: not a list of cards" in told.stderr
    assert path.read_bytes() == held


def test_what_others_wrote_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    """A cell of a table is one line without colours, whoever wrote it."""
    table(("name",), [("a\x1b[31m\nb",), ("Dinas Kominfo, Jawa",)])

    assert capsys.readouterr().out.splitlines()[1:] == ["a\\x1b[31m\\nb", "Dinas Kominfo, Jawa"]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "is not what `./corpu share export` writes"),
        (["{}"], "is not what `./corpu share export` writes"),
        (['{"corpu-share": 1, "from": "62", "to": "35", "copies": 2}', "{}"], "cut off: 1 of 2"),
        (['{"corpu-share": 1, "from": "62", "to": "31", "copies": 0}'], "is for node 31"),
        (['{"corpu-share": 1, "from": "62", "to": "35", "copies": 1}', "oops"], "line 2"),
        (['{"corpu-share": 1, "from": 62, "to": "35", "copies": 0}'], "is not what"),
        (['{"corpu-share": 1, "from": "62", "to": "35", "copies": 1}', "[NaN]"], "line 2"),
        (['{"corpu-share": 1, "from": "62", "to": "35", "copies": 1}', "[" * 99_999], "line 2"),
        (['{"corpu-share": 1, "from": "62", "to": "35", "copies": 1}', "\udcff"], "line 2"),
    ],
)
def test_a_broken_file_is_refused_whole(lines: list[str], why: str, tmp_path: Path) -> None:
    """Nothing of a broken, cut or misdirected file is handed to any service."""
    path = tmp_path / "copies"
    path.write_text("\n".join(lines), errors="surrogateescape")

    refused = run("share", "import", str(path), home=tmp_path / "35")

    assert refused.returncode == 1
    assert why in refused.stderr
