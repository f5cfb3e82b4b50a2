"""The little of Kafka's protocol that tells how far a topic has grown, without a driver."""

import struct

from deploy.embedded.parts import exchange

_LIST_OFFSETS, _VERSION, _LATEST = 2, 1, -1


async def length(host: str, port: int, topic: str, partition: int = 0) -> int:
    """Tell a partition's end offset at its leader; -1 while there is no such partition."""
    name = topic.encode()
    request = struct.pack(
        f">hhih i i h{len(name)}s i iq",
        *(_LIST_OFFSETS, _VERSION, 7, -1),
        *(-1, 1, len(name), name, 1, partition, _LATEST),
    )
    reply = await exchange(host, port, struct.pack(">i", len(request)) + request, ">i", 0)
    # The reply repeats the name between the counts and the one partition that was asked for.
    code, _, end = struct.unpack_from(">hqq", reply, 4 + 4 + 2 + len(name) + 4 + 4)
    return -1 if code else int(end)
