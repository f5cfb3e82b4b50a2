"""A first cohort as docs/first-cohort.md tells it: the page's own lines, run by a shell on a node of its own."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import httpx2
import pytest

from deploy.embedded.settings import ROOT, SERVICES
from tests.support.real import Placed

NEEDS = {name: which(name) for name in ("bash", "curl", "python3")}
MISSING = [name for name, found in NEEDS.items() if found is None]
BASH = NEEDS["bash"] or "bash"

pytestmark = [
    pytest.mark.real,
    pytest.mark.journey,
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"the page needs {', '.join(MISSING)}"),
]
PATIENCE = 180.0
PAGE = ROOT / "docs/first-cohort.md"
PAPERS = ".corpu/first-cohort"
FIRST_TERMINAL, *SECOND_TERMINAL = re.findall(
    r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
)


@pytest.fixture(scope="module")
def folder(placed: Placed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the folder in which the page was followed, while the node that it started still runs."""
    folder = tmp_path_factory.mktemp("first-cohort")
    # In the launcher's place, which would first set up an environment of its own.
    launcher = folder / "corpu"
    launcher.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m deploy.cli "$@"\n')
    launcher.chmod(0o755)
    node = subprocess.Popen(
        [BASH, "-c", f"exec {FIRST_TERMINAL}"],
        cwd=folder,
        env=placed.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert node.stdout is not None
    try:
        assert any(line.startswith("ready") for line in node.stdout)
        yield folder
    finally:
        node.terminate()
        node.wait(timeout=PATIENCE)
        node.stdout.close()


@pytest.fixture(scope="module")
def said(folder: Path, placed: Placed) -> str:
    """Tell what the page's second terminal says."""
    return _follow(folder, placed)


def _follow(folder: Path, placed: Placed) -> str:
    """Run what the page has for the second terminal; each line of it must succeed."""
    at = {name.upper(): f"http://127.0.0.1:{placed.settings.ports[name]}" for name in SERVICES}
    shell = subprocess.run(
        [BASH, "-eu", "-o", "pipefail", "-c", "".join(SECOND_TERMINAL)],
        cwd=folder,
        env={**placed.environment, **at},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert shell.returncode == 0, shell.stdout[-2_000:] + shell.stderr
    return shell.stdout


def test_the_list_is_judged_as_the_page_says(said: str, folder: Path) -> None:
    """Two are accepted, the third waits, and a number that cannot be is refused with its reason."""
    rows = _kept(folder, "judged.json")["rows"]

    assert said.splitlines().count("published") == 1
    assert [(each["status"], each["reasons"]) for each in rows] == [
        ("accepted", []), ("accepted", []), ("waitlisted", []), ("refused", ["impossible-nip"]),
    ]  # fmt: skip


def test_what_is_missing_is_told_in_the_pages_words(said: str) -> None:
    """The one without an examination reads that it lacks, and the other has completed."""
    assert "['Nilai ujian belum ada (paling rendah 70)']\ncompleted\n" in said


def test_the_certificate_verifies_to_anybody(said: str, folder: Path) -> None:
    """It is live, names the learner and what was certified, and is a PDF in her hands."""
    certificate, verified = _kept(folder, "certificate.json"), _kept(folder, "verified.json")
    again = httpx2.get(f"{certificate['verify_url']}.json").raise_for_status().json()

    assert verified == again
    assert (verified["state"], verified["valid"], verified["name"]) == (
        "live", True, "Siti Rahmawati",
    )  # fmt: skip
    assert verified["number"] == certificate["number"] == "35/arsip-digital/2026/00001"
    assert (folder / PAPERS / "sertifikat.pdf").read_bytes().startswith(b"%PDF-")
    assert f"Sertifikat Anda nomor {certificate['number']}" in said
    assert "'jp': 20, 'target': 20, 'reached': True" in said


def test_following_the_page_again_does_nothing_twice(
    said: str, folder: Path, placed: Placed
) -> None:
    """Whoever begins again at the top ends with the same certificate, its first revision."""
    before = _kept(folder, "certificate.json")

    assert _follow(folder, placed).splitlines()[-1] == said.splitlines()[-1]
    assert _kept(folder, "certificate.json") == before
    assert len(before["revisions"]) == 1


def _kept(folder: Path, name: str) -> dict[str, Any]:
    """Read an answer that the page keeps in a file."""
    kept: dict[str, Any] = json.loads((folder / PAPERS / name).read_text(encoding="utf-8"))
    return kept
