"""The committed JSON Schemas are current, and a fact's version never changes what it means."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from shared.events.catalogue import CATALOGUE, TOPICS, Fact
from shared.events.contracts import SCHEMAS, main, schema_files, schema_of, stale
from shared.events.enrolment import Rescheduled
from shared.events.fact import SHARE
from shared.events.plan import Rules
from tests.support.samples import samples

ROOT = Path(__file__).parents[2]
QUICK = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
Schema = dict[str, Any]


@cache
def released(name: str) -> Schema | None:
    """Tell the schema as the last commit has it, or None where it has none."""
    place = f"HEAD:{(SCHEMAS / name).relative_to(ROOT)}.json"
    shown = subprocess.run(["git", "show", place], cwd=ROOT, capture_output=True, check=False)  # noqa: S607
    return json.loads(shown.stdout) if shown.returncode == 0 else None


@cache
def made_up(name: str) -> list[st.SearchStrategy[Any]]:
    """Make facts as the last commit's writers wrote them, and as ours do."""
    old, new = released(name), schema_of(CATALOGUE[name])
    return [samples(new)] if old in (None, new) else [samples(old), samples(new)]


def broken(old: Schema, new: Schema) -> list[str]:
    """Tell what breaks readers of `old` on facts of `new`, or the other way round."""
    return _differences(_meaning(old, old), _meaning(new, new), "")


def _differences(old: Any, new: Any, where: str) -> list[str]:  # noqa: ANN401 - any JSON
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [each for place, pair in pairs for each in _differences(*pair, f"{where}/{place}")]
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [] if old == new else [f"{where}: {old} became {new}"]
    found: list[str] = []
    for word in sorted((old.keys() | new.keys()) - {"properties", "required"}):
        if old.get(word) != new.get(word):
            found += _differences(old.get(word), new.get(word), f"{where}/{word}")
    before, after = old.get("properties", {}), new.get("properties", {})
    found += [f"{where}/{name}: removed" for name in before.keys() - after.keys()]
    required, demanded = set(old.get("required", ())), set(new.get("required", ()))
    found += [f"{where}/{name}: now required" for name in demanded - required]
    found += [
        f"{where}/{name}: no longer required" for name in (required - demanded) & after.keys()
    ]
    for name in before.keys() & after.keys():
        found += _differences(before[name], after[name], f"{where}/{name}")
    return found


