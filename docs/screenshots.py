"""`python docs/screenshots.py`: pictures of the dashboard for the README, taken of the plant that is running."""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from bus.endpoints import Endpoints

IMAGES = Path(__file__).with_name("images")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
SIZE = {"width": 1720, "height": 1020}
PAGES = (
    "energy",
    "floaters",
    "drivetrain",
    "pneumatics",
    "control",
    "hypotheses",
    "parameters",
    "alarms",
    "history",
    "runs",
    "system",
)
COMPARED_WITHIN = 200_000
"""Milliseconds that eleven plants may take."""


def main() -> int:
    """Save the overview in both themes and the other pages in one; the plant must have run for some laps."""
    path = os.environ.get("KPP_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        sys.stderr.write(f"no browser found: none of {', '.join(BROWSERS)} on the PATH\n")
        return 1
    address = Endpoints.from_environment(os.environ).ui_http
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for theme in ("dark", "light"):
            page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]  # a plain dict is what it takes
            page.goto(f"{address}/?theme={theme}#window=60")
            expect(page.get_by_test_id("connection")).to_contain_text("LIVE", timeout=30_000)
            expect(page.get_by_test_id("cop")).not_to_have_text("\N{EN DASH}", timeout=30_000)
            page.wait_for_function("globalThis.__kpp.samples > 200", timeout=60_000)
            page.screenshot(path=IMAGES / f"overview-{theme}.png")
            page.close()
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]  # as above
        page.goto(f"{address}/?theme=dark")
        for name in PAGES:
            _take(page, name)
        browser.close()
    return 0


def _take(page: Page, name: str) -> None:
    """Open a page, wait until the plant has filled it, save it."""
    page.get_by_test_id(f"nav-{name}").click()
    expect(page.get_by_test_id(f"page-{name}")).to_be_visible()
    if name == "hypotheses":
        page.get_by_test_id("compare").click()
        expect(page.get_by_test_id("compare-answer")).to_contain_text("laps in the means", timeout=COMPARED_WITHIN)
    elif name == "history":
        page.wait_for_function("globalThis.__kpp.history?.bins > 100", timeout=30_000)
    elif name == "system":
        expect(page.get_by_test_id("s-quota")).to_contain_text("of", timeout=15_000)
    samples = page.evaluate("globalThis.__kpp.samples")
    page.wait_for_function("before => globalThis.__kpp.samples > before + 40", arg=samples, timeout=30_000)
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
