"""The engines come whole and verified, or say in one line why they do not."""

import hashlib
import json
import os
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deploy.embedded.settings import LOOPBACK, NodeError, NodeSettings
from deploy.engines.installing import KAFKA, Engine, Recipe, install, jars, java
from deploy.engines.kafka import broker, write_properties
from deploy.engines.mirror import Heartbeats, flows, mirror
from deploy.engines.wire import length
from tests.deploy.test_cli import run

_COPY = 'mkdir -p "$into"; printf one >"$into/one.jar"; printf two >"$into/two.jar"'
_POM = "<project><kafka.version>4.9.9</kafka.version></project>"


@dataclass
class Machine:
    """A machine with a Java and a Maven of its own, and a recipe of two small jars."""

    folder: Path

    @property
    def settings(self) -> NodeSettings:
        """Tell what a node is told there."""
        path = f"{self.folder / 'bin'}:{os.defpath}"
        engines = str(self.folder / "engines")
        return NodeSettings.read({"PATH": path, "CORPU_ENGINES": engines})

    @property
    def recipe(self) -> Recipe:
        """Tell what Maven is expected to bring."""
        return Recipe(self.folder / "pom.xml", self.folder / "jars.sha256")

    @property
    def calls(self) -> Sequence[str]:
        """Tell how Maven was called, a line for each time."""
        notes = self.folder / "calls"
        return notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []

    def put(self, name: str, *lines: str) -> None:
        """Put a program on the PATH."""
        file = self.folder / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(("#!/bin/sh", *lines)), encoding="utf-8")
        file.chmod(0o755)

    def java(self, version: str) -> None:
        """Put a Java of this version on the PATH."""
        self.put("java", f"echo 'openjdk version \"{version}\" 2025-04-15' >&2")

    def maven(self, deed: str) -> None:
        """Put a Maven on the PATH that does this with the folder `$into`."""
        find = "case $each in -DoutputDirectory=*) into=${each#*=} ;; esac"
        call = f'echo "$@" >>"{self.folder}/calls"'
        self.put("mvn", call, f'for each in "$@"; do {find}; done', deed)

    def install(self) -> tuple[Engine, bool]:
        """Install, and say nothing."""
        return install(self.settings, list[str]().append, self.recipe)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Give a machine on which everything works."""
    machine = Machine(tmp_path)
    machine.java("17.0.15")
    machine.maven(_COPY)
    machine.recipe.pom.write_text(_POM, encoding="utf-8")
    digests = {f"{name}.jar": hashlib.sha256(name.encode()).hexdigest() for name in ("one", "two")}
    machine.recipe.digests.write_text(
        "".join(f"{digest}  {name}\n" for name, digest in digests.items()), encoding="ascii"
    )
    return machine


def test_what_maven_brings_is_installed_once(machine: Machine) -> None:
    """The second call finds what the first one brought, and asks nobody."""
    first, fresh = machine.install()
    second, again = machine.install()

    assert (True, False) == (fresh, again)
    assert first == second
    assert {"one.jar", "two.jar"} == {each.name for each in first.jars.iterdir()}
    assert first.jars == jars(machine.settings, machine.recipe)
    assert [True] == ["--strict-checksums" in call for call in machine.calls]


def test_a_changed_pom_is_another_engine(machine: Machine) -> None:
    """What a running broker uses stays when a new version comes beside it."""
    old, _ = machine.install()
    machine.recipe.pom.write_text(_POM.replace("4.9.9", "4.9.10"), encoding="utf-8")

    assert jars(machine.settings, machine.recipe) is None
    new, fresh = machine.install()

    assert fresh
    assert old.jars.is_dir()
    assert old.jars != new.jars
    assert new.jars.name.startswith("kafka-4.9.10-")


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (_COPY.replace("printf two", "printf tampered"), "brought 1 files .* two.jar among them"),
        (f'{_COPY}; : >"$into/strange.jar"', "brought 1 files .* strange.jar among them"),
        ("true", "brought 2 files that are not the ones of jars.sha256, one.jar among them"),
        ("echo '[ERROR] Could not resolve x'; exit 1", "Kafka 4.9.9: Could not resolve x$"),
        ("exit 1", "could not get Apache Kafka 4.9.9: it said nothing$"),
    ],
)
def test_what_is_not_whole_is_not_installed(deed: str, said: str, machine: Machine) -> None:
    """A failed download, and files other than those whose digests are known, leave nothing behind."""
    machine.maven(deed)

    with pytest.raises(NodeError, match=said):
        machine.install()

    assert jars(machine.settings, machine.recipe) is None
    assert ["lock"] == [each.name for each in machine.settings.engines.iterdir()]


def test_what_an_interruption_left_is_cleared_away(machine: Machine) -> None:
    """A half-made folder is never taken for an engine, and goes with the next installation."""
    half = machine.settings.engines / "installing-half"
    (half / "jars").mkdir(parents=True)

    machine.install()

    assert not half.exists()


@pytest.mark.parametrize("version", ["11.0.2", "1.8.0_401", "none"])
def test_an_old_java_is_one_clear_line(version: str, machine: Machine) -> None:
    """Java below 17 is refused before anything is fetched."""
    machine.java(version)

    with pytest.raises(
        NodeError, match=r"^Apache Kafka needs Java 17 or newer, and .*/java is not"
    ):
        machine.install()

    assert [] == machine.calls


def test_the_java_of_java_home_goes_before_the_one_on_the_path(machine: Machine) -> None:
    """JAVA_HOME says which Java runs the engines, and one without a Java is told of."""
    given = machine.settings.environment
    home = machine.folder / "jdk"
    machine.put("java", "exit 1")
    (home / "bin").mkdir(parents=True)
    other = replace(machine.settings, environment={**given, "JAVA_HOME": str(home)})

    with pytest.raises(NodeError, match=r"JAVA_HOME \(.*jdk\) has no bin/java"):
        java(other)
    machine.java("21")
    (machine.folder / "bin/java").rename(home / "bin/java")

    assert str(home / "bin/java") == java(other)


def test_a_missing_maven_is_one_clear_line(machine: Machine) -> None:
    """Without Maven nothing is fetched, and the line says so."""
    (machine.folder / "bin/mvn").unlink()
    settings = replace(machine.settings, environment={"PATH": str(machine.folder / "bin")})
    machine.put("java", "echo 'version \"17\"' >&2")

    with pytest.raises(NodeError, match="come by Apache Maven, and `mvn` is not on the PATH"):
        install(settings, print, machine.recipe)


def test_a_node_on_apache_kafka_says_how_to_install_it(tmp_path: Path) -> None:
    """`up --kafka apache` without the engine is one line with the command that helps."""
    told = run("up", "--kafka", "apache", home=tmp_path, CORPU_ENGINES=str(tmp_path / "none"))

    last = told.stderr.splitlines()[-1]
    assert (1, "") == (told.returncode, told.stdout)
    assert f"corpu: Apache Kafka {KAFKA.version} is not installed: run `./corpu engines install`" == last  # fmt: skip


def test_a_broker_that_there_is_not_is_one_clear_line(tmp_path: Path) -> None:
    """`--kafka` and CORPU_KAFKA name the brokers that there are."""
    told = run("up", "--kafka", "strange", home=tmp_path)

    line = "corpu: the broker (CORPU_KAFKA) must be embedded or apache, not 'strange'\n"
    assert (1, line) == (told.returncode, told.stderr)


def test_the_engines_are_listed(tmp_path: Path) -> None:
    """`engines list` tells version, folder and presence, for people and for programs."""
    told = run("engines", "list", "--json", home=tmp_path, CORPU_ENGINES=str(tmp_path))
    shown = run("engines", "list", home=tmp_path, CORPU_ENGINES=str(tmp_path))

    (found,) = json.loads(told.stdout)["engines"]
    assert ("kafka", KAFKA.version, False) == (found["name"], found["version"], found["present"])
    assert found["folder"] in shown.stdout


def test_the_pinned_files_are_those_of_the_pinned_version() -> None:
    """The list of digests names the broker and the mirror of the version in the pom."""
    digests = KAFKA.digests.read_text(encoding="ascii")

    for jar in ("kafka_2.13", "kafka-clients", "connect-mirror", "connect-runtime"):
        assert f"  {jar}-{KAFKA.version}.jar\n" in digests


def test_a_node_on_apache_kafka_trusts_its_broker(tmp_path: Path) -> None:
    """Services beside it produce idempotently, restate nothing, and ask for a session it grants."""
    settings = NodeSettings.read({"CORPU_KAFKA": "apache"}).elsewhere(tmp_path)
    told = settings.of("progress")

    assert ("true", "false") == (told["KAFKA_IDEMPOTENT"], told["CORPU_RESTATE_ON_START"])
    assert 6000 <= int(told["KAFKA_SESSION_MS"])
    assert settings.on(None) is settings
    assert "false" == settings.on("embedded").of("progress")["KAFKA_IDEMPOTENT"]


def test_a_properties_file_is_read_back_as_it_was_meant(tmp_path: Path) -> None:
    """Whatever a value holds survives Java's way of writing it, for its owner's eyes only."""
    file = tmp_path / "new" / "x.properties"
    write_properties(file, {"a": "C:\\x", "b": " led", "c": "two\nlines", "d": "é😀"})

    assert [
        "a=C:\\\\x", "b=\\ led", "c=two\\nlines", "d=\\u00e9\\ud83d\\ude00",
    ] == file.read_text(encoding="ascii").splitlines()  # fmt: skip
    assert 0o600 == file.stat().st_mode & 0o777


def test_a_taken_controller_port_is_one_clear_line(machine: Machine, tmp_path: Path) -> None:
    """A broker needs two ports, and the line names the setting of the one that is taken."""
    with socket.socket() as holder:
        holder.bind((LOOPBACK, 0))
        holder.listen()
        taken = holder.getsockname()[1]
        part = broker(machine.install()[0], tmp_path / "broker", 1, taken)

        with pytest.raises(NodeError, match=r"CORPU_(BROKER|CONTROLLER)_PORT"):
            part.check_port()
        with pytest.raises(NodeError, match="set CORPU_CONTROLLER_PORT to another port"):
            replace(part, port=0).check_port()


async def test_a_folder_that_cannot_be_formatted_is_one_clear_line(
    machine: Machine, tmp_path: Path
) -> None:
    """What Kafka's own tool says is the end of the line."""
    made, _ = machine.install()
    machine.put("java", "echo 'no such property' >&2; exit 1")
    part = broker(made, tmp_path / "broker", 0, 0)

    with pytest.raises(NodeError, match=r"^the broker's folder .* formatted: no such property$"):
        await part.spawn()


