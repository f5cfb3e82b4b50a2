"""The command line: what it understands, how it fails, and what it carries in memory."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.cli.app import main
from deploy.cli.ending import ending_of
from deploy.cli.gates import pytest_command
from deploy.cli.operating import _where_it_is
from deploy.cli.playing import report
from deploy.client import Declined
from deploy.demo.run import Demo
from deploy.embedded.node import Interrupted
from deploy.embedded.settings import ROOT, SERVICES, NodeError, NodeSettings
from deploy.running import find, found, note, processes

COMMANDS = (
    "demo", "up", "down", "test", "check", "audit", "replay", "parked", "token", "status", "bench", "faults", "topics",
    "backup", "restore", "store",
)  # fmt: skip


def run(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, in a home folder of its own."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "deploy.cli", *arguments],
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "CORPU_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_every_command_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` names each command with a line of what it does."""
    status = main(["--help"])

    told = {
        line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")
    }
    assert (status, set(COMMANDS) - told) == (0, set())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["demo", "--learners", "many"], "'--learners'"),
        (["demo", "--learners", "3"], "'--learners'"),
        (["demo", "--learners", "5001"], "'--learners'"),
        (["audit", "--wait", "-1"], "'--wait'"),
        (["up", "--nonsense"], "No such option"),
        (["token"], "'--role'"),
        (["audit", "--wait", "inf"], "'--wait'"),
        (["faults", "--budget", "inf"], "'--budget'"),
        (["federation", "cut", "--seconds", "inf"], "'--seconds'"),
        (["simulate", "lecture", "--linger", "inf"], "'--linger'"),
        (["parked", "show", "a\udcff"], "'a\\udcff' is not text in UTF-8"),
    ],
)
def test_a_wrong_call_is_one_line(
    arguments: Sequence[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A call that is not understood says why on standard error, and exits with 2."""
    status = main(arguments)

    told = capsys.readouterr()
    assert (status, told.out, told.err.count("\n")) == (2, "", 1)
    assert said in told.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"], ["status", "--json"], ["audit"], ["replay"], ["down"], ["parked", "list"],
        ["parked", "show", "x"],
    ],
)  # fmt: skip
def test_asking_a_node_that_does_not_run_is_one_line(
    arguments: Sequence[str], tmp_path: Path
) -> None:
    """Commands for a running node say that none runs, where, and how to start one."""
    told = run(*arguments, home=tmp_path)

    line = f"corpu: no node runs in {tmp_path}: start one with `./corpu up`\n"
    assert (told.returncode, told.stdout, told.stderr) == (1, "", line)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"CORPU_NODE": "East Java"}, "CORPU_NODE must be a region code"),
        ({"CORPU_NOTIFY_PORT": "high"}, "CORPU_NOTIFY_PORT must be a port"),
        ({"CORPU_HOME": "/dev/null/corpu"}, "/dev/null"),
    ],
)
def test_a_node_that_cannot_start_says_why(
    environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    """A setting that cannot be meant is one line that names it."""
    told = run("up", "--json", home=tmp_path, **{"CORPU_HOME": str(tmp_path), **environment})

    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (1, "", 1)
    assert said in told.stderr


def test_a_demo_signs_its_own_tokens_and_writes_to_nobody(tmp_path: Path) -> None:
    """A demo beside a configured node uses neither its identity provider nor its mail server."""
    strange = {"SMTP_URL": "smtp://mail", "CORPU_JWKS": "https://id", "CORPU_ISSUER": "https://id"}
    settings = NodeSettings.read(
        {"CORPU_HOME": str(tmp_path), "MONGO_URI": "mongodb://m", **strange}
    )

    demo = Demo.planned(learners=8, keep=False, out=None, settings=settings)

    assert strange.keys() & demo.settings.environment.keys() == set()
    assert demo.settings.environment["MONGO_URI"] == "mongodb://m"
    assert demo.settings.home.parent == demo.out
    assert demo.out.parent == tmp_path / "demo"
    assert set(demo.settings.ports.values()) & set(settings.ports.values()) == set()


def test_a_demo_that_cannot_write_says_where(tmp_path: Path) -> None:
    """A folder that cannot be made is one line that names it."""
    told = run("demo", "--out", "/dev/null/papers", home=tmp_path)

    assert told.returncode == 1
    assert told.stderr == "corpu: /dev/null/papers: Not a directory\n"


def test_a_token_of_a_node_that_never_started_says_so(tmp_path: Path) -> None:
    """There is no key to sign with before the first start, and the line says what to do."""
    told = run("token", "--role", "organiser", home=tmp_path)

    assert (told.returncode, told.stdout) == (1, "")
    assert "there is no issuer key" in told.stderr


def test_an_unknown_role_is_named(tmp_path: Path) -> None:
    """A role that does not exist is refused with those that do."""
    told = run("token", "--role", "teacher", home=tmp_path)

    assert told.returncode == 1
    assert told.stderr.startswith("corpu: no role is called teacher; there are learner, mentor,")


@pytest.mark.parametrize("nip", ["1973", "19730619199506200x", ""])
def test_a_number_that_is_none_is_refused(nip: str, tmp_path: Path) -> None:
    """A token for a NIP asks for 18 digits."""
    told = run("token", "--role", "learner", "--nip", nip, home=tmp_path)

    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == f"corpu: a NIP has 18 digits, and {nip!r} has not\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--subject", " "], "--subject is empty"),
        (["--agency", "Dinas"], "an agency is a region code"),
        (["--node", "99"], "a node is a region code"),
        (["--learner", "abc"], "a learner id has 32 hex digits"),
        (["--learner", "ab" * 16, "--nip", "198501012010012001"], "not both"),
    ],
)
def test_a_token_that_no_service_would_take_is_refused(
    given: list[str], said: str, tmp_path: Path
) -> None:
    """A claim that cannot be meant is named, before any key is looked for."""
    told = run("token", "--role", "learner", *given, home=tmp_path)

    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (1, "", 1)
    assert said in told.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["peers", "acknowledge", "../62"], "a peer is a region code"),
        (["erase", "198501012010012001", "--basis", "x"], "give --basis"),
        (["erase", "198501012010012001", "--basis", "x" * 301], "give --basis"),
        (["replay", "--service", "a\nb"], "no service is called a b; there are"),
    ],
)
def test_what_cannot_be_meant_is_one_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    """Words that no service would take are refused here, in one line whatever is in them."""
    told = run(*arguments, home=tmp_path)

    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (1, "", 1)
    assert said in told.stderr


@pytest.mark.parametrize("key", ["", "x" * 301])
async def test_what_cannot_be_an_id_is_asked_of_no_service(key: str) -> None:
    """An id that is empty or overlong is no message's."""

    async def ask(service: str, path: str) -> str:
        return pytest.fail(f"{service} was asked for {path}")

    with pytest.raises(NodeError, match="no service has parked a message"):
        await _where_it_is(key, ask)


async def test_what_is_given_as_an_id_is_one_part_of_the_path() -> None:
    """No id, however odd, asks a service for anything but a parked message."""
    asked = []

    async def ask(service: str, path: str) -> str:
        asked.append((service, path))
        return "there"

    assert await _where_it_is("../status?x#y\n", ask) == "there"
    assert asked == [("enrolment", "/operations/parked/..%2Fstatus%3Fx%23y%0A")]


def test_groups_without_a_command_tell_theirs(capsys: pytest.CaptureFixture[str]) -> None:
    """`corpu parked` alone tells its commands, as help and not as a result."""
    status = main(["parked"])

    told = capsys.readouterr()
    assert (status, told.out) == (2, "")
    assert "replay" in told.err


def test_being_told_to_end_unwinds_a_command_as_ctrl_c_does(tmp_path: Path) -> None:
    """Even where Ctrl-C is not heard, as in the background of a script."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "deploy.cli", "topics", "apply", "--bootstrap", place],
            env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "CORPU_HOME": str(tmp_path)},
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 - as shells do
        ) as command:
            silent.settimeout(120)
            with silent.accept()[0]:
                command.terminate()
                said = command.communicate(timeout=120)[1]

    assert (130, b"") == (command.returncode, said)


@pytest.mark.parametrize(
    ("failure", "ending"),
    [
        (Interrupted(signal.SIGINT), ("", 130)),
        (Interrupted(signal.SIGTERM), ("", 143)),
        (NodeError("port 8101 is in use"), ("port 8101 is in use", 1)),
        (Declined("notify", 409, "busy", "try again"), ("notify: try again (busy)", 1)),
        (TimeoutError("waited 5 s in vain"), ("waited 5 s in vain", 1)),
        (FileNotFoundError(2, "No such file", "a.xlsx"), ("a.xlsx: No such file", 1)),
        (BrokenPipeError(32, "Broken pipe"), ("Broken pipe", 1)),
        (KeyError("x"), ("this is our defect: KeyError: 'x'", 70)),
        (ValueError(), ("this is our defect: ValueError: no more is known", 70)),
    ],
)
def test_a_failure_ends_in_one_line(failure: Exception, ending: tuple[str, int]) -> None:
    """Whatever goes wrong is a line and a status, never a traceback."""
    assert ending_of(failure) == ending


def test_a_defect_tells_its_place() -> None:
    """A defect that was raised names the line of our source, so that a report is worth something."""
    with pytest.raises(ValueError, match="invalid literal") as raised:
        int("x")

    line, _ = ending_of(raised.value)
    assert line.startswith("this is our defect: ValueError: invalid literal")
    assert f"({__file__}:" in line


def test_up_carries_no_library_that_only_other_commands_need() -> None:
    """The supervisor stays beside its node: no HTTP client, no cryptography, no progress bars."""
    heavy = (
        "httpx2",
        "rich",
        "joserfc",
        "fastapi",
        "pymongo",
        "aiokafka",
        "xlsxwriter",
        "cryptography",
    )
    program = f"import sys, deploy.cli.app, deploy.cli.node; print([m for m in {heavy} if m in sys.modules])"

    told = subprocess.run(
        [sys.executable, "-P", "-c", program], env={"PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip

    assert told.stdout == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["-n", "3", "--dist", "loadscope", "--no-loadscope-reorder"]),
        (
            ["tests/contracts", "-k", "x"],
            [
                "-n",
                "3",
                "--dist",
                "loadscope",
                "--no-loadscope-reorder",
                "tests/contracts",
                "-k",
                "x",
            ],
        ),
        (["-n0", "tests"], ["-n0", "tests"]),
        (["--pdb"], ["--pdb"]),
    ],
)
def test_arguments_go_to_pytest(arguments: list[str], expected: list[str]) -> None:
    """Tests run on three processes unless the arguments say otherwise, and arguments pass through."""
    assert pytest_command(arguments) == [sys.executable, "-m", "pytest", *expected]


@pytest.mark.parametrize(
    ("result", "status"),
    [({"passed": True}, 0), ({"passed": False}, 1), ({"verified": False}, 1), ({"ratio": 20}, 0)],
)
def test_a_report_fails_where_it_says_so(
    result: dict[str, object], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report that did not pass exits with 1, and is one line of JSON all the same."""
    assert report(result, as_json=True) == status

    told = capsys.readouterr().out
    assert (json.loads(told), told.count("\n")) == (result, 1)


@contextmanager
def _pretend(home: Path, pid: int | None = None) -> Iterator[None]:
    """Leave what a node leaves in its home folder, and hold the folder's lock as it does."""
    home.mkdir(parents=True)
    note(home, {"notify": "http://127.0.0.1:8104"})
    with (home / "lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(f"{pid or os.getpid()}\n")
        lock.flush()
        yield


def test_a_node_that_finds_no_room_for_its_note_is_one_line(tmp_path: Path) -> None:
    """It names the disk, where the system does not say which file it was."""
    (tmp_path / "node.json.draft").symlink_to("/dev/full")

    with pytest.raises(NodeError, match=rf"^the disk that holds {tmp_path} is full: "):
        note(tmp_path, {})


def test_a_running_node_is_found_by_its_home(tmp_path: Path) -> None:
    """A node is known by its home folder as long as its supervisor lives."""
    with _pretend(tmp_path / "node"):
        running = find(tmp_path / "node")

    assert running is not None
    assert (running.pid, dict(running.addresses)) == (
        os.getpid(),
        {"notify": "http://127.0.0.1:8104"},
    )


def test_a_node_that_ended_is_not_found(tmp_path: Path) -> None:
    """What a node left behind is no running node, even where its number is another process's now."""
    with _pretend(tmp_path / "crashed"):
        pass
    with _pretend(tmp_path / "other", os.getppid()):
        assert find(tmp_path / "other") is None

    assert (find(tmp_path / "crashed"), find(tmp_path)) == (None, None)


@pytest.mark.parametrize(
    "noted", ["", "[]", "null", '{"pid": 1}', '{"pid": "x"}', '{"pid": 1, "addresses": 5}', "\0"]
)
def test_a_note_that_is_none_is_no_node(noted: str, tmp_path: Path) -> None:
    """A broken file in the home folder is as good as none."""
    with _pretend(tmp_path / "node"):
        (tmp_path / "node" / "node.json").write_text(noted, encoding="utf-8")

        assert find(tmp_path / "node") is None


def test_the_newest_kept_demo_is_found_where_no_other_node_runs(tmp_path: Path) -> None:
    """Commands reach a node that `demo --keep` left running, without being told its folder."""
    settings = NodeSettings.read({"CORPU_HOME": str(tmp_path)})
    kept = [tmp_path / "demo" / stamp / "node" for stamp in ("20240101-1", "20240102-1")]
    with _pretend(kept[0]), _pretend(kept[1]):
        assert found(settings).home == kept[1]


def test_a_process_is_listed_with_its_memory() -> None:
    """A supervisor is listed with what it holds in memory."""
    listed = processes(os.getpid())

    # Parts that other tests of this process started may follow it.
    assert listed[0].name == "supervisor"
    assert listed[0].rss > 1_000_000


TOLD = ",".join(f"{name}=http://127.0.0.1:1/{name}" for name in SERVICES)


def test_a_node_that_is_named_is_found() -> None:
    """A node that others run has addresses and a home with keys, and no process of ours."""
    running = found(NodeSettings.read({"CORPU_ADDRESSES": TOLD, "CORPU_HOME": "/srv/corpu"}))

    assert (Path("/srv/corpu"), 0) == (running.home, running.pid)
    assert "http://127.0.0.1:1/notify" == running.addresses["notify"]
    assert [] == processes(running.pid)


def test_a_node_that_others_run_is_not_stopped_from_here(tmp_path: Path) -> None:
    """`down` says where to stop it instead of signalling anybody."""
    answer = run("down", home=tmp_path, CORPU_ADDRESSES=TOLD)

    assert (1, True) == (answer.returncode, "somebody else runs" in answer.stderr)


def test_a_demo_on_a_running_node_needs_one(tmp_path: Path) -> None:
    """`demo --there` starts nothing."""
    answer = run("demo", "--there", home=tmp_path / "home")

    assert (1, True) == (answer.returncode, "no node runs in" in answer.stderr)


def test_a_backup_of_no_node_is_one_clear_line(tmp_path: Path) -> None:
    """Neither a node nor a file is made where there is nothing to copy."""
    answer = run("backup", str(tmp_path / "b.zip"), home=tmp_path / "home")

    assert f"corpu: there is no node in {tmp_path / 'home'}\n" == answer.stderr
    assert [] == list(tmp_path.iterdir())


def test_a_restoration_from_no_file_is_one_clear_line(tmp_path: Path) -> None:
    """The line names the file."""
    answer = run("restore", str(tmp_path / "b.zip"), home=tmp_path / "home")

    assert (1, f"corpu: {tmp_path / 'b.zip'}: No such file or directory\n") == (
        answer.returncode,
        answer.stderr,
    )


def test_a_demo_on_a_running_node_uses_its_keys(tmp_path: Path) -> None:
    """It signs in with the keys of that node's home, and its papers go where they were asked for."""
    settings = NodeSettings.read({"CORPU_ADDRESSES": TOLD, "CORPU_HOME": str(tmp_path / "home")})
    demo = Demo.on(found(settings), learners=8, out=tmp_path / "papers", settings=settings)

    assert (tmp_path / "home", True) == (demo.settings.home, demo.keep)
    assert demo.there is not None
    assert (tmp_path / "papers").is_dir()
    assert not (tmp_path / "home").exists()
