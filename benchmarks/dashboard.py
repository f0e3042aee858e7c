"""Cost of the dashboard: what the server pays for sessions, and how a real browser draws a page without a GPU.

The sessions are opened over Panel's own protocol, with their documents, and take the stream as a page does. What they
themselves cost is not counted.
"""

import asyncio
import time
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, expect

from benchmarks import pages
from benchmarks.nodes import running
from benchmarks.table import Row, note, percentile
from bus.protocol.endpoints import Endpoints

SESSIONS = 25
CLOSED = 30
SECONDS = 8.0
FORGET_TIME = 40.0
"""Seconds within which the server has forgotten sessions that were closed."""


def measure() -> list[Row]:
    """Server cost of sessions, what is left of them, then frames, latency and first data in a browser."""
    with running(("ui",)) as endpoints:
        server = pages.server_of(endpoints)
        note("dashboard: sessions")
        rows = asyncio.run(_sessions(endpoints, server))
        rows.append(asyncio.run(_closed(endpoints)))
        note("dashboard: a page")
        with pages.browser() as found:
            return rows + _page(endpoints, found)


async def _sessions(endpoints: Endpoints, server: psutil.Process) -> list[Row]:
    base = await asyncio.to_thread(pages.share, server, SECONDS)
    memory = server.memory_info().rss
    visitors = [pages.Visitor(endpoints) for _ in range(SESSIONS)]
    await visitors[0].come()
    one, _ = await _cost(server, visitors[:1])
    for visitor in visitors[1:]:
        await visitor.come()
    busy, rate = await _cost(server, visitors)
    each = (busy - one) / (SESSIONS - 1)
    taken = (server.memory_info().rss - memory) / SESSIONS / 1e6
    for visitor in visitors:
        await visitor.go()
    added = f"{each:.2%} of a core, {taken:.1f} MB"
    figure = f"{busy:.1%} of a core, {rate:.1f} frames/s each (one: {one:.1%}, nobody: {base:.1%})"
    return [
        Row(f"dashboard, {SESSIONS} sessions at 20 Hz", figure, "<= 20 %, >= 19 frames/s", busy <= 0.2 and rate >= 19),
        Row("dashboard, an added session", added, "< 1 %, < 5 MB", each < 0.01 and taken < 5),
    ]


async def _cost(server: psutil.Process, visitors: list[pages.Visitor]) -> tuple[float, float]:
    """Share of a core that the server takes, and frames a second of one session."""
    while min(visitor.frames for visitor in visitors) < 40:
        await asyncio.sleep(0.05)
    before, begin = sum(visitor.frames for visitor in visitors), time.monotonic()
    taken = await asyncio.to_thread(pages.share, server, SECONDS)
    rate = (sum(visitor.frames for visitor in visitors) - before) / len(visitors) / (time.monotonic() - begin)
    return taken, rate


async def _closed(endpoints: Endpoints) -> Row:
    """Sessions that come and go leave no document behind."""
    start = await _settled(endpoints)
    for _ in range(CLOSED):
        visitor = pages.Visitor(endpoints)
        await visitor.come()
        await visitor.go()
    end = await _settled(endpoints)
    figure = f"{start} before, {end} after"
    return Row(f"dashboard, documents after {CLOSED} sessions", figure, "as before", end <= start)


async def _settled(endpoints: Endpoints) -> int:
    """Documents that are left when nothing is forgotten any more."""
    deadline, least = time.monotonic() + FORGET_TIME, pages.documents(endpoints)
    while least > 0 and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        least = min(least, pages.documents(endpoints))
    return least


def _page(endpoints: Endpoints, found: Browser) -> list[Row]:
    page = found.new_page(viewport={"width": 1280, "height": 720})
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
    latency = page.evaluate("globalThis.__kpp.latency")
    p50, p95 = (percentile(latency, share) * 1000 for share in (0.5, 0.95))
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
