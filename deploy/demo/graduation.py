"""The demo's last act: graduation decided in one call, certificates issued, signed and printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from deploy.client import Declined, together, until
from deploy.demo.evidence import Participant
from deploy.demo.nomination import Nominated
from deploy.demo.stage import Stage

_SIGNATORY = {
    "name": "Dra. Sri Endang Wahyuni, M.Si.",
    "position": "Kepala BPSDM Provinsi Jawa Timur",
}
_AT_ONCE = 4
_SIGNED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Printed:
    """One certificate as the node holds it, and the file that its PDF was written to."""

    certificate: dict[str, Any]
    pdf: Path


async def graduate(
    stage: Stage, nominated: Nominated, participants: Sequence[Participant]
) -> dict[str, Any]:
    """Decide on everybody in one call, once enrolment knows everybody's newest result."""
    await until(
        "every learner's newest result is known",
        partial(
            _all_known, stage, nominated, frozenset(each.enrolment_id for each in participants)
        ),
        within=stage.patience,
    )
    decided_on = nominated.course.days(len(nominated.course.phases))[-1] + timedelta(days=4)
    answer: dict[str, Any] = await stage.organiser.post(
        "enrolment",
        f"/cohorts/{nominated.cohort_id}/graduation",
        {
            "decided_on": str(decided_on),
            "minutes": "Berita Acara 800.2.4.2/1187/204.5/2024",
            "signatory": _SIGNATORY,
            "decisions": [
                {"enrolment_id": each.enrolment_id, "outcome": "graduated"} for each in participants
            ],
        },
    )
    return answer


async def sign_and_print(stage: Stage, nominated: Nominated, wanted: int) -> list[Printed]:
    """Wait for the drafts, sign each, write each PDF to the folder; in order of number."""
    await until(
        "every graduate has a certificate",
        partial(_as_many, stage, nominated, wanted),
        within=stage.patience,
    )
    drafts = await certificates(stage, nominated)
    last = nominated.course.days(len(nominated.course.phases))[-1]
    await sign(stage, drafts, last + timedelta(days=7))
    done = stage.watch.begin("certificates printed", len(drafts))

    async def print_one(held: dict[str, Any]) -> Printed:
        path = f"/certificates/{held['enrolment_id']}/pdf"
        content = await _read_once_named(stage, path)
        file = stage.keep(f"sertifikat/{_file_name(held['number'])}.pdf", content)
        done(1)
        return Printed(held, file)

    return await together(print_one, await certificates(stage, nominated), at_once=_AT_ONCE)


async def _read_once_named(stage: Stage, path: str) -> bytes:
    """Read a PDF as soon as the holder's name is known, which comes to certification by a way of its own."""
    content = b""

    async def named() -> bool:
        nonlocal content
        try:
            content = await stage.organiser.read("certification", path)
        except Declined as declined:
            if declined.slug != "card-not-known-yet":
                raise
            return False
        return True

    await until("the holder's name is known", named, within=stage.patience)
    return content


async def sign(stage: Stage, drafts: Sequence[dict[str, Any]], signed_on: date) -> None:
    """Have the signatory sign all drafts; Declined where one cannot be signed."""
    for start in range(0, len(drafts), _SIGNED_AT_ONCE):
        items = [
            {"enrolment_id": each["enrolment_id"], "external_number": f"LAN-{each['number']}"}
            for each in drafts[start : start + _SIGNED_AT_ONCE]
        ]
        said = {"signed_on": str(signed_on), "signed_by": _SIGNATORY["name"], "items": items}
        answer = await stage.organiser.post("certification", "/certificates/signatures", said)
        for each in answer["results"]:
            if each["status"] == "refused":
                detail = f"enrolment {each['enrolment_id']} cannot be signed"
                raise Declined("certification", 200, each["reason"], detail)


async def certificates(stage: Stage, nominated: Nominated) -> list[dict[str, Any]]:
    """List the cohort's certificates in order of number."""
    found = stage.organiser.pages("certification", "/certificates", cohort=nominated.cohort_id)
    return sorted([each async for each in found], key=lambda each: str(each["number"]))


def _file_name(number: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-." else "-" for sign in number)


async def _all_known(stage: Stage, nominated: Nominated, wanted: frozenset[str]) -> bool:
    cohort, pages = f"/cohorts/{nominated.cohort_id}", stage.organiser.pages
    stated = {
        each["enrolment_id"]: each["result_revision"]
        async for each in pages("progress", f"{cohort}/progress")
    }
    known = {
        each["id"]: each["result_revision"]
        async for each in pages("enrolment", f"{cohort}/enrolments")
    }
    return all(0 < stated.get(each, 0) == known.get(each) for each in wanted)


async def _as_many(stage: Stage, nominated: Nominated, wanted: int) -> bool:
    return len(await certificates(stage, nominated)) >= wanted
