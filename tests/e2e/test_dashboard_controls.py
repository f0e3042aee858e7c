"""The dashboard's controls, history and runs in front of the real plant: what is pressed changes the plant."""

import json
import os
import re
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import START_TIMEOUT, Plant
from tests.watching import Watch, drag, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def _opened(plant: Plant, browser: Browser) -> Iterator[tuple[Page, Watch]]:
    context = browser.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
    page = context.new_page()
    watch = Watch(page)
    page.goto(str(plant.endpoints.ui_http))
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    yield page, watch
    context.close()


@pytest.fixture
def watch(_opened: tuple[Page, Watch]) -> Watch:
    """What the page did that it should not."""
    return _opened[1]


@pytest.fixture
def page(_opened: tuple[Page, Watch], plant: Plant) -> Iterator[Page]:
    """The page in front of a plant that is whole."""
    eventually(plant.healthy, START_TIMEOUT, "the plant is healthy")
    opened, watch = _opened
    expect(opened.get_by_test_id("connection")).to_contain_text("LIVE")
    yield opened
    assert watch.complaints == []


def go(page: Page, name: str) -> None:
    page.get_by_test_id(f"nav-{name}").click()
    expect(page.get_by_test_id(f"page-{name}")).to_be_visible()


def controls(plant: Plant) -> dict[str, Any]:
    """What REST says is set."""
    answer = plant.get(plant.endpoints.gateway_http, "/v1/controls")
    assert answer is not None
    document: dict[str, Any] = answer.json()
    return document


def plc(plant: Plant) -> str:
    return str(controls(plant)["plc_state"])


def test_the_plant_is_started_stopped_and_pulsed_by_hand(page: Page, plant: Plant) -> None:
    assert plant.post("/speed", {"speed": 50.0}).status_code == 200
    go(page, "control")
    page.get_by_test_id("start").click()
    sequence = page.locator("[data-testid=sequence] .present")
    expect(sequence).to_have_attribute("data-state", "running")
    page.get_by_test_id("order-plant_start").click()
    expect(page.get_by_test_id("command-state")).to_contain_text("start is not permitted while running")
    settings = page.get_by_test_id("settings")
    settings.get_by_test_id("field-injection_mode").select_option("manual")
    settings.get_by_role("button", name="Apply").click()
    eventually(lambda: controls(plant)["settings"]["injection_mode"] == "manual", 20, "injection by hand is in force")
    page.get_by_test_id("order-inject").click()
    expect(page.get_by_test_id("command-state")).to_contain_text("Inject — applied")
    settings.get_by_test_id("field-injection_mode").select_option("auto")
    settings.get_by_test_id("field-load_power").fill("2500")
    settings.get_by_role("button", name="Apply").click()
    eventually(lambda: controls(plant)["settings"]["load_power"] == 2500, 20, "the load is in force")
    go(page, "drivetrain")
    expect(page.get_by_test_id("page-drivetrain").get_by_test_id("v-generator.power")).not_to_have_text("0.0")


def test_a_claim_pressed_on_the_page_is_booked_as_energy_without_a_source(page: Page, plant: Plant) -> None:
    go(page, "hypotheses")
    page.get_by_test_id("h1-claimed").click()
    expect(page.get_by_test_id("h1-claimed")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_test_id("unsourced")).to_contain_text("has no source in the model")
    assert controls(plant)["settings"]["h1_mode"] == "claimed"
    page.get_by_test_id("h1-off").click()
    expect(page.get_by_test_id("h1-off")).to_have_attribute("aria-pressed", "true")


def test_what_the_plant_cannot_take_is_refused_with_its_reason(page: Page) -> None:
    go(page, "parameters")
    form = page.get_by_test_id("form")
    form.get_by_test_id("field-load_pressure").fill("500000")
    form.get_by_role("button", name="Apply").click()
    expect(form.locator("[data-field=load_pressure]")).to_contain_text("must be above load_pressure")
    form.get_by_role("button", name="Revert").click()


def test_the_policy_is_the_clocks(page: Page, plant: Plant) -> None:
    go(page, "system")
    page.get_by_test_id("policy").select_option("catch_up")
    expect(page.get_by_test_id("command-state")).to_contain_text("Late modules: catch_up — applied")
    page.get_by_test_id("policy").select_option("hold")
    expect(page.get_by_test_id("peer-recorder")).to_contain_text("ok")
    expect(page.get_by_test_id("s-quota")).to_contain_text("of 20.00 GB")
    expect(page.get_by_test_id("s-free")).to_contain_text(re.compile(r"\d (MB|GB)"))
    expect(page.get_by_test_id("s-waiting")).to_contain_text(re.compile(r"^\d+ messages$"))


