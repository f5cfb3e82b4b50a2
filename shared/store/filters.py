"""The small part of MongoDB's query language that we use, in memory."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Filter = Mapping[str, Any]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": lambda found, asked: found > asked,
    "$gte": lambda found, asked: found >= asked,
    "$lt": lambda found, asked: found < asked,
    "$lte": lambda found, asked: found <= asked,
}


def matches(document: Mapping[str, Any], where: Filter) -> bool:
    """Tell whether a document matches equality, $in, $gt(e), $lt(e), $ne, $exists, $or and $and."""
    return all(_holds(document, name, asked) for name, asked in where.items())


def _holds(document: Mapping[str, Any], name: str, asked: Any) -> bool:  # noqa: ANN401 - any JSON
    if name == "$or":
        return any(matches(document, part) for part in asked)
    if name == "$and":
        return all(matches(document, part) for part in asked)
    path = name.split(".")
    if not (isinstance(asked, Mapping) and any(key.startswith("$") for key in asked)):
        return _equals(document, path, asked)
    return all(_compares(document, path, operator, each) for operator, each in asked.items())


def _compares(
    document: Mapping[str, Any],
    path: list[str],
    operator: str,
    operand: Any,  # noqa: ANN401 - any JSON
) -> bool:
    if operator == "$ne":
        return not _equals(document, path, operand)
    if operator == "$in":
        # Lists of ids are long, and registers' pages too: texts are looked up, not compared one by one.
        texts = {each for each in operand if isinstance(each, str)}
        if any(isinstance(each, str) and each in texts for each in _reach(document, path)):
            return True
        others = (each for each in operand if not isinstance(each, str))
        return any(_equals(document, path, each) for each in others)
    if operator == "$exists":
        return any(True for _ in _reach(document, path)) is operand
    compare, sort = _COMPARE[operator], _sort(operand)
    return any(_sort(each) == sort and compare(each, operand) for each in _reach(document, path))


def _equals(document: Mapping[str, Any], path: list[str], asked: Any) -> bool:  # noqa: ANN401 - any JSON
    if asked is None and _lacks(document, path):
        return True
    sort = _sort(asked)
    return any(_sort(each) == sort and each == asked for each in _reach(document, path))


def _sort(part: Any) -> type:  # noqa: ANN401 - any JSON
    """Tell what a value may be compared with: all numbers with each other, but never with booleans."""
    return float if type(part) is int else type(part)


def _reach(part: Any, path: list[str]) -> Iterable[Any]:  # noqa: ANN401 - any JSON
    """Yield what a dotted path finds; an array yields itself and its elements, as MongoDB does."""
    if not path:
        yield part
        if isinstance(part, list):
            yield from part
        return
    if isinstance(part, Mapping):
        if path[0] in part:
            yield from _reach(part[path[0]], path[1:])
    elif isinstance(part, list):
        for each in part:
            if isinstance(each, Mapping):
                yield from _reach(each, path)


def _lacks(part: Any, path: list[str]) -> bool:  # noqa: ANN401 - any JSON
    """Tell whether a path is missing, for which null stands; an array lacks it if one object in it does."""
    if not path:
        return False
    if isinstance(part, list):
        return any(isinstance(each, Mapping) and _lacks(each, path) for each in part)
    return not isinstance(part, Mapping) or path[0] not in part or _lacks(part[path[0]], path[1:])
