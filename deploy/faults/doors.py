"""Which fault points the doors of store and bus have, and which durable operations lack one."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOORS = (
    "shared/store/mongo/store.py",
    "shared/store/mongo/opening.py",
    "shared/bus/kafka/bus.py",
    "shared/bus/kafka/reader.py",
)
_DURABLE_CALLS = frozenset({
    "bulk_write", "insert_one", "insert_many", "update_one", "update_many", "replace_one", "delete_one",
    "delete_many", "find_one_and_update", "find_one_and_replace", "find_one_and_delete", "drop",
    "drop_collection", "send", "send_and_wait", "send_batch", "commit", "commit_transaction",
    "send_offsets_to_transaction",
})  # fmt: skip
"""What the drivers make durable. Making an index or a topic is left out: it can be done again at any time."""


def points(source: str) -> set[str]:
    """Name the fault points in a door's source."""
    return {
        str(call.args[0].value)
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        and _name(call) == "durable"
        and isinstance(call.args[0], ast.Constant)
    }


def unguarded(source: str) -> list[tuple[int, str]]:
    """List the durable operations, by line and call, that stand outside every fault point."""
    return sorted(_unguarded(ast.parse(source), guarded=False))


def _unguarded(node: ast.AST, *, guarded: bool) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Call) and not guarded and _name(node) in _DURABLE_CALLS:
        yield node.lineno, _name(node)
    inside = guarded or (
        isinstance(node, ast.With) and any(_is_durable(item) for item in node.items)
    )
    for child in ast.iter_child_nodes(node):
        # What a nested function does is not done where it is defined.
        own = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _unguarded(child, guarded=inside and not own)


def _is_durable(item: ast.withitem) -> bool:
    return isinstance(item.context_expr, ast.Call) and _name(item.context_expr) == "durable"


def _name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def all_points() -> list[str]:
    """Name every fault point of every door."""
    return sorted(
        {point for door in DOORS for point in points((ROOT / door).read_text(encoding="utf-8"))}
    )


def all_unguarded() -> list[str]:
    """List every durable operation of every door that lacks a fault point, as `file:line call`."""
    return [
        f"{door}:{line} {call}"
        for door in DOORS
        for line, call in unguarded((ROOT / door).read_text(encoding="utf-8"))
    ]