def _meaning(part: Any, root: Schema) -> Any:  # noqa: ANN401 - any JSON
    """Strip a schema to what it allows, references resolved."""
    if isinstance(part, list):
        return [_meaning(each, root) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _meaning(root["$defs"][part["$ref"].rpartition("/")[2]], root)
    words = {name: inner for name, inner in part.items() if name not in _REMARKS}
    stripped: Schema = {}
    for name, inner in words.items():
        if name == "properties":
            stripped[name] = {key: _meaning(each, root) for key, each in inner.items()}
        else:
            stripped[name] = _meaning(inner, root)
    return stripped


_REMARKS = {"title", "description", "default", "$defs", "$id", "$schema", "examples"}


def test_the_committed_schemas_are_current() -> None:
    """`python -m shared.events.contracts` would change nothing."""
    assert [] == stale(schema_files(), SCHEMAS, "*.json")


def test_the_check_tells_what_is_out_of_date(capsys: pytest.CaptureFixture[str]) -> None:
    """It exits with 0 and says nothing while all are current."""
    assert (0, "") == (main(["--check"]), capsys.readouterr().out)


@pytest.mark.parametrize("fact", CATALOGUE.values(), ids=lambda fact: fact.__name__)
def test_a_version_keeps_its_meaning(fact: type[Fact]) -> None:
    """Against the last commit a fact only gains fields that have a default; all else is a new version."""
    old = released(fact.type)
    if old is None:
        pytest.skip("not committed yet")

    assert [] == broken(old, schema_of(fact))


def test_no_fact_is_taken_from_its_readers() -> None:
    """What the last commit promised is still in the catalogue."""
    listed = subprocess.run(
        ["git", "ls-tree", "--name-only", "HEAD", f"{SCHEMAS.relative_to(ROOT)}/"],  # noqa: S607
        cwd=ROOT, capture_output=True, check=False, text=True,
    )  # fmt: skip
    promised = {Path(line).stem for line in listed.stdout.splitlines()}

    assert set() == promised - CATALOGUE.keys()


@pytest.mark.parametrize("fact", CATALOGUE.values(), ids=lambda fact: fact.__name__)
@QUICK
@given(data=st.data())
def test_old_and_new_read_each_other(fact: type[Fact], data: st.DataObject) -> None:
    """Old readers take every new fact, and new readers every old one, with fields they do not know."""
    new = schema_of(fact)
    old = released(fact.type) or new
    told = data.draw(st.sampled_from(made_up(fact.type)).flatmap(lambda values: values))
    stranger = {**told, "what_a_newer_writer_adds": [1]}

    read = fact.read(json.dumps(stranger))
    again = json.loads(read.write())

    for schema in (old, new):
        Draft202012Validator(schema).validate(stranger)
        Draft202012Validator(schema).validate(again)
    assert read == fact.read(read.write())


SMALL: Schema = {
    "properties": {"a": {"type": "string"}, "b": {"type": "integer", "default": 1}},
    "required": ["a"],
    "type": "object",
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, 0),
        ({"title": "renamed", "description": "reworded"}, 0),
        ({"properties": {**SMALL["properties"], "c": {"type": "string", "default": ""}}}, 0),
        ({"properties": {"a": {"type": "string"}}}, 1),
        ({"required": ["a", "b"]}, 1),
        ({"required": []}, 1),
        ({"properties": {**SMALL["properties"], "a": {"type": "string", "maxLength": 3}}}, 1),
        ({"properties": {**SMALL["properties"], "b": {"type": "string"}}}, 1),
        ({"properties": {**SMALL["properties"], "b": {"enum": [1, 2]}}}, 2),
    ],
)
def test_breaking_changes_are_told_from_harmless_ones(change: Schema, expected: int) -> None:
    """Only new optional fields and new words are harmless."""
    assert expected == len(broken(SMALL, {**SMALL, **change}))


@pytest.mark.parametrize("fact", CATALOGUE.values(), ids=lambda fact: fact.__name__)
def test_a_wire_name_follows_the_grammar(fact: type[Fact]) -> None:
    """It is the class's name in lower case with underscores, between the prefix and the version."""
    words = "".join(
        f"_{letter.lower()}" if letter.isupper() else letter for letter in fact.__name__
    )

    assert f"id.corpu.{words.lstrip('_')}.v1" == fact.type
    assert fact.topic in {*TOPICS, SHARE}


@pytest.mark.parametrize(
    ("type_", "topic"),
    [
        ("corpu.left.v1", "enrolment"),
        ("id.corpu.Left.v1", "enrolment"),
        ("id.corpu.left", "enrolment"),
        ("id.corpu.left.v0", "enrolment"),
        ("id.corpu.left.v1", "weather"),
        ("id.corpu.enrolled.v1", "enrolment"),
    ],
)
def test_a_name_off_the_grammar_fails_at_import(type_: str, topic: str) -> None:
    """So does an unknown topic and a name that is taken."""
    with pytest.raises(TypeError):
        type("Left", (Fact,), {}, type=type_, topic=topic)


def test_facts_are_in_the_past_tense() -> None:
    """No class is called an Event, and each ends in a participle or says what is the case."""
    said = {"PhaseAtRisk"}
    participles = ("ed", "Given", "Withdrawn", "Told")

    assert [] == [
        fact.__name__
        for fact in CATALOGUE.values()
        if fact.__name__ not in said and not fact.__name__.endswith(participles)
    ]


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_a_number_without_end_is_no_value(number: str) -> None:
    """What could not be written as JSON is not taken either."""
    with pytest.raises(ValidationError, match="finite"):
        Rescheduled.model_validate(
            {"jp": {"a": float(number)}} | {"calendar_version": float(number)}
        )
    with pytest.raises(ValidationError, match="finite"):
        Rules.model_validate({"weights": {"a": float(number)}})
