"""The environment of the peers: their own packages, beside those of the product, made when first asked for."""

import fcntl
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

from deploy.embedded.settings import ROOT, NodeError

_WANTED = ROOT / "requirements/peers.txt"


def python(say: Callable[[str], None], place: Path | None = None) -> str:
    """Tell the Python that has what peers need, installed from hashes if it is not yet; else NodeError."""
    place = place or Path(sys.prefix).with_name(f"{Path(sys.prefix).name}-peers")
    found, stamp = place / "bin/python", place / "corpu.peers.stamp"
    place.parent.mkdir(parents=True, exist_ok=True)
    # The kernel frees the lock however its holder ends.
    with place.with_name(f"{place.name}.lock").open("a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_current(stamp):
            say(f"installing what the peers need into {place}, once")
            _install(place, found)
            stamp.write_bytes(_WANTED.read_bytes())
    return str(found)


def releases(place: Path | None = None) -> dict[str, str]:
    """Tell which releases the peers' environment holds."""
    place = place or Path(sys.prefix).with_name(f"{Path(sys.prefix).name}-peers")
    folders = [str(each) for each in place.glob("lib/python*/site-packages")]
    return {each.name.lower(): each.version for each in distributions(path=folders)}


def _is_current(stamp: Path) -> bool:
    return stamp.exists() and stamp.read_bytes() == _WANTED.read_bytes()


def _install(place: Path, found: Path) -> None:
    """Install by uv, and by pip where uv does not reach the site's index."""
    _run([sys.executable, "-m", "venv", "--clear", str(place)])
    hashed = ["--quiet", "--require-hashes", "-r", str(_WANTED)]
    uv = [sys.executable, "-m", "uv", "pip", "install", "--python", str(found), *hashed]
    if subprocess.run(uv, check=False, capture_output=True, cwd=ROOT).returncode != 0:  # noqa: S603 - our own words
        _run([str(found), "-m", "pip", "install", "--disable-pip-version-check", *hashed])


def _run(argv: list[str]) -> None:
    ended = subprocess.run(argv, check=False, capture_output=True, text=True, cwd=ROOT)  # noqa: S603 - our own words
    if ended.returncode != 0:
        said = (ended.stderr or ended.stdout).strip().rpartition("\n")[2]
        raise NodeError(f"what the peers need cannot be installed: {said}")