def test_history_is_scrubbed_zoomed_exported_and_live_again(page: Page, plant: Plant, tmp_path: Path) -> None:
    go(page, "history")
    page.wait_for_function("__kpp.history?.live && __kpp.history.bins > 20")
    end = page.evaluate("__kpp.history.range[1]")
    page.wait_for_function("end => __kpp.history.range[1] > end + 1", arg=end)
    page.get_by_test_id("channel-add").fill("chain.speed")
    page.get_by_test_id("channel-add").press("Enter")
    page.wait_for_function("__kpp.history.channels.includes('chain.speed')")
    assert "chain.speed" in page.url, "a link shows the same"
    page.get_by_test_id("history-pause").click()
    page.wait_for_function("!__kpp.history.live")
    page.get_by_test_id("span-30").click()
    page.wait_for_function("__kpp.history.range[1] - __kpp.history.range[0] < 31")
    held = page.evaluate("__kpp.history.range")
    page.get_by_test_id("scrub").fill("0")
    page.wait_for_function("__kpp.history.range[0] < 1")
    drag(page, page.get_by_test_id("history-plot").locator(".u-over"))
    page.wait_for_function("__kpp.history.range[1] - __kpp.history.range[0] < 20")
    with page.expect_download() as saved:
        page.get_by_test_id("history-csv").click()
    rows = Path(saved.value.path()).read_text().splitlines()
    assert rows[0].startswith("t [s],")
    assert "chain.speed mean [m/s]" in rows[0]
    assert len(rows) == page.evaluate("__kpp.history.bins") + 1
    with page.expect_download() as saved:
        page.get_by_test_id("history-png").click()
    assert Path(saved.value.path()).read_bytes()[:4] == b"\x89PNG"
    page.get_by_test_id("history-live").click()
    page.wait_for_function("end => __kpp.history.live && __kpp.history.range[1] > end", arg=held[1])


def test_every_plot_is_scrubbed_back_and_live_again(page: Page, plant: Plant, tmp_path: Path) -> None:
    eventually(lambda: page.evaluate("__kpp.t") > 40, 60, "there is a past")
    for name, prefix, shown in (
        ("overview", "o-", "line-chain.speed"),
        ("drivetrain", "d-", "line-d-speed-drivetrain.shaft_speed_rpm"),
        ("pneumatics", "p-", "line-p-pressure-receiver.pressure"),
    ):
        go(page, name)
        page.get_by_test_id(f"{prefix}window-10").click()
        page.get_by_test_id(f"{prefix}scrub").fill("4")  # the page has that itself, the recorder more finely
        expect(page.get_by_test_id(f"{prefix}range")).to_have_text("0.00 s to 4.00 s")
        expect(page.get_by_test_id(shown)).to_have_text(re.compile(r"^\d+\.\d+$"))
        with page.expect_download() as saved:
            page.get_by_test_id(f"{prefix}csv").click()
        times = [float(row.split(",")[0]) for row in Path(saved.value.path()).read_text().splitlines()[1:]]
        assert times, name
        assert max(times) <= 4.0
        with page.expect_download() as saved:
            page.get_by_test_id(f"{prefix}png").click()
        assert Path(saved.value.path()).read_bytes()[:4] == b"\x89PNG"
        page.get_by_test_id(f"{prefix}live").click()
        expect(page.get_by_test_id(f"{prefix}range")).to_have_text("live")
        page.get_by_test_id(f"{prefix}freeze").click()
        expect(page.get_by_test_id(f"{prefix}freeze")).to_have_attribute("aria-pressed", "true")
        page.get_by_test_id(f"{prefix}live").click()


def _the_sums_are_one(page: Page) -> None:
    """What the table of floaters adds up to is what the plant says.

    The table has the places at the end of a step and the plant the mean force of it: the last decimal may differ.
    """
    told = re.compile(r"Sum of the table (\S+) kN; the plant's own sum (\S+) kN")
    expect(page.get_by_test_id("force-sum")).to_have_text(told)
    found = told.search(page.get_by_test_id("force-sum").inner_text())
    assert found is not None
    assert abs(float(found[1]) - float(found[2])) < 0.025