def test_the_flows_are_those_that_are_enabled() -> None:
    """A flow that is off, and settings of a flow, are none."""
    told = {
        "35->62.enabled": "true", "62->35.enabled": "false", "35->62.topics": "share.*",
        "62 -> 35.73.enabled": "true",
    }  # fmt: skip

    assert [("35", "62"), ("62", "35.73")] == flows(told)


@contextmanager
def _ends(*answers: int) -> Iterator[int]:
    """Stand in for a broker that tells these ends of a partition, one after another; -1 is an error."""
    server = socket.create_server((LOOPBACK, 0))

    def serve() -> None:
        for end in answers:
            with server.accept()[0] as asked:
                (size,) = struct.unpack(">i", asked.recv(4))
                request = asked.recv(size)
                name = request[20 : 20 + struct.unpack_from(">h", request, 18)[0]]
                code = 3 if end < 0 else 0
                body = struct.pack(">ii", 7, 1) + struct.pack(">h", len(name)) + name
                body += struct.pack(">iihqq", 1, 0, code, -1, end)
                asked.sendall(struct.pack(">i", len(body)) + body)

    serving = threading.Thread(target=serve)
    serving.start()
    with server:
        yield server.getsockname()[1]
        serving.join(timeout=10)


async def test_the_end_of_a_partition_is_read_without_a_driver() -> None:
    """A broker's answer is an offset, and -1 where it knows no such partition."""
    with _ends(41, -1) as port:
        told = [await length(LOOPBACK, port, "62.heartbeats") for _ in range(2)]

    assert [41, -1] == told


