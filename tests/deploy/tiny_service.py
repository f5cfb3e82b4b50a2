"""A service of a few lines, which the supervisor's tests start in the place of the real ones."""

import asyncio
import json
import os
import signal
from contextlib import suppress
from pathlib import Path


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    keys = os.environ["CORPU_JWKS"]
    status, told = b"200 OK", dict(os.environ)
    if not await asyncio.to_thread(Path(keys).exists):
        problem = {
            "type": "urn:corpu:problem:key-lacking",
            "detail": f"CORPU_JWKS: {keys} is no file",
        }
        status, told = b"503 Service Unavailable", problem
    body = json.dumps(told).encode()
    writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
    await writer.drain()
    writer.close()


async def _is_open(address: str) -> bool:
    host, _, port = address.removeprefix("mongodb://").partition("/")[0].rpartition(":")
    with suppress(OSError):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
        return True
    return False


async def serve() -> None:
    """Answer with this process's environment; at SIGTERM note which parts still stand."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    given = os.environ
    async with await asyncio.start_server(_answer, given["CORPU_HOST"], int(given["CORPU_PORT"])):
        await told.wait()
        standing = {key: await _is_open(given[key]) for key in ("KAFKA_BOOTSTRAP", "MONGO_URI")}
        note = Path(given["CORPU_HOME"]) / f"{given['MONGO_DATABASE']}.standing.json"
        await asyncio.to_thread(note.write_text, json.dumps(standing))


if __name__ == "__main__":
    asyncio.run(serve())
