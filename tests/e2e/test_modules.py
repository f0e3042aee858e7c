"""A plant of three modules: each is started, commanded, killed and watched as the one of a small plant is."""

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Result, State, Tick
from bus.transport.client import command, sequence
from bus.transport.listener import Listener
from runtime.process import isolated
from runtime.replay_endpoints import replay_environment
from tests.chaos.processes import programs
from tests.e2e.conftest import ROOT, START_TIMEOUT, Plant, started
from tests.watching import Watch, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

MODULES = ("m1", "m2", "east")
RATE = "20"
"""Ticks per second: three modules are much for a small machine."""

STATES = 40
BACK_WITHIN = 20.0


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """The plant with three modules."""
    with started(tmp_path_factory.mktemp("modules"), {"KPP_TICK_RATE": RATE}, modules=MODULES) as plant:
        yield plant


@pytest.fixture
def running(plant: Plant) -> Plant:
    """In a new run, at real time."""
    eventually(plant.healthy, START_TIMEOUT, "the plant is healthy")
    for order in ("/v1/runs/reset", "/v1/time/start"):
        answer = plant.post(order, {})
        assert answer.status_code == 200, answer.text
    return plant


class Heard:
    """All that a subscriber of every module hears, in order."""

    def __init__(self, plant: Plant) -> None:
        self._listener = Listener(plant.endpoints, ("tick", "state/", "result/"))
        self.ticks: list[Tick] = []
        self.states: dict[str, list[State]] = {module: [] for module in MODULES}
        self.results: list[Result] = []

    def take(self) -> None:
        """One message more."""
        message = self._listener.receive(120.0)
        assert message is not None, "the stream goes on"
        if isinstance(message, Tick):
            self.ticks.append(message)
        elif isinstance(message, State):
            self.states[message.module].append(message)
        elif isinstance(message, Result):
            self.results.append(message)

    def states_of_each(self, count: int) -> None:
        """So many states more of every module."""
        until = {module: len(states) + count for module, states in self.states.items()}
        while any(len(self.states[module]) < least for module, least in until.items()):
            self.take()

    def results_of(self, command_id: str, count: int) -> list[Result]:
        """Every result of a command, once there are so many."""
        while len(found := [each for each in self.results if each.id == command_id]) < count:
            self.take()
        return found

    def close(self) -> None:
        """Hear no more."""
        self._listener.close()


def test_s08_every_module_is_started_and_folds_every_tick(running: Plant) -> None:
    said = eventually(lambda: running.said() if "is up" in running.said() else "", 30, "the addresses are printed")
    assert "m1, m2, east" in said
    heard = Heard(running)
    heard.states_of_each(STATES)
    heard.close()
    for states in heard.states.values():
        seqs = [state.seq for state in states if state.run == states[-1].run]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    health = running.get(running.endpoints.gateway_http, "/v1/health")
    assert health is not None
    assert health.status_code == 200
    watched = {name for name in programs(running.process.pid) if name.startswith("physics")}
    assert watched == {"physics_m1", "physics_m2", "physics_east"}
    for name in watched:
        assert '"event": "physics started"' in running.log(name) or "physics started" in running.log(name)


def test_s08_start_stop_and_each_module_commanded_alone(running: Plant) -> None:
    heard = Heard(running)
    heard.states_of_each(1)
    for module, area in zip(MODULES, (0.41, 0.42, 0.43), strict=True):
        sequenced = sequence(running.endpoints, command(module, "set_parameters", {"drag_area": area}, "e2e"))
        results = heard.results_of(sequenced.id, 1)
        assert [(each.module, each.outcome, each.seq) for each in results] == [(module, "applied", sequenced.seq)]
    for module, area in zip(MODULES, (0.41, 0.42, 0.43), strict=True):
        page = running.get(running.endpoints.gateway_http, f"/v1/parameters?module={module}")
        assert page is not None
        assert {each["name"]: each["value"] for each in page.json()["parameters"]}["drag_area"] == area
    stopped = sequence(running.endpoints, command("clock", "stop", {}, "e2e"))
    while any(states[-1].seq <= stopped.seq for states in heard.states.values()):
        heard.take()
    heard.close()
    assert len({states[-1].t for states in heard.states.values()}) == 1, "all stand at the same moment"


