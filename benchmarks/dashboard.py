"""Cost of the dashboard: what the server pays for a session, and how a real browser draws it without a GPU.

The sessions are WebSocket clients that acknowledge every frame, as a page does. Their own cost is not counted.
"""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import psutil
from playwright.sync_api import Browser, Page, expect, sync_playwright
from websockets.asyncio.client import connect

from benchmarks.nodes import running
from benchmarks.table import Row, note
from bus.endpoints import Endpoints

SESSIONS = 25
SECONDS = 8.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def measure() -> list[Row]:
    """Server cost of sessions, then frames, latency, first data and heap in a browser."""
    with running(("ui",)) as endpoints:
        _await(endpoints)
        server = _process(endpoints)
        note("dashboard: sessions")
        rows = _sessions(endpoints, server)
        note("dashboard: a page")
        path = next(filter(None, map(shutil.which, BROWSERS)), None)
        if path is None:
            return [*rows, Row("dashboard, a page", "no browser found", "a Chromium on the PATH", False)]
        with _browser(path) as browser:
            rows += _page(endpoints, browser)
        return rows


@contextmanager
def _browser(path: str) -> Iterator[Browser]:
    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        stack.callback(browser.close)
        yield browser


def _await(endpoints: Endpoints) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{endpoints.ui_http}/health", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)  # polling a process that starts
    raise TimeoutError("the dashboard did not answer within 60 s")


def _process(endpoints: Endpoints) -> psutil.Process:
    for found in psutil.net_connections("tcp"):
        if found.status == psutil.CONN_LISTEN and found.pid and found.laddr[1:] == (endpoints.ui_http.port,):
            return psutil.Process(found.pid)
    raise LookupError("no process listens on the dashboard's address")


def _share(process: psutil.Process, seconds: float) -> float:
    """Share of a core that a process takes."""
    before, begin = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)
    return (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - begin)


def _sessions(endpoints: Endpoints, server: psutil.Process) -> list[Row]:
    base = _share(server, SECONDS)
    shares = {count: asyncio.run(_with_sessions(endpoints, server, count)) for count in (1, SESSIONS)}
    busy, rate = shares[SESSIONS]
    each = (busy - shares[1][0]) / (SESSIONS - 1)
    figure = f"{busy:.1%} of a core, {rate:.1f} frames/s each (nobody: {base:.1%})"
    return [
        Row(f"dashboard, {SESSIONS} streams at 20 Hz", figure, "<= 20 %, >= 19 frames/s", busy <= 0.2 and rate >= 19),
        Row("dashboard, an added stream", f"{each:.2%} of a core", "< 1 %", each < 0.01),
    ]


async def _with_sessions(endpoints: Endpoints, server: psutil.Process, count: int) -> tuple[float, float]:
    """Share of a core that the server takes, and frames a second of one session."""
    frames = [0] * count
    listening = [asyncio.create_task(_listen(endpoints, frames, i)) for i in range(count)]
    while min(frames) < 10:
        await asyncio.sleep(0.05)
    before, begin = sum(frames), time.monotonic()
    share = await asyncio.to_thread(_share, server, SECONDS)
    rate = (sum(frames) - before) / count / (time.monotonic() - begin)
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    return share, rate


async def _listen(endpoints: Endpoints, frames: list[int], place: int) -> None:
    address = endpoints.ui_http
    url = f"ws://{address.host}:{address.port}/stream"
    async with connect(url, origin=f"http://{address.host}:{address.port}", max_size=None) as socket:  # type: ignore[arg-type]
        async for message in socket:
            if isinstance(message, bytes):
                frames[place] += 1
                await socket.send(f"ack {frames[place]}")


def _page(endpoints: Endpoints, browser: Browser) -> list[Row]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    begin = time.monotonic()
    page.goto(str(endpoints.ui_http), wait_until="commit")
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE", timeout=30_000)
    page.wait_for_function("globalThis.__kpp.samples > 0")
    first = time.monotonic() - begin
    page.wait_for_function("globalThis.__kpp.samples > 200", timeout=60_000)
    before = _counts(page)
    page.wait_for_timeout(SECONDS * 1000)
    after = _counts(page)
    seconds = after["now"] - before["now"]
    fps, plots = ((after[name] - before[name]) / seconds for name in ("drawn", "plots"))
    ordered = sorted(page.evaluate("globalThis.__kpp.latency"))
    p50, p95 = (ordered[int(len(ordered) * share)] * 1000 for share in (0.5, 0.95))
    page.close()
    return [
        Row("dashboard, first data", f"{first:.1f} s after navigation", "<= 3 s", first <= 3.0),
        Row(
            "dashboard, picture", f"{fps:.0f} frames/s; plots {plots:.0f}/s", ">= 30, >= 15", fps >= 30 and plots >= 15
        ),
        Row("dashboard, state to pixel", f"p50 {p50:.0f} ms, p95 {p95:.0f} ms", "p95 <= 100 ms", p95 <= 100),
    ]


def _counts(page: Page) -> dict[str, Any]:
    counts: dict[str, Any] = page.evaluate(
        "({drawn: __kpp.mimic.drawn, plots: __kpp.plots.drawn, now: performance.now() / 1000})"
    )
    return counts
