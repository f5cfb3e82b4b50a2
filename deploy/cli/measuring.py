"""Results of benchmarks and simulations: told, and kept for the report where that is asked."""

from collections.abc import Mapping
from typing import Any

from deploy.bench.kept import keep as keep_result
from deploy.cli.lines import say
from deploy.cli.playing import report


def keeping(result: Mapping[str, Any], *, keep: bool, as_json: bool) -> int:
    """Tell a result and keep it; what is not verified is not kept, and its exit status is 1."""
    if keep and not result.get("verified", False):
        say("the final state was not right, so the result is not kept")
    elif keep:
        say(f"kept as {keep_result(result)}")
    return report(result, as_json=as_json)