def test_a_page_opened_late_scrubs_back_to_what_the_recorder_has(
    plant: Plant, page: Page, watch: Watch, browser: Browser
) -> None:
    eventually(lambda: page.evaluate("__kpp.t") > 40, 60, "there is a past")
    assert plant.post("/pause").status_code == 200
    watch.expected = True  # the browser itself complains of refused connections
    os.kill(plant.pid("ui"), signal.SIGKILL)  # a dashboard that begins now has heard nothing of the run
    eventually(plant.healthy, START_TIMEOUT, "the dashboard is back")
    late = browser.new_page()
    late.goto(f"{plant.endpoints.ui_http}/#page=drivetrain&window=10")
    expect(late.get_by_test_id("connection")).to_contain_text("LIVE")
    assert late.evaluate("__kpp.state") == "live"
    # Its trends begin with the run, or as far back as the longest window reaches.
    late.wait_for_function("__kpp.times()[0] < Math.max(1, __kpp.t - 298) && __kpp.times().length > 20")
    late.get_by_test_id("d-scrub").fill("20")
    value = late.get_by_test_id("line-d-winding-generator.winding_temperature")
    expect(value).to_have_text(re.compile(r"^\d+\.\d$"))
    late.get_by_test_id("nav-floaters").click()
    expect(late.get_by_test_id("floater-count")).to_have_text("66 on the chain, at 20.00 s")
    _the_sums_are_one(late)
    late.get_by_test_id("nav-energy").click()
    run = late.evaluate("__kpp.recorded()")
    said = f"Past: this page shows what the recorder has at 20.00 s of run {run}."
    expect(late.get_by_test_id("e-moment")).to_have_text(said)  # and no number is left out
    expect(late.get_by_test_id("flow-sum")).to_have_text(re.compile(r"from the grid \d+\.\d kW"))
    late.get_by_test_id("nav-floaters").click()
    late.get_by_test_id("f-live").click()
    expect(late.get_by_test_id("floater-count")).to_have_text("66 on the chain")
    _the_sums_are_one(late)
    late.close()
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    watch.expected = False
    assert plant.post("/resume").status_code == 200


def test_a_recording_is_played_back_from_the_page(page: Page, plant: Plant, browser: Browser) -> None:
    go(page, "runs")
    for _ in range(3):  # the answers of impatient presses are not listed one after the other
        page.get_by_test_id("runs-refresh").click()
    run = page.evaluate("__kpp.recorded()")
    page.get_by_test_id(f"replay-{run}").click()
    expect(page.get_by_test_id("replay-state")).to_have_text(f"Run {run} is played back.")
    there = browser.new_page()
    watch = Watch(there)
    there.goto(page.get_by_test_id("replay-open").get_attribute("href") or "")
    expect(there.get_by_test_id("connection")).to_contain_text("REPLAY")
    for name in ("energy", "floaters", "control", "alarms", "history", "runs", "system", "overview"):
        go(there, name)
        expect(there.get_by_test_id("replay")).to_have_text(f"REPLAY of run {run}: recorded, not live")
    expect(there.get_by_test_id("missing")).to_be_hidden()
    expect(there.get_by_test_id("emergency-stop")).to_be_hidden()
    expect(there.get_by_test_id("start")).to_be_hidden()
    there.get_by_test_id("seek").fill("12")
    expect(there.get_by_test_id("seek-t")).to_contain_text(re.compile(r"^1[12]\.\d\d s of"))
    expect(there.get_by_test_id("command-state")).to_contain_text("Go to 12.00 s of the recording — applied")
    # The trends of the moment that was jumped to are whole at once.
    there.wait_for_function("__kpp.times()[0] < 1 && __kpp.times().at(-1) > 11 && __kpp.times().length > 20")
    go(there, "parameters")
    expect(there.get_by_test_id("form").get_by_role("button", name="Apply")).to_be_disabled()
    expect(there.get_by_test_id("form")).to_contain_text("This is a replay: what is recorded cannot be changed")
    go(there, "overview")
    there.get_by_test_id("speed").select_option("0.1")
    expect(there.get_by_test_id("speed-requested")).to_have_text("0.1 \N{MULTIPLICATION SIGN}")
    there.get_by_test_id("replay-play").click()
    expect(there.get_by_test_id("replay-play")).to_have_text("Pause")
    there.get_by_test_id("speed").select_option("10")
    eventually(lambda: there.evaluate("__kpp.t") > 20, 20, "it is played")
    there.get_by_test_id("replay-play").click()
    expect(there.get_by_test_id("mode")).to_have_text("PAUSED")
    go(there, "history")
    there.wait_for_function("run => __kpp.history?.run === run && __kpp.history.bins > 20", arg=run)
    assert watch.complaints == []
    there.close()
    page.get_by_test_id("replay-end").click()
    expect(page.get_by_test_id("replay-state")).to_contain_text("No recording is played back")
    assert not [each for each in plant.family() if "replay" in each.cmdline()], "nothing of it is left"


