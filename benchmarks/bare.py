"""The floor of a WebSocket fan-out: an asyncio server that writes one prebuilt frame to every client at a rate.

Usage: python -m benchmarks.bare PORT RATE BYTES
"""

import asyncio
import base64
import hashlib
import struct
import sys
import time
from typing import cast

import uvloop

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


EVERYBODY: set[asyncio.Transport] = set()


class Client(asyncio.Protocol):
    """Answers the handshake and is written to."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the handshake."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._head = b""

    def data_received(self, data: bytes) -> None:
        """Shake hands; whatever comes later is of no interest."""
        self._head += data
        if b"\r\n\r\n" not in self._head:
            return
        key = self._head.lower().split(b"sec-websocket-key:")[1].split(b"\r\n")[0]
        start = self._head.lower().index(b"sec-websocket-key:") + len(b"sec-websocket-key:")
        key = self._head[start : start + len(key)].strip()
        accept = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
        head = (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        )
        self._transport.write(head + accept + b"\r\n\r\n")
        self._head = b""
        EVERYBODY.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # of asyncio
        """Forget it."""
        EVERYBODY.discard(self._transport)


async def serve(port: int, rate: float, size: int) -> None:
    """Write to everybody for ever; the payload begins with the Unix time of its sending, as text."""
    loop = asyncio.get_running_loop()
    await loop.create_server(Client, "127.0.0.1", port, backlog=2048)
    due = loop.time()
    while True:
        due = max(due + 1 / rate, loop.time())
        await asyncio.sleep(due - loop.time())
        payload = b'{"wall":%.6f,' % time.time()
        payload += b" " * (size - len(payload))
        frame = b"\x81\x7e" + struct.pack(">H", len(payload)) + payload
        for transport in EVERYBODY:
            transport.write(frame)


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
