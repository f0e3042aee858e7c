"""`python -m benchmarks.soak`: a plant with a page open for an hour. Do the page's heap or the server's memory grow?

Every sample goes to another page first, and a second visitor comes and goes. The heap is measured after a collection.
"""

import argparse
import os
import statistics
import sys
import time
from itertools import cycle
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, expect

from benchmarks import pages
from benchmarks.nodes import free_port, running
from benchmarks.table import Row, note, show
from bus.protocol.endpoints import Endpoints

INTERVAL = 30.0
WARM_UP = 0.2
"""Share of the samples that is left out: what is kept for plots fills up first."""

GROWTH = 5.0
"""Megabytes that may lie between the medians of the first and the last third of the samples."""

NAMES = (
    "overview",
    "energy",
    "floaters",
    "drivetrain",
    "pneumatics",
    "control",
    "parameters",
    "alarms",
    "history",
    "runs",
    "system",
)


def main() -> int:
    """Measure and print; the exit code says whether anything grew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (default 60)")
    minutes = parser.parse_args().minutes
    os.environ["KPP_RECORDER"] = f"tcp://127.0.0.1:{free_port()}"
    with running(("ui",), ("nodes.recorder",), ("nodes.gateway",)) as endpoints, pages.browser() as found:
        samples = _watch(endpoints, found, minutes * 60.0)
    rows = _judge(samples, minutes)
    show(rows)
    return 0 if all(row.reached for row in rows) else 1


def _watch(endpoints: Endpoints, found: Browser, seconds: float) -> list[dict[str, float]]:
    server = pages.server_of(endpoints)
    page = found.new_page(viewport={"width": 1280, "height": 720})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(str(endpoints.ui_http))
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE", timeout=30_000)
    inside = page.context.new_cdp_session(page)
    inside.send("Performance.enable")
    samples: list[dict[str, float]] = []
    end, names = time.monotonic() + seconds, cycle(NAMES)
    while time.monotonic() < end:
        page.get_by_test_id(f"nav-{next(names)}").click()
        _visit(endpoints, found)
        page.wait_for_timeout(INTERVAL * 1000)
        frames = page.evaluate("__kpp.frames")
        sample = {
            **_heap(inside),
            "rss": server.memory_info().rss / 1e6,
            "documents": pages.documents(endpoints),
            "frames": frames,
        }
        samples.append(sample)
        note(" ".join(f"{name} {value:.1f}" for name, value in sample.items()))
        if errors:
            raise RuntimeError(f"the page failed: {errors[0]}")
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    return samples


def _visit(endpoints: Endpoints, found: Browser) -> None:
    other: Page = found.new_page()
    other.goto(str(endpoints.ui_http))
    expect(other.get_by_test_id("connection")).to_contain_text("LIVE", timeout=30_000)
    other.close()


def _heap(inside: CDPSession) -> dict[str, float]:
    inside.send("HeapProfiler.collectGarbage")
    metrics: list[dict[str, Any]] = inside.send("Performance.getMetrics")["metrics"]
    told = {each["name"]: each["value"] for each in metrics}
    return {"heap": told["JSHeapUsedSize"] / 1e6, "nodes": told["Nodes"], "listeners": told["JSEventListeners"]}


def _judge(samples: list[dict[str, float]], minutes: float) -> list[Row]:
    kept = samples[int(len(samples) * WARM_UP) :]
    third = max(1, len(kept) // 3)
    rows = []
    for name, what in (("heap", "JavaScript heap of a page"), ("rss", "memory of the server")):
        first, last = (statistics.median(sample[name] for sample in part) for part in (kept[:third], kept[-third:]))
        figure = f"{first:.1f} MB, then {last:.1f} MB, over {minutes:g} min with {len(samples)} visitors"
        rows.append(Row(what, figure, f"grows by less than {GROWTH:g} MB", last - first < GROWTH))
    documents = max(sample["documents"] for sample in samples)
    rows.append(Row("documents", f"{documents:.0f} at most", "<= 3", documents <= 3))
    return rows


if __name__ == "__main__":
    sys.exit(main())