@pytest.mark.parametrize("module", MODULES)
def test_s08_a_killed_module_comes_back_and_everything_acts_once(running: Plant, module: str) -> None:
    heard = Heard(running)
    heard.states_of_each(STATES)
    pid = running.pid("physics", module)
    others = {each: running.pid("physics", each) for each in MODULES if each != module}
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: running.pid("physics", module) not in {0, pid}, BACK_WITHIN, "it has a new process")
    heard.states_of_each(STATES)
    ask = command(module, "set_parameters", {"drag_area": 0.4}, "e2e")
    sequenced = sequence(running.endpoints, ask)
    assert sequence(running.endpoints, ask) == sequenced
    heard.results_of(sequenced.id, 1)
    heard.states_of_each(STATES)
    heard.close()
    assert {each: running.pid("physics", each) for each in others} == others, "nobody else is touched"
    for states in heard.states.values():
        last = [state.seq for state in states if state.run == states[-1].run]
        assert last == list(range(last[0], last[0] + len(last))), "none is missing, none comes twice"
    acted = Counter(each.id for tick in heard.ticks for each in tick.commands)
    assert acted[sequenced.id] == 1
    assert len([each for each in heard.results if each.id == sequenced.id]) == 1


def test_s08_a_module_that_hangs_is_ended_by_the_watchdog_and_no_other(running: Plant) -> None:
    pids = {module: running.pid("physics", module) for module in MODULES}
    os.kill(pids["east"], signal.SIGSTOP)
    eventually(lambda: running.pid("physics", "east") not in {0, pids["east"]}, 30, "the watchdog has ended it")
    eventually(running.healthy, START_TIMEOUT, "the plant is healthy")
    assert {module: running.pid("physics", module) for module in ("m1", "m2")} == {
        module: pids[module] for module in ("m1", "m2")
    }


def test_s08_an_emergency_stop_of_all_acts_in_one_tick(running: Plant) -> None:
    heard = Heard(running)
    heard.states_of_each(1)
    answer = running.post("/v1/controls/emergency-stop/all", {})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["applied"].keys() == set(MODULES)
    results = heard.results_of(said["id"], len(MODULES))
    assert {(each.module, each.outcome, each.seq) for each in results} == {
        (module, "applied", said["seq"]) for module in MODULES
    }
    heard.states_of_each(2)
    for states in heard.states.values():
        after = [state for state in states if state.seq >= said["seq"]]
        assert {state.plc.state for state in after} == {"emergency_stop"}
        assert all(state.plc.state != "emergency_stop" for state in states if state.seq < said["seq"])
    page = running.get(running.endpoints.gateway_http, "/v1/commands?limit=5")
    assert page is not None
    (entry,) = [each for each in page.json()["commands"] if each["id"] == said["id"]]
    assert (entry["module"], entry["outcome"], entry["applied"].keys()) == ("*", "applied", set(MODULES))
    again = running.post("/v1/controls/emergency-stop/all", {})
    assert again.status_code == 409, "every module stands already"
    detail = again.json()["detail"]
    assert all(f"{module}: " in detail for module in MODULES)
    assert detail.count("the emergency stop is in force already") == len(MODULES)
    heard.close()


def recorded(plant: Plant, least: float) -> str:
    """The newest recorded run, "" until the recorder has more than so many simulated seconds (s) of every module."""
    answer = plant.get(plant.endpoints.gateway_http, "/v1/recordings?limit=1")
    runs: list[dict[str, Any]] = answer.json()["recordings"] if answer is not None and answer.status_code == 200 else []
    ends = {each["module"]: each["end"] for each in runs[0]["modules"]} if runs else {}
    return str(runs[0]["run"]) if ends.keys() == set(MODULES) and min(ends.values()) > least else ""


def test_s08_every_module_is_recorded_and_forked(running: Plant) -> None:
    assert running.post("/v1/runs", {}).status_code == 200
    run = eventually(lambda: recorded(running, 2.0), 120, "all modules are recorded")
    answer = running.post(f"/v1/recordings/{run}/fork", {"t": 1.0, "start": False})
    assert answer.status_code == 200, answer.text
    assert answer.json()["digests"].keys() == set(MODULES)
    assert answer.json()["fork"]["run"] == run


