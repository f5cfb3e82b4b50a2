"""The launcher makes its environment once, from the site's own index, and then steps aside."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_TOOLS = (
    *("awk", "cat", "cmp", "cp", "dirname", "env", "head", "ls", "mkdir", "mv", "readlink"),
    *("rm", "sed", "sh", "sleep", "tr", "uname"),
)
# Stands in for uv: it notes what it was told, and installs with pip.
_UV = """
import json, os, subprocess, sys
with open(os.environ["NOTES"], "a") as notes:
    told = {key: value for key, value in os.environ.items() if key.startswith(("UV_", "SSL_"))}
    notes.write(json.dumps({"list": os.path.basename(sys.argv[-1]), "told": told}) + "\\n")
if "UV_IS_BROKEN" in os.environ:
    sys.exit("uv: no route to the index")
again = ["--force-reinstall"] if "--reinstall" in sys.argv else []
pip = [sys.executable, "-m", "pip", "-q", "install"]
sys.exit(subprocess.call([*pip, *again, "-r", sys.argv[-1]]))
"""
_COMMAND_LINE = """
import json, os, sys
print(json.dumps({"argv": sys.argv[1:], "cwd": os.getcwd(), "path": sys.path[0]}))
"""


@dataclass
class Project:
    """A copy of the launcher over tiny requirement files, at a site without a network."""

    root: Path
    path: Path
    environment: dict[str, str] = field(default_factory=dict)

    def call(
        self, *argv: str, cwd: Path | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the launcher to its end."""
        return subprocess.run(
            [str(self.path), *argv],
            cwd=cwd or self.root,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def begin(self, *argv: str) -> subprocess.Popen[str]:
        """Start the launcher."""
        return subprocess.Popen(
            [str(self.path), *argv], env=self.environment, stderr=subprocess.PIPE, text=True
        )

    @property
    def notes(self) -> list[Mapping[str, object]]:
        """Tell what each call of uv was told."""
        notes = self.root.parent / "notes"
        return (
            [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []
        )

    @property
    def installing(self) -> str:
        """Tell the one line that an installation says."""
        return f"corpu: installing what run needs with Python {_version()} into {self.venv}, once\n"

    @property
    def venv(self) -> Path:
        """Tell where the environment is made."""
        return self.root / ".venv"


def _version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _make_wheel(folder: Path) -> str:
    """Build the stand-in for uv, and tell its pin with its hash."""
    folder.mkdir()
    wheel = folder / "uv-1-py3-none-any.whl"
    record = {
        "uv/__init__.py": "",
        "uv/__main__.py": _UV,
        "uv-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: uv\nVersion: 1\n",
        "uv-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in record.items():
            archive.writestr(name, text)
        archive.writestr("uv-1.dist-info/RECORD", "".join(f"{name},,\n" for name in record))
    return f"uv==1 \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Give a fresh clone, as it is before its first call."""
    return _clone(tmp_path)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one environment, to be copied by those who need one and not its making."""
    project = _clone(tmp_path_factory.mktemp("installed"))
    assert 0 == project.call("up").returncode
    return project.venv


@pytest.fixture
def outdated(project: Project, installed: Path) -> Project:
    """Give a clone whose environment was made before its requirement file changed."""
    shutil.copytree(installed, project.venv, symlinks=True)
    with (project.root / "requirements/run.txt").open("a") as pins:
        pins.write("# another release\n")
    return project


def _clone(tmp_path: Path) -> Project:
    root, tools = tmp_path / "clone", tmp_path / "bin"
    for folder in (root / "requirements", root / "deploy", tools):
        folder.mkdir(parents=True)
    pin = _make_wheel(tmp_path / "wheels")
    shutil.copy(ROOT / "corpu", root / "corpu")
    (root / "requirements/run.txt").write_text(pin)
    (root / "requirements/test.txt").write_text(f"# more\n{pin}")
    (root / "deploy/__init__.py").touch()
    (root / "deploy/cli.py").write_text(_COMMAND_LINE)
    for tool in _TOOLS:
        (tools / tool).symlink_to(shutil.which(tool) or pytest.fail(f"this machine has no {tool}"))
    # A name on the PATH with nothing behind it, as version switchers leave them.
    (tools / "python3.13").write_text("#!/bin/sh\necho no such version >&2\nexit 127\n")
    (tools / "python3.13").chmod(0o755)
    (tools / "python3").symlink_to(Path(sys.base_prefix) / "bin/python3")
    environment = {
        "PATH": str(tools),
        "HOME": str(tmp_path),
        "NOTES": str(tmp_path / "notes"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "wheels"),
    }
    return Project(root, root / "corpu", environment)


def test_the_first_call_installs_and_every_one_runs_the_command_line(
    project: Project, tmp_path: Path
) -> None:
    """One line tells of the installation; a second call, by a link from elsewhere, says nothing."""
    link = tmp_path / "elsewhere/deeper"
    link.parent.mkdir()
    link.symlink_to("../linked")
    (tmp_path / "linked").symlink_to(project.path)

    first = project.call("--json", "demo", "a b")
    second = Project(project.root, link, project.environment).call("up", cwd=link.parent)

    assert project.installing == first.stderr
    assert ["--json", "demo", "a b"] == json.loads(first.stdout)["argv"]
    assert "" == second.stderr
    assert {
        "argv": ["up"],
        "cwd": str(link.parent),
        "path": str(project.root),
    } == json.loads(second.stdout)
    assert 1 == len(project.notes)


def test_a_changed_requirement_file_installs_again(outdated: Project) -> None:
    """What changed is installed, once."""
    changed = outdated.call("up")
    settled = outdated.call("up")

    assert [outdated.installing, ""] == [changed.stderr, settled.stderr]
    assert 1 == len(outdated.notes)


def test_an_interrupted_installation_is_done_again(outdated: Project) -> None:
    """A package that an interruption left half done is installed anew, though it looks whole."""
    (outdated.venv / "corpu.unfinished").touch()
    (module,) = outdated.venv.glob("lib/python3*/site-packages/uv/__init__.py")
    module.write_text("half")
    outdated.call("up")

    assert "" == module.read_text()
    assert "" == outdated.call("up").stderr


def test_a_failed_installation_leaves_what_was_there(outdated: Project) -> None:
    """A node still starts where the tests' requirements cannot be had."""
    outdated.call("up")
    with (outdated.root / "requirements/test.txt").open("a") as pins:
        pins.write(f"nowhere==1 --hash=sha256:{'0' * 64}\n")
    refused = outdated.call("test")
    started = outdated.call("up")

    assert [1, 0] == [refused.returncode, started.returncode]
    assert "" == started.stderr


def test_only_those_who_test_install_what_tests_need(outdated: Project) -> None:
    """`test` needs the longer list, which holds the shorter one."""
    for command in (["up"], ["--json", "test"], ["bench", "up"], ["up", "test"]):
        outdated.call(*command)

    assert ["run.txt", "test.txt"] == [note["list"] for note in outdated.notes]


def test_two_at_once_install_once(project: Project) -> None:
    """The second of two calls waits for the first one's environment."""
    calls = [project.begin("up") for _ in range(3)]
    said = "".join(call.communicate(timeout=300)[1] for call in calls)

    assert [0, 0, 0] == [call.returncode for call in calls]
    assert 1 == said.count("installing what run needs")
    assert 1 == len(project.notes)


def test_uv_is_told_what_pip_was_told(outdated: Project, tmp_path: Path) -> None:
    """The site's index, authority and folders reach uv, from pip's environment and its file."""
    configuration = tmp_path / "pip.conf"
    configuration.write_text(
        "[global]\nindex-url = https://user:a%20b@mirror.example/simple\n"
        "extra-index-url =\n    https://one.example/simple\n    https://two.example/simple\n"
        "timeout = 7\ncert = /etc/ssl/site.pem\n"
    )
    outdated.call(
        "up",
        PIP_CONFIG_FILE=str(configuration),
        PIP_FIND_LINKS=f"{tmp_path / 'wheels'} {tmp_path / 'nowhere'}",
        PIP_TIMEOUT="9",
        SSL_CERT_FILE="/etc/ssl/own.pem",
    )
    (note,) = outdated.notes

    assert {
        "UV_DEFAULT_INDEX": "https://user:a%20b@mirror.example/simple",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_HTTP_TIMEOUT": "9",
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(tmp_path / "wheels"),
        "SSL_CERT_FILE": "/etc/ssl/own.pem",
    } == note["told"]


def test_pip_installs_where_uv_cannot(outdated: Project) -> None:
    """A failure of uv is told, and pip does its work."""
    done = outdated.call("up", UV_IS_BROKEN="1")

    assert 0 == done.returncode
    assert [
        outdated.installing.strip(),
        "uv: no route to the index",
        "corpu: uv did not succeed; trying again with pip",
    ] == done.stderr.splitlines()


def test_what_does_not_match_its_hash_is_not_installed(outdated: Project, tmp_path: Path) -> None:
    """A package that is not the locked one ends the launcher, which tries again next time."""
    with zipfile.ZipFile(tmp_path / "wheels/uv-1-py3-none-any.whl", "a") as archive:
        archive.writestr("uv/evil.py", "")

    shutil.rmtree(next(outdated.venv.glob("lib/python3*/site-packages/uv")))
    shutil.rmtree(next(outdated.venv.glob("lib/python3*/site-packages/uv-1.dist-info")))

    refused = [outdated.call("up") for _ in range(2)]

    assert [1, 1] == [each.returncode for each in refused]
    assert "DO NOT MATCH THE HASHES" in refused[1].stderr
    assert (
        f"corpu: could not install into {outdated.venv}: the lines above say why; "
        "run it again to go on"
    ) == refused[1].stderr.splitlines()[-1]


def test_without_python_there_is_one_clear_line(project: Project) -> None:
    """A machine without a fitting Python is told what is needed."""
    (project.root.parent / "bin/python3").unlink()
    refused = project.call("up")

    assert 1 == refused.returncode
    assert (
        "corpu: needs Python 3.11 or newer with its venv module, and finds none on the PATH\n"
    ) == refused.stderr


def test_a_folder_that_is_no_environment_is_left_alone(project: Project, tmp_path: Path) -> None:
    """A mistaken CORPU_VENV costs nobody their files."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/letter").touch()
    refused = project.call("up", CORPU_VENV=str(tmp_path / "home"))

    assert 1 == refused.returncode
    assert (
        f"corpu: {tmp_path}/home is not a virtual environment and not empty; "
        "set CORPU_VENV to another folder\n"
    ) == refused.stderr
    assert (tmp_path / "home/letter").exists()
