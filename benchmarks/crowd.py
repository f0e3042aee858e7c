"""Many WebSocket clients in one process: counts frames and bytes, and how old a frame is when it arrives.

Usage: python -m benchmarks.crowd PORT PATH CLIENTS SECONDS; prints one JSON object.
"""

import asyncio
import json
import sys
import time
from typing import cast

import uvloop

REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Crowd:
    """What all clients together have seen."""

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0
        self.closed = 0
        self.ages: list[float] = []
        self.counting = False


class Client(asyncio.Protocol):
    """Reads frames without looking into them but for the time of sending."""

    def __init__(self, crowd: Crowd, request: bytes) -> None:
        self._crowd = crowd
        self._request = request
        self._buffer = bytearray()
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take complete frames off the buffer."""
        buffer = self._buffer
        buffer += data
        if not self._open:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._open = True
            del buffer[: end + 4]
        at = 0
        while len(buffer) - at >= 4:
            length, head = buffer[at + 1] & 127, 2
            if length == 126:
                length, head = int.from_bytes(buffer[at + 2 : at + 4], "big"), 4
            if len(buffer) - at < head + length:
                break
            if buffer[at] == 0x89:  # a ping wants its pong, masked
                body = bytes(buffer[at + head : at + head + length])
                self._transport.write(bytes((0x8A, 0x80 | length)) + b"\0\0\0\0" + body)
            else:
                self._took(buffer, at + head, length)
            at += head + length
        del buffer[:at]

    def _took(self, buffer: bytearray, start: int, length: int) -> None:
        crowd = self._crowd
        if not crowd.counting:
            return
        crowd.frames += 1
        crowd.bytes += length
        place = buffer.find(b'"wall":', start, start + 200)
        if place >= 0:
            end = min(i for i in (buffer.find(b",", place), buffer.find(b"}", place)) if i > 0)
            crowd.ages.append(time.time() - float(buffer[place + 7 : end]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # of asyncio
        """Somebody was sent away."""
        self._crowd.closed += 1


async def run(port: int, path: str, clients: int, seconds: float) -> dict[str, float]:
    """Connect everybody, wait until it is calm, count."""
    crowd = Crowd()
    loop = asyncio.get_running_loop()
    request = REQUEST.format(path=path, port=port).encode()
    kept: list[object] = []  # the loop alone does not keep a transport alive
    for start in range(0, clients, 50):
        many = min(50, clients - start)
        kept += await asyncio.gather(
            *(loop.create_connection(lambda: Client(crowd, request), "127.0.0.1", port) for _ in range(many))
        )
        await asyncio.sleep(0.02)
    await asyncio.sleep(2.0)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    crowd.counting = True
    before = time.process_time()
    await asyncio.sleep(seconds)
    spent = time.process_time() - before
    crowd.counting = False
    ages = sorted(crowd.ages) or [0.0]
    closed = crowd.closed
    kept.clear()
    return {
        "frames": crowd.frames,
        "bytes": crowd.bytes / max(1, crowd.frames),
        "closed": closed,
        "cpu": spent / seconds,
        "p50": ages[len(ages) // 2],
        "p99": ages[int(len(ages) * 0.99)],
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))))
