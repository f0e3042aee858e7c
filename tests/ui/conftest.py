"""A dashboard process, the made-up plant it watches, and a real browser in front of it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.ui.synthetic_plant import SyntheticPlant, Wishes, free_endpoints
from tests.watching import Watch, eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 40.0


class Dashboard:
    """The real dashboard as its own process."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ = {**os.environ, **environ, "KPP_SCENARIOS": str(ROOT / "scenarios")}
        self.host = environ["KPP_UI_HTTP"]
        self.url = f"http://{self.host}/"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen([sys.executable, "-m", "ui"], cwd=ROOT, env=self._environ)
        eventually(lambda: self.health() is not None, START_TIMEOUT, "the dashboard answers")

    @contextmanager
    def recorder(self, data: Path) -> Iterator[None]:
        """The real recorder beside it, as its own process, that records the made-up plant below `data`."""
        process = subprocess.Popen(
            [sys.executable, "-m", "nodes.recorder"], cwd=ROOT, env={**self._environ, "KPP_DATA": str(data)}
        )
        try:
            eventually(lambda: list(data.glob("recordings/*")), START_TIMEOUT, "the recorder records")
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0

    def kill(self) -> None:
        """End it without warning."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to stop; returns its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(timeout=60)

    def health(self) -> dict[str, Any] | None:
        """What it says of itself, None while it does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url}health", timeout=30) as answer:  # noqa: S310  # our own address
                document: dict[str, Any] = json.load(answer)
                return document
        except OSError:
            return None


@pytest.fixture(scope="module")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SyntheticPlant, Dashboard]]:
    environ = free_endpoints() | {"KPP_DATA": str(tmp_path_factory.mktemp("data"))}
    with SyntheticPlant(environ) as plant:
        dashboard = Dashboard(environ)
        dashboard.start()
        yield plant, dashboard
        assert dashboard.stop() == 0


@pytest.fixture
def plant(_running: tuple[SyntheticPlant, Dashboard]) -> Iterator[SyntheticPlant]:
    """The made-up plant: a fresh run at 40 s, running."""
    made_up = _running[0]
    made_up.renew()
    yield made_up
    made_up.wishes = Wishes()


@pytest.fixture
def dashboard(_running: tuple[SyntheticPlant, Dashboard]) -> Dashboard:
    """The dashboard that watches it."""
    return _running[1]


@pytest.fixture(scope="module")
def _opened(browser: "Browser", _running: tuple[SyntheticPlant, Dashboard]) -> "Iterator[tuple[Page, Watch]]":
    context = browser.new_context(viewport={"width": 1280, "height": 720}, color_scheme="dark")
    page = context.new_page()
    seen = Watch(page)
    page.goto(_running[1].url)
    yield page, seen
    context.close()


@pytest.fixture
def watch(_opened: "tuple[Page, Watch]") -> Watch:
    """What the page did that it should not."""
    return _opened[1]


@pytest.fixture
def page(_opened: "tuple[Page, Watch]", watch: Watch, plant: SyntheticPlant) -> "Iterator[Page]":
    """The overview, live. Whatever the test, it asks no other host for anything and logs no error."""
    from playwright.sync_api import expect  # noqa: PLC0415 - not for the tests beside these, which need no browser

    opened = _opened[0]
    expect(opened.get_by_test_id("scenario-name")).to_have_text(f"scenario reference · run {plant.run}")
    expect(opened.get_by_test_id("connection")).to_contain_text("LIVE")
    expect(opened.get_by_test_id("mimic-overlay")).to_be_hidden()
    yield opened
    watch.expected = False
    assert watch.complaints == []
