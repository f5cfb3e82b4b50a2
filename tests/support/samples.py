"""Sample values for a JSON Schema, as pydantic writes them, so that every fact there is can be made up."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]
Json = st.SearchStrategy[Any]

_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
_DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
_INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_FORMATS: dict[str, Json] = {
    "date": _DAYS.map(date.isoformat),
    "date-time": _INSTANTS.map(datetime.isoformat),
}


def samples(schema: Schema) -> Json:
    """Make values that a schema allows and whose parts fit each other, as the catalogue's rules ask."""
    return _of(schema, _Definitions(schema.get("$defs", {})))


class _Definitions(dict[str, Json]):
    """The values of a schema's named parts, made once each; none contains itself."""

    def __init__(self, schemas: Schema) -> None:
        super().__init__()
        self._schemas = schemas

    def __missing__(self, name: str) -> Json:
        values = _of(self._schemas[name], self)
        self[name] = _RULES[name](values) if name in _RULES else values
        return self[name]


def _of(schema: Schema, root: _Definitions) -> Json:
    if "$ref" in schema:
        return root[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return st.one_of(*(_of(each, root) for each in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    return _KINDS[schema["type"]](schema, root)


def _object(schema: Schema, root: _Definitions) -> Json:
    if "properties" in schema:
        required = set(schema.get("required", ()))
        parts = {name: _of(part, root) for name, part in schema["properties"].items()}
        optional = {name: part for name, part in parts.items() if name not in required}
        return st.fixed_dictionaries(
            {name: parts[name] for name in parts if name in required}, optional=optional
        )
    for pattern, values in schema.get("patternProperties", {}).items():
        return st.dictionaries(_matching(pattern), _of(values, root), max_size=3)
    return st.dictionaries(_TEXT, _of(schema["additionalProperties"], root), max_size=3)


def _array(schema: Schema, root: _Definitions) -> Json:
    least = schema.get("minItems", 0)
    most = min(max(least, 3), schema.get("maxItems", 3))
    return st.lists(_of(schema["items"], root), min_size=least, max_size=most)


def _string(schema: Schema, root: _Definitions) -> Json:
    del root
    if "pattern" in schema:
        return _matching(schema["pattern"])
    if "format" in schema:
        return _FORMATS[schema["format"]]
    least = schema.get("minLength", 0)
    return _TEXT.filter(lambda text: len(text) >= least)


def _matching(pattern: str) -> Json:
    """Make short words, which is what the catalogue's patterns are about, or addresses where these fit."""
    fits = re.compile(pattern)
    words = st.text("ab01", min_size=1, max_size=4)
    if fits.search("https://a"):
        words = words.map(lambda word: f"https://{word}")
    return words.filter(lambda word: bool(fits.search(word)))


def _integer(schema: Schema, root: _Definitions) -> Json:
    del root
    return st.integers(schema.get("minimum", -1000), schema.get("maximum", 100_000))


def _number(schema: Schema, root: _Definitions) -> Json:
    del root
    above = schema.get("exclusiveMinimum", -1e7)
    numbers = st.floats(schema.get("minimum", max(above, -1e6)), schema.get("maximum", 1e6))
    return numbers.map(lambda number: round(number, 4)).filter(lambda number: number > above)


def _in_order(periods: Json) -> Json:
    """Let a period end on or after the day it starts."""
    return periods.map(
        lambda period: {
            **period,
            "starts": min(ends := (period["starts"], period["ends"])),
            "ends": max(ends),
        }
    )


def _one_kind(requirements: Json) -> Json:
    """Let a requirement be exactly one of its kinds."""
    kept = requirements.map(
        lambda each: {name: part for name, part in each.items() if part is not None}
    )
    return kept.filter(bool).map(lambda each: dict([next(iter(each.items()))]))


def _sound(rules: Json) -> Json:
    """Weights sum to 100, and bands stand from the highest floor down to 0."""

    def mend(rule: dict[str, Any]) -> dict[str, Any]:
        mended = dict(rule)
        if names := sorted(rule.get("weights", ())):
            mended["weights"] = dict.fromkeys(names, 100 / len(names))
        if bands := rule.get("bands", ()):
            floors = [round(90 / (place + 1), 1) for place in range(len(bands) - 1)]
            mended["bands"] = [
                {**band, "floor": floor} for band, floor in zip(bands, [*floors, 0], strict=True)
            ]
        return mended

    return rules.map(mend)


def _numbered(documents: Json) -> Json:
    """Let a number's pattern name its four parts."""
    said = st.just({"number_format": "{serial}/{programme}-{node}/{year}"})
    return st.builds(
        lambda document, said: {**document, **said}, documents, said | st.just({})
    ).map(
        lambda each: {
            name: part for name, part in each.items() if name != "number_format" or "{" in part
        }
    )


_RULES: dict[str, Callable[[Json], Json]] = {
    "DocumentRule": _numbered,
    "Period": _in_order,
    "Requirement": _one_kind,
    "Rules": _sound,
}
_KINDS: dict[str, Callable[[Schema, _Definitions], Json]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": lambda schema, root: st.booleans(),  # noqa: ARG005 - every kind is asked alike
    "null": lambda schema, root: st.none(),  # noqa: ARG005
}
