"""`store init`, `backup` and `restore`: what an operator does with the four stores."""

import asyncio
from pathlib import Path

from deploy.cli.lines import tell, tell_json
from deploy.embedded.settings import NodeSettings


def make_replica_set() -> int:
    """Make the replica set that MONGO_URI names, unless it is there."""
    from deploy.stores.databases import places  # noqa: PLC0415 - `up` carries no driver
    from deploy.stores.replica import initiate  # noqa: PLC0415

    place = places(NodeSettings.read())[0]
    made = asyncio.run(initiate(place.uri, place.password))
    tell("the replica set is made" if made else "the replica set is there")
    return 0


def take_backup(target: Path, *, with_keys: bool, as_json: bool) -> int:
    """Write a backup and tell what it holds."""
    from deploy.stores.backup import back_up  # noqa: PLC0415

    taken = asyncio.run(back_up(NodeSettings.read(), target, with_keys=with_keys))
    told = taken.manifest
    if as_json:
        tell_json({"path": str(taken.path), **told.model_dump(mode="json")})
        return 0
    moment = "at one moment" if told.one_moment else "one after another"
    tell(f"{told.documents} documents of node {told.node}, read {moment}, are in {taken.path}")
    tell("It holds personal data: keep it as you keep the stores.")
    return 0


def put_back(path: Path, *, replace: bool, with_keys: bool, as_json: bool) -> int:
    """Restore a backup and tell what came of it."""
    from deploy.stores.restore import restore  # noqa: PLC0415

    done = asyncio.run(restore(NodeSettings.read(), path, replace=replace, with_keys=with_keys))
    told = done.manifest
    if as_json:
        tell_json({"documents": told.documents, "taken_at": told.taken_at, "epoch": done.epoch})
        return 0
    tell(
        f"{told.documents} documents of {told.taken_at} are back; the stores go on in epoch {done.epoch}"
    )
    tell("Start the services: they state what they hold again. Then look with `./corpu audit`.")
    return 0