def test_the_emergency_stop_stops_the_plant_and_its_reset_needs_rest(page: Page, plant: Plant) -> None:
    go(page, "overview")
    page.get_by_test_id("emergency-stop").click()
    expect(page.get_by_test_id("emergency-stop")).to_have_text("STOPPED IN EMERGENCY")
    alarm = page.get_by_test_id("page-overview").get_by_test_id("alarm-m1.emergency_stop")
    expect(alarm).to_contain_text("active, not acknowledged")
    alarm.get_by_role("button").click()
    expect(alarm).to_contain_text("active, acknowledged")
    listed = plant.get(plant.endpoints.gateway_http, "/v1/alarms")
    assert listed is not None
    found = {each["id"]: each["state"] for each in json.loads(listed.text)["alarms"]}
    assert found["m1.emergency_stop"] == "acknowledged", "both doors tell the same"
    eventually(lambda: plc(plant) == "emergency_stop", 20, "the plant is in emergency stop")

    def back() -> bool:
        page.get_by_test_id("emergency-reset").click()
        page.get_by_test_id("reset-confirm").click()
        expect(page.get_by_test_id("command-state")).to_contain_text("Reset trip — ")
        expect(page.get_by_test_id("command-state")).not_to_contain_text("…")
        return "applied" in page.get_by_test_id("command-state").inner_text()

    eventually(back, 60, "the chain is at rest and the reset applied")
    expect(page.get_by_test_id("emergency-reset")).to_be_hidden()


def test_a_run_is_forked_and_compared_with_the_one_it_came_from(page: Page, plant: Plant) -> None:
    parent = page.evaluate("__kpp.recorded()")
    page.get_by_test_id("stop").click()
    page.get_by_test_id("confirm-yes").click()
    expect(page.get_by_test_id("mode")).to_have_text("STOPPED")
    go(page, "runs")
    expect(page.get_by_test_id(f"run-{parent}")).to_be_visible()
    page.get_by_test_id("fork-t").fill("30")
    page.get_by_test_id("fork").click()
    expect(page.get_by_test_id("fork-answer")).to_contain_text(f"forked at 30.00 s of run {parent}")
    expect(page.get_by_test_id("scenario-name")).to_contain_text("fork:")
    page.get_by_test_id("start").click()
    expect(page.get_by_test_id("mode")).to_have_text("RUNNING")
    eventually(lambda: page.evaluate("__kpp.t") > 5, 30, "the forked run goes on")
    page.get_by_test_id("runs-refresh").click()
    boxes = page.get_by_test_id("runs").get_by_role("checkbox")
    eventually(lambda: boxes.count() >= 2, 20, "both runs are listed")
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(page.get_by_test_id("compared")).to_contain_text(f"{parent} (dashes)")
    expect(page.get_by_test_id("compare-table").locator("tbody tr")).to_have_count(8)
    drag(page, page.get_by_test_id("compare-plot").locator(".u-over"))
    expect(page.get_by_test_id("compared")).to_contain_text(re.compile(r"\(dashes\), \d+\.\d\d s to \d+\.\d\d s"))
    page.get_by_test_id("compare-plot").locator(".u-over").dblclick()
    expect(page.get_by_test_id("compared")).to_contain_text(re.compile(r"\(dashes\), \d+\.\d\d s; drag"))


def _restarts(page: Page, node: str) -> int:
    """Of the newest process of a node; one that has gone is listed for a while."""
    rows = page.get_by_test_id(f"peer-{node}").all()
    return max((int(row.locator("td").nth(3).inner_text()) for row in rows), default=0)


def _gone(pid: int) -> bool:
    return not psutil.pid_exists(pid)


def test_every_node_may_be_killed_while_the_page_is_open(page: Page, plant: Plant, watch: Watch) -> None:
    go(page, "system")
    if page.get_by_test_id("mode").inner_text() != "RUNNING":
        page.get_by_test_id("start").click()
    expect(page.get_by_test_id("mode")).to_have_text("RUNNING")
    page.evaluate("globalThis.__stayed = true")
    for node in ("recorder", "gateway", "physics", "clock"):
        pid = plant.pid(node)
        os.kill(pid, signal.SIGKILL)
        eventually(partial(_gone, pid), START_TIMEOUT, f"{node} is gone")
        eventually(plant.healthy, START_TIMEOUT, f"{node} is back")
        expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
        expect(page.get_by_test_id("missing")).to_be_hidden()
        t = page.evaluate("__kpp.t")
        page.wait_for_function("t => __kpp.t > t", arg=t)
        name = {"physics": "m1"}.get(node, node)
        if node != "clock":  # it does not hear itself
            eventually(partial(_restarts, page, name), START_TIMEOUT, f"{name} was started again")
    assert page.evaluate("globalThis.__stayed") is True
    told = _restarts(page, "m1")
    watch.expected = True  # the browser itself complains of refused connections
    os.kill(plant.pid("ui"), signal.SIGKILL)  # a dashboard that begins now counts from the plant's start too
    eventually(plant.healthy, START_TIMEOUT, "the dashboard is back")
    page.wait_for_function("globalThis.__stayed === undefined")
    eventually(lambda: _restarts(page, "m1") == told, START_TIMEOUT, "the count of the module is as before")
    eventually(lambda: _restarts(page, "ui") > 0, START_TIMEOUT, "the dashboard's own restart is counted")
    assert page.get_by_test_id("lost").inner_text() == "0", "what was missed was had again"