async def test_a_mirror_is_ready_once_a_new_heartbeat_has_gone_through() -> None:
    """Heartbeats from before its start do not count, nor does a topic that is not there yet."""
    with _ends(7, 7, 8, 8, 9, -1, 1) as port:
        beats = Heartbeats({"62.bootstrap.servers": f"{LOOPBACK}:{port}", "35->62.enabled": "true"})
        first = [await beats.carried("", 0) for _ in range(3)]
        beats.forget()
        second = [await beats.carried("", 0) for _ in range(2)]
        beats.forget()
        third = [await beats.carried("", 0) for _ in range(2)]

    assert [[False, False, True], [False, True], [False, True]] == [first, second, third]


async def test_a_mirror_whose_target_is_away_is_not_ready() -> None:
    """No answer is no heartbeat."""
    with _ends() as port:
        pass
    beats = Heartbeats({"62.bootstrap.servers": f"{LOOPBACK}:{port}", "35->62.enabled": "true"})

    assert not await beats.carried("", 0)


async def test_a_mirrors_properties_go_before_the_defaults(
    machine: Machine, tmp_path: Path
) -> None:
    """The file holds one replica of everything, unless the caller said otherwise."""
    told = {"clusters": "35,62", "replication.factor": "3"}
    part = mirror(machine.install()[0], tmp_path / "mirror", told)
    assert part.prepare is not None
    await part.prepare()

    lines = (tmp_path / "mirror/mirror.properties").read_text(encoding="ascii").splitlines()
    assert {"replication.factor=3", "offset-syncs.topic.replication.factor=1"} <= set(lines)
    assert "62.scheduled.rebalance.max.delay.ms=0" in lines
