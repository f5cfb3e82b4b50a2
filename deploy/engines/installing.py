"""Where the engines' jars lie, and how they get there: whole and verified, or not at all."""

import fcntl
import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.embedded.settings import NodeError, NodeSettings

_OLDEST_JAVA = 17
_INSTALL = "run `./corpu engines install`"


@dataclass(frozen=True)
class Engine:
    """Apache Kafka's jars, which hold MirrorMaker 2 too, and the Java that runs them."""

    jars: Path
    java: str

    def argv(self, main: str, *arguments: str, heap_mb: int, options: tuple[str, ...] = ()) -> list[str]:  # fmt: skip
        """Tell the command line of a Java main class; `options` are the virtual machine's."""
        return [
            self.java,
            # These start sooner and stay smaller, which is what matters on one small machine.
            *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Xmx{heap_mb}m"),
            "-Djava.awt.headless=true",
            *(f"-Dorg.slf4j.simpleLogger.{each}" for each in _LOGGING),
            *options,
            *("-cp", f"{self.jars}/*", main, *arguments),
        ]


_LOGGING = (
    "defaultLogLevel=warn",
    "showDateTime=true",
    "dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


@dataclass(frozen=True)
class Recipe:
    """A pom, and the SHA-256 of each file that it brings; together they name the folder of the result."""

    pom: Path
    digests: Path

    @property
    def version(self) -> str:
        """Tell the version of Apache Kafka that the pom pins."""
        found = re.search(
            r"<kafka\.version>(.+)</kafka\.version>", self.pom.read_text(encoding="utf-8")
        )
        return "" if found is None else found[1]

    def folder(self, settings: NodeSettings) -> Path:
        """Tell where its jars belong, whether they are there or not."""
        stamp = hashlib.sha256(self.pom.read_bytes() + self.digests.read_bytes()).hexdigest()[:8]
        return settings.engines / f"kafka-{self.version}-{stamp}"


KAFKA = Recipe(Path(__file__).with_name("pom.xml"), Path(__file__).with_name("jars.sha256"))


def jars(settings: NodeSettings, recipe: Recipe = KAFKA) -> Path | None:
    """Tell the folder of the installed jars; None where they are not installed."""
    found = recipe.folder(settings)
    return found if found.is_dir() else None


def engine(settings: NodeSettings) -> Engine:
    """Tell the installed engine; NodeError says in one line what is missing."""
    found = jars(settings)
    if found is None:
        raise NodeError(f"Apache Kafka {KAFKA.version} is not installed: {_INSTALL}")
    return Engine(found, java(settings))


def java(settings: NodeSettings) -> str:
    """Find JAVA_HOME's java, else the one on the PATH; NodeError below Java 17."""
    home = settings.environment.get("JAVA_HOME", "")
    needed = f"Apache Kafka needs Java {_OLDEST_JAVA} or newer"
    if home and shutil.which(str(Path(home, "bin", "java"))) is None:
        raise NodeError(
            f"{needed}, and JAVA_HOME ({home}) has no bin/java: set it to a Java's folder"
        )
    found = _command(settings, "java", str(Path(home, "bin", "java")) if home else "java", needed)
    told = _run([found, "-version"], settings.environment)
    told_version = re.search(r'version "([0-9]+)', told.stderr + told.stdout)
    if told_version is None or int(told_version[1]) < _OLDEST_JAVA:
        raise NodeError(f"{needed}, and {found} is not: install one, or set JAVA_HOME")
    return found


def install(
    settings: NodeSettings, say: Callable[[str], None], recipe: Recipe = KAFKA
) -> tuple[Engine, bool]:
    """Install what is not there yet, and tell whether that was needed; NodeError where it fails.

    The folder appears whole or not at all, and holds exactly the files of `jars.sha256`.
    """
    runs = java(settings)
    if found := jars(settings, recipe):
        return Engine(found, runs), False
    mvn = _command(settings, "mvn", "mvn", "the engines come by Apache Maven")
    with _alone(settings.engines):
        # Whoever held the lock before may have done the work.
        if found := jars(settings, recipe):
            return Engine(found, runs), False
        for stale in settings.engines.glob("installing-*"):
            shutil.rmtree(stale, ignore_errors=True)
        say(f"getting Apache Kafka {recipe.version} and MirrorMaker 2 by {mvn}")
        with TemporaryDirectory(prefix="installing-", dir=settings.engines) as place:
            fresh = Path(place) / "jars"
            _download(recipe, mvn, fresh, settings.environment)
            _verify(recipe, fresh)
            fresh.rename(recipe.folder(settings))
    return Engine(recipe.folder(settings), runs), True


def _download(recipe: Recipe, mvn: str, into: Path, environment: Mapping[str, str]) -> None:
    """Copy the jars that the pom names, with all that these need at run time."""
    ended = _run(
        [
            *(mvn, "--batch-mode", "--quiet", "--strict-checksums", f"--file={recipe.pom}"),
            *(
                "dependency:copy-dependencies",
                "-DincludeScope=runtime",
                f"-DoutputDirectory={into}",
            ),
        ],
        environment,
    )
    if ended.returncode != 0:
        lines = [line for line in (ended.stdout + ended.stderr).splitlines() if line.strip()]
        said = next((line for line in lines if "ERROR" in line), *lines[-1:] or ["it said nothing"])
        raise NodeError(f"Maven could not get Apache Kafka {recipe.version}: {_plain(said)}")


def _verify(recipe: Recipe, place: Path) -> None:
    """Raise NodeError where the files are not exactly those whose digests we hold."""
    expected = {
        name: digest
        for digest, name in map(str.split, recipe.digests.read_text(encoding="ascii").splitlines())
    }
    actual = {each.name: _digest(each) for each in place.glob("*")}
    wrong = sorted(
        name for name in expected.keys() | actual.keys() if expected.get(name) != actual.get(name)
    )
    if wrong:
        raise NodeError(
            f"Maven brought {len(wrong)} files that are not the ones of {recipe.digests.name}, "
            f"{wrong[0]} among them: nothing is installed"
        )


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _command(settings: NodeSettings, name: str, command: str, needed: str) -> str:
    found = shutil.which(command, path=settings.environment.get("PATH", ""))
    if found is None:
        raise NodeError(f"{needed}, and `{name}` is not on the PATH: install it first")
    return found


def _run(argv: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own words
        argv, env=dict(environment), capture_output=True, text=True, errors="replace", check=False
    )


def _plain(line: str) -> str:
    """Take the colours and the level off a line of Maven's."""
    return re.sub(r"\x1b\[[0-9;]*m|\[ERROR\]", "", line).strip()


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Hold the lock of the engines' folder, which the kernel frees however its holder ends."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
