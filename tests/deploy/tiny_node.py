"""A node of tiny services in a process of its own, for tests that end the supervisor itself."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.embedded.node import EmbeddedNode, Interrupted
from deploy.embedded.settings import SERVICES, NodeSettings

TINY: Mapping[str, Sequence[str]] = dict.fromkeys(
    SERVICES, (sys.executable, "-m", "tests.deploy.tiny_service")
)


def say(line: str) -> None:
    """Say one line to whoever reads this process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(home: Path) -> None:
    """Run until a signal; the first line is what runs where, the last the signal's name."""
    settings = NodeSettings.read({}).elsewhere(home)
    try:
        async with EmbeddedNode(settings, say=say, commands=TINY) as node:
            say(json.dumps({"pids": node.pids, "ports": dict(settings.ports)}))
            await node.forever()
    except Interrupted as told:
        say(str(told))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
