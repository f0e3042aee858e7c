"""The dashboard as a measurement sees it: a browser, sessions without one, and the server's own figures."""

import asyncio
import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
from playwright.sync_api import Browser, sync_playwright
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from bus.protocol.endpoints import Endpoints

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
START_TIME = 60.0


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser without a GPU.

    Raises:
        LookupError: if there is none.
    """
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise LookupError(f"none of {', '.join(BROWSERS)} is on the PATH")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield found
        finally:
            found.close()


def server_of(endpoints: Endpoints) -> psutil.Process:
    """The dashboard's process, as soon as it answers."""
    deadline = time.monotonic() + START_TIME
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{endpoints.ui_http}/health", timeout=2).status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.1)  # polling a process that starts
    for found in psutil.net_connections("tcp"):
        if found.status == psutil.CONN_LISTEN and found.pid and found.laddr[1:] == (endpoints.ui_http.port,):
            return psutil.Process(found.pid)
    raise TimeoutError(f"the dashboard did not answer within {START_TIME:g} s")


def documents(endpoints: Endpoints) -> int:
    """Documents that the server holds."""
    return int(httpx.get(f"{endpoints.ui_http}/health", timeout=5).json()["metrics"]["documents"])


def share(process: psutil.Process, seconds: float) -> float:
    """Share of a core that a process takes."""
    before, begin = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)  # the stretch that is measured
    return (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - begin)


class Visitor:
    """A session without a browser: it pulls the document over Bokeh's protocol and takes the stream as a page does."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._address = f"{endpoints.ui_http.host}:{endpoints.ui_http.port}"
        self._tasks: list[asyncio.Task[None]] = []
        self.frames = 0

    async def come(self) -> None:
        """Load the page, open its session, pull its document, say that it is ready, and take the stream."""
        async with httpx.AsyncClient() as client:
            html = (await client.get(f"http://{self._address}/", timeout=20)).text
        found = re.search(r'"token":"([^"]+)"', html)
        if found is None:
            raise LookupError("the page holds no token of a session")
        pulled = asyncio.Event()
        self._tasks = [asyncio.create_task(self._document(found[1], pulled)), asyncio.create_task(self._stream())]
        done = asyncio.create_task(pulled.wait())
        await asyncio.wait([done, *self._tasks], return_when=asyncio.FIRST_COMPLETED, timeout=20)
        for task in self._tasks:
            if task.done():
                task.result()
        if not done.done():
            raise TimeoutError("the document did not come within 20 s")

    async def _document(self, token: str, pulled: asyncio.Event) -> None:
        """What a page says: three texts make a message; whatever comes is read and left."""
        ready = {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": _READY}
        async with self._connect("ws", [Subprotocol("bokeh"), Subprotocol(token)]) as socket:
            for _part in range(3):  # the server says first that it is there
                await socket.recv()
            for kind, content in (("PULL-DOC-REQ", {}), ("PATCH-DOC", {"events": [ready]})):
                for part in ({"msgid": kind, "msgtype": kind}, {}, content):
                    await socket.send(json.dumps(part))
            async for message in socket:
                if '"ERROR"' in str(message)[:200]:
                    raise RuntimeError(f"the session refused: {message!r}")
                if '"reqid":"PATCH-DOC"' in str(message)[:200].replace(" ", ""):
                    pulled.set()

    async def _stream(self) -> None:
        async with self._connect("stream") as socket:
            async for message in socket:
                if isinstance(message, bytes):
                    self.frames += 1
                    await socket.send(f"ack {self.frames}")

    def _connect(self, path: str, protocols: list[Subprotocol] | None = None) -> connect:
        origin = Origin(f"http://{self._address}")
        return connect(f"ws://{self._address}/{path}", origin=origin, subprotocols=protocols, max_size=None)

    async def go(self) -> None:
        """Close both."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


_READY = {"type": "event", "name": "document_ready", "values": {"type": "map", "entries": []}}