def test_s08_a_recorded_run_of_all_modules_is_played_back(running: Plant) -> None:
    assert running.post("/v1/runs", {}).status_code == 200
    run = eventually(lambda: recorded(running, 1.0), 120, "all modules are recorded")
    data = running.environment["KPP_DATA"]
    command = isolated("console", "replay", "--data", data, run)
    replay = subprocess.Popen(command, cwd=ROOT, env=running.environment, stdout=subprocess.DEVNULL)
    try:
        gateway = Endpoints.from_environment(replay_environment(running.environment)).gateway_http

        def played() -> bool:
            pages = [running.get(gateway, f"/v1/data/live?module={module}") for module in MODULES]
            return all(page is not None and page.status_code == 200 for page in pages)

        eventually(played, START_TIMEOUT, "every module is played back")
    finally:
        replay.send_signal(signal.SIGINT)
        assert replay.wait(60) == 0


@pytest.fixture
def page(running: Plant, browser: Browser) -> Iterator[Page]:
    """The dashboard, as its bare address shows it."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    watch = Watch(page)
    page.goto(f"{running.endpoints.ui_http}/#page=control&window=30")
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    yield page
    assert [each for each in watch.complaints if not each.startswith("console")] == []
    context.close()


def area_of(plant: Plant, module: str) -> float:
    """The drag area in force."""
    answer = plant.get(plant.endpoints.gateway_http, f"/v1/parameters?module={module}")
    assert answer is not None
    (found,) = [each["value"] for each in answer.json()["parameters"] if each["name"] == "drag_area"]
    value: float = found
    return value


@pytest.mark.browser
def test_s10_every_page_and_control_follows_the_module_that_is_chosen(running: Plant, page: Page) -> None:
    choice = page.get_by_test_id("module")
    expect(choice).to_have_value("m1")
    choice.select_option("m2")
    expect(page).to_have_url(re.compile(r"\?module=m2#page=control&window=30$"))
    expect(page.get_by_test_id("module")).to_have_value("m2")
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    page.get_by_test_id("emergency-stop").click()
    expect(page.get_by_test_id("emergency-stop")).to_have_text("STOPPED IN EMERGENCY m2")
    heard = Heard(running)
    heard.states_of_each(2)
    heard.close()
    assert {module: states[-1].plc.state == "emergency_stop" for module, states in heard.states.items()} == {
        "m1": False, "m2": True, "east": False,
    }  # fmt: skip
    page.get_by_test_id("nav-alarms").click()
    expect(page).to_have_url(re.compile(r"\?module=m2#page=alarms"))
    expect(page.get_by_test_id("alarm-m2.emergency_stop").first).to_be_visible()
    option = page.get_by_test_id("module").locator("option", has_text="m2")
    expect(option).to_have_text("m2 \N{BLACK UP-POINTING TRIANGLE} 1")
    page.get_by_test_id("module").select_option("east")
    expect(page.get_by_test_id("emergency-stop")).to_have_text("EMERGENCY STOP east")
    expect(page.get_by_test_id("all-alarms-empty")).to_be_visible()
    page.reload()
    expect(page.get_by_test_id("module")).to_have_value("east")


@pytest.mark.browser
def test_s10_parameters_are_those_of_the_chosen_module(running: Plant, page: Page) -> None:
    before = {module: area_of(running, module) for module in MODULES}
    page.goto(f"{running.endpoints.ui_http}/?module=east#page=parameters")
    field = page.get_by_test_id("page-parameters").get_by_test_id("field-drag_area")
    field.fill(str(before["east"] + 0.02))
    field.press("Enter")
    eventually(lambda: area_of(running, "east") != before["east"], 30, "the parameter is set")
    assert {module: area_of(running, module) for module in ("m1", "m2")} == {
        module: before[module] for module in ("m1", "m2")
    }


@pytest.mark.browser
def test_s10_one_button_stops_every_module(running: Plant, page: Page) -> None:
    page.get_by_test_id("emergency-stop-all").click()
    expect(page.get_by_test_id("command-state")).to_contain_text("all modules")
    expect(page.get_by_test_id("command-state")).to_contain_text("applied")
    heard = Heard(running)
    heard.states_of_each(2)
    heard.close()
    assert {states[-1].plc.state for states in heard.states.values()} == {"emergency_stop"}


@pytest.mark.browser
def test_s10_a_module_that_there_is_not_is_named_with_those_there_are(running: Plant, page: Page) -> None:
    page.goto(f"{running.endpoints.ui_http}/?module=m9")
    expect(page.get_by_test_id("missing")).to_contain_text('There is no module "m9": choose one of m1, m2, east.')
    expect(page.get_by_test_id("emergency-stop")).to_be_disabled()
    page.get_by_test_id("module").select_option("m1")
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
