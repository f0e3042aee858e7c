"""The dashboard in a real browser in front of the real plant: Start, numbers and picture move, lost nodes come back."""

import os
import signal
from collections.abc import Iterator
from functools import partial

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import START_TIMEOUT, Plant
from tests.watching import Watch, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(1200)]


@pytest.fixture
def page(plant: Plant, browser: Browser) -> Iterator[Page]:
    """The overview of a fresh run, stopped."""
    eventually(plant.healthy, START_TIMEOUT, "the plant is healthy")
    assert plant.post("/reset", {"scenario": "reference"}).status_code == 200
    assert plant.post("/speed", {"speed": 1.0}).status_code == 200
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    watch = Watch(page)
    page.goto(str(plant.endpoints.ui_http))
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    yield page
    assert [each for each in watch.complaints if each.startswith("request to another host")] == []
    context.close()


def _gone(pid: int) -> bool:
    return not psutil.pid_exists(pid)


def number(page: Page, path: str) -> float:
    """A number that the page keeps for tests."""
    value: float = page.evaluate(f"globalThis.__kpp.{path}")
    return value


def test_start_makes_numbers_and_picture_move(plant: Plant, page: Page) -> None:
    expect(page.get_by_test_id("mode")).to_contain_text("STOPPED")
    page.get_by_test_id("speed").select_option(label="20 \N{MULTIPLICATION SIGN}")
    page.get_by_test_id("start").click()
    expect(page.get_by_test_id("mode")).to_contain_text("RUNNING")
    expect(page.get_by_test_id("command-state")).to_contain_text("applied")
    expect(page.get_by_test_id("plc-state")).to_contain_text("running")
    drawn, travelled, t = (number(page, path) for path in ("mimic.drawn", "mimic.travelled", "t"))
    eventually(lambda: number(page, "t") > t + 20, 20, "simulated time goes on")
    eventually(lambda: number(page, "mimic.drawn") > drawn + 10, 20, "the picture is drawn again and again")
    eventually(lambda: number(page, "mimic.travelled") > travelled + 1, 20, "the chain in the picture moves")
    for name, unit in (("Net power", "kW"), ("Chain speed", "m/s"), ("Receiver pressure", "bar")):
        expect(page.get_by_text(name).first.locator("xpath=..")).to_contain_text(unit)
    page.get_by_test_id("pause").click()
    expect(page.get_by_test_id("mode")).to_contain_text("PAUSED")
    status = plant.get(plant.endpoints.gateway_http, "/status")
    assert status is not None
    assert status.json()["mode"] == "paused", "the page and the REST interface tell the same"


def test_a_lost_node_is_named_and_comes_back_without_a_reload(plant: Plant, page: Page) -> None:
    page.get_by_test_id("start").click()
    expect(page.get_by_test_id("mode")).to_contain_text("RUNNING")
    page.evaluate("globalThis.__stayed = true")
    for node, named in (("physics", "physics m1"), ("clock", "clock")):
        pid = plant.pid(node)
        os.kill(pid, signal.SIGSTOP)  # a node that is there and silent: the watchdog ends it after two seconds
        expect(page.get_by_test_id("missing")).to_contain_text(named)
        expect(page.get_by_test_id("connection")).not_to_contain_text("LIVE")
        eventually(partial(_gone, pid), START_TIMEOUT, f"{node} is ended")
        eventually(plant.healthy, START_TIMEOUT, f"{node} is back")
        expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
        expect(page.get_by_test_id("missing")).to_be_hidden()
    assert page.evaluate("globalThis.__stayed") is True


def test_the_page_outlives_its_own_server(plant: Plant, page: Page) -> None:
    os.kill(plant.pid("ui"), signal.SIGKILL)
    expect(page.get_by_test_id("connection")).not_to_contain_text("LIVE")
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    page.get_by_test_id("start").click()
    expect(page.get_by_test_id("mode")).to_contain_text("RUNNING")
