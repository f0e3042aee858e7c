"""The page in a real browser, against a made-up plant that does whatever a test wants."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.conftest import Dashboard
from tests.ui.synthetic_plant import SyntheticPlant
from tests.watching import Watch, drag

pytestmark = pytest.mark.browser

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"

UNITS = {
    "net-power": "kW",
    "grid-import": "kW",
    "grid-export": "kW",
    "cop": "",
    "chain-speed": "m/s",
    "receiver-pressure": "bar",
    "generator-speed": "rpm",
}


def test_every_key_number_has_its_unit_and_fixed_decimals(page: Page) -> None:
    for name, unit in UNITS.items():
        expect(page.get_by_test_id(name)).to_have_text(re.compile(rf"^{MINUS}?\d+\.\d{{1,3}}$"))
        expect(page.get_by_test_id(f"{name}-unit")).to_have_text(unit)
    expect(page.get_by_test_id("net-power-mean")).to_have_text(f"mean {MINUS}30.1 kW")
    expect(page.get_by_test_id("cop")).to_have_text("0.324")
    expect(page.get_by_test_id("mimic-receiver")).to_have_text(re.compile(r"^\d\.\d\d bar$"))
    expect(page.get_by_test_id("mimic-chain")).to_have_text(re.compile(r"^0\.3\d\d m/s$"))
    expect(page.get_by_test_id("line-grid.import_energy")).to_have_text(re.compile(r"^\d\.\d{3}$"))


def test_it_says_that_the_plant_takes_more_than_it_delivers(page: Page) -> None:
    expect(page.get_by_test_id("verdict")).to_have_text(
        "This plant takes more than it delivers: 44.6 kW in, 14.5 kW out (mean of the last 5 laps). "
        "Of each kWh taken, 0.32 kWh comes back."
    )
    expect(page.get_by_test_id("residual")).to_have_text(f"3.1 {TIMES} 10⁻¹³")
    expect(page.get_by_test_id("energy-flow")).to_contain_text(re.compile(r"in \d+\.\d+ kWh → out \d+\.\d+ kWh"))
    expect(page.get_by_test_id("unsourced")).to_be_hidden()


def test_i13_a_plant_that_has_not_settled_is_said_to_be_settling(page: Page, plant: SyntheticPlant) -> None:
    plant.wishes.settled = False
    plant.wishes.overrides = {"chain": {"laps": 3}, "plc": {"state": "running"}}
    verdict = page.get_by_test_id("verdict")
    expect(verdict).to_contain_text("Settling: 3 laps since the start; a mean is of five laps that are alike")
    expect(verdict).not_to_contain_text("Of each kWh")
    expect(page.get_by_test_id("cop-mean")).to_have_text("settling, mean of 5 laps, even at 1")
    page.evaluate("location.hash = 'page=hypotheses'")
    running = page.get_by_test_id("sides-h1").locator("tbody tr").filter(has_text="Net power").locator("td.now")
    expect(running).to_have_text("settling")
    plant.wishes.settled = True
    expect(running).to_have_text(f"{MINUS}30.11")
    page.evaluate("location.hash = 'page=overview'")
    expect(verdict).to_contain_text("Of each kWh taken, 0.32 kWh comes back.")


def test_power_without_a_source_cannot_be_overlooked(page: Page, plant: SyntheticPlant) -> None:
    plant.wishes.unsourced = 4_200.0
    expect(page.get_by_test_id("unsourced")).to_contain_text("4.2 kW of this output has no source in the model")
    plant.wishes.unsourced = 0.0
    expect(page.get_by_test_id("unsourced")).to_be_hidden()


def test_the_picture_and_the_plots_move(page: Page) -> None:
    before = page.evaluate("({drawn: __kpp.mimic.drawn, plots: __kpp.plots.drawn, samples: __kpp.samples})")
    page.wait_for_function(
        "before => __kpp.mimic.drawn > before.drawn + 10 && __kpp.plots.drawn > before.plots + 10"
        " && __kpp.samples > before.samples + 10 && __kpp.mimic.travelled > 0.2",
        arg=before,
    )
    assert page.evaluate("__kpp.latency.length") > 5
    expect(page.get_by_test_id("receiver-pressure-trend")).to_have_text(re.compile("[→↗↘]"))


def test_commands_are_sent_and_answered_and_controls_follow_the_plant(page: Page, plant: SyntheticPlant) -> None:
    state = page.get_by_test_id("command-state")
    page.get_by_test_id("pause").click()
    expect(state).to_contain_text(re.compile(r"Pause — applied at \d+\.\d\d s"))
    expect(page.get_by_test_id("mode")).to_have_text("PAUSED")
    expect(page.get_by_test_id("pause")).to_be_disabled()
    expect(page.get_by_test_id("start")).to_be_disabled()
    page.get_by_test_id("step").click()
    expect(state).to_contain_text("Step 1 tick — applied")
    page.get_by_test_id("resume").click()
    expect(page.get_by_test_id("mode")).to_have_text("RUNNING")
    page.get_by_test_id("stop").click()
    page.get_by_test_id("confirm-yes").click()
    expect(page.get_by_test_id("mode")).to_have_text("STOPPED")
    page.get_by_test_id("start").click()
    expect(state).to_contain_text("Start — applied")
    assert [command.name for command in plant.commands] == ["pause", "step", "resume", "stop", "start"]
    assert {command.module for command in plant.commands} == {"clock"}
    assert all(command.origin.startswith("dashboard-") for command in plant.commands)
    plant.mode = "paused"  # somebody else's doing
    expect(page.get_by_test_id("resume")).to_be_enabled()


def test_speed_and_scenario_are_chosen_and_shown_as_the_plant_has_them(page: Page, plant: SyntheticPlant) -> None:
    page.get_by_test_id("speed").select_option("10")
    expect(page.get_by_test_id("speed-requested")).to_have_text(f"10 {TIMES}")
    page.get_by_test_id("speed").select_option("flat-out")
    expect(page.get_by_test_id("speed-requested")).to_have_text("max")
    page.get_by_test_id("scenario").select_option("ideal")
    page.get_by_test_id("reset").click()
    page.get_by_test_id("confirm-yes").click()
    expect(page.get_by_test_id("command-state")).to_contain_text("New run of ideal — applied")
    expect(page.get_by_test_id("scenario-name")).to_contain_text("scenario ideal")
    assert [command.args for command in plant.commands] == [{"speed": 10}, {"flat_out": True}, {"scenario": "ideal"}]


def test_a_rejection_shows_its_reason(page: Page, plant: SyntheticPlant) -> None:
    plant.wishes.reject = "the run is held: reset it first"
    page.get_by_test_id("pause").click()
    expect(page.get_by_test_id("command-state")).to_contain_text("rejected at")
    expect(page.get_by_test_id("command-state")).to_contain_text("the run is held: reset it first")
    expect(page.get_by_test_id("mode")).to_have_text("RUNNING")


def test_a_command_that_nobody_answers_says_so(page: Page, plant: SyntheticPlant) -> None:
    plant.wishes.answers = False
    page.get_by_test_id("pause").click()
    expect(page.get_by_test_id("command-state")).to_contain_text("not answered: the clock")


def test_what_does_not_exist_is_a_dash_and_never_a_number(page: Page, plant: SyntheticPlant) -> None:
    plant.wishes.laps = False
    expect(page.get_by_test_id("cop")).to_have_text(DASH)
    expect(page.get_by_test_id("net-power-mean")).to_have_text("mean after the first lap")
    expect(page.get_by_test_id("verdict")).to_contain_text("This plant takes more than it delivers. So far")
    expect(page.get_by_test_id("net-power")).to_have_text(re.compile(r"\d"))


def test_a_silent_module_is_named_and_its_values_fade_and_return(page: Page, plant: SyntheticPlant) -> None:
    page.evaluate("globalThis.sameDocument = true")
    plant.wishes.module = False
    expect(page.get_by_test_id("connection")).to_contain_text("STALE")
    expect(page.get_by_test_id("missing")).to_contain_text("physics m1 (silent for")
    expect(page.get_by_test_id("mimic-overlay")).to_contain_text("no data for")
    expect(page.get_by_test_id("connection")).to_contain_text("NO DATA")
    expect(page.get_by_test_id("net-power")).to_have_text(DASH)
    expect(page.get_by_test_id("mimic-receiver")).to_have_text(f"{DASH} bar")
    expect(page.get_by_test_id("verdict")).to_contain_text("nothing can be said")
    expect(page.get_by_test_id("node-m1")).to_have_text("physics m1 missing")
    plant.wishes.module = True
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    expect(page.get_by_test_id("missing")).to_be_hidden()
    expect(page.get_by_test_id("net-power")).to_have_text(re.compile(r"\d"))
    assert page.evaluate("globalThis.sameDocument") is True


def test_a_silent_clock_locks_the_controls_and_excuses_the_others(page: Page, plant: SyntheticPlant) -> None:
    plant.wishes.clock = False
    expect(page.get_by_test_id("missing")).to_contain_text("Missing: clock (silent for")
    for name in ("start", "pause", "resume", "step", "stop", "reset", "speed", "scenario"):
        expect(page.get_by_test_id(name)).to_be_disabled()
    expect(page.get_by_test_id("node-m1")).to_have_text("physics m1 unknown")
    expect(page.get_by_test_id("mode")).to_have_text(f"MODE {DASH}")
    plant.wishes.clock = True
    expect(page.get_by_test_id("pause")).to_be_enabled()
    expect(page.get_by_test_id("missing")).to_be_hidden()


def test_a_missing_gateway_is_named_while_all_else_stays_live(page: Page, plant: SyntheticPlant) -> None:
    plant.wishes.gateway = False
    expect(page.get_by_test_id("missing")).to_have_text("Missing: gateway (never heard).")
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")


def test_trips_and_warnings_are_shown(page: Page, plant: SyntheticPlant) -> None:
    plant.wishes.overrides = {"plc": {"warnings": ["icing", "tension"]}}
    expect(page.get_by_test_id("plant-state")).to_have_text("▲ icing +1")
    plant.wishes.overrides = {"plc": {"trip": "overspeed", "state": "tripped"}}
    expect(page.get_by_test_id("plant-state")).to_have_text("▲ TRIP overspeed")
    expect(page.get_by_test_id("plc-state")).to_have_text("tripped")


def test_a_new_run_begins_new_histories(page: Page, plant: SyntheticPlant) -> None:
    page.wait_for_function("__kpp.samples > 30")
    plant.new_run()
    page.wait_for_function("__kpp.samples < 20 && __kpp.t < 1.5")
    expect(page.get_by_test_id("scenario-name")).to_contain_text(plant.run)


def test_two_users_see_each_others_commands(page: Page, browser: Browser, dashboard: Dashboard) -> None:
    other = browser.new_page()
    other.goto(dashboard.url)
    other.get_by_test_id("pause").click()
    expect(other.get_by_test_id("command-state")).to_contain_text("Pause — applied")
    expect(page.get_by_test_id("command-state")).to_contain_text(re.compile(r"dashboard-\w{4}: Pause — applied"))
    expect(page.get_by_test_id("mode")).to_have_text("PAUSED")
    other.close()


def test_the_view_freezes_zooms_and_stays_in_the_address(page: Page) -> None:
    page.get_by_test_id("o-window-10").click()
    page.get_by_test_id("line-grid.net_power").click()
    assert page.url.endswith("#window=10&hide=grid.net_power")
    page.get_by_test_id("mimic").click()
    page.keyboard.press("Space")
    expect(page.get_by_test_id("o-freeze")).to_have_attribute("aria-pressed", "true")
    drawn = page.evaluate("__kpp.mimic.drawn")
    frames = page.evaluate("__kpp.frames")
    page.wait_for_function("before => __kpp.frames > before + 5", arg=frames)
    assert page.evaluate("__kpp.mimic.drawn") <= drawn + 1
    page.get_by_test_id("o-live").click()
    expect(page.get_by_test_id("o-live")).to_be_hidden()
    over = page.get_by_test_id("plot-power").locator(".u-over")
    drag(page, over)
    expect(page.get_by_test_id("o-live")).to_be_visible()
    over.dblclick()
    expect(page.get_by_test_id("o-live")).to_be_hidden()
    page.get_by_test_id("line-grid.net_power").click()
    page.get_by_test_id("o-window-60").click()


def test_a_hidden_tab_costs_nothing_and_catches_up_without_a_gap(page: Page, dashboard: Dashboard) -> None:
    hide = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    hide += " document.dispatchEvent(new Event('visibilitychange')) }"
    page.wait_for_function("__kpp.samples > 10")
    page.evaluate(hide, True)
    # That nothing comes can only be seen by letting time pass: what is on the way first, then the silence.
    frames = page.evaluate("new Promise(done => setTimeout(() => done(__kpp.frames), 300))")
    later = page.evaluate("new Promise(done => setTimeout(() => done(__kpp.frames), 700))")
    assert later == frames
    page.evaluate(hide, False)
    page.wait_for_function("before => __kpp.frames > before + 3", arg=later)
    times = page.evaluate("__kpp.times()")
    assert max(later - earlier for earlier, later in pairwise(times)) < 0.12


def test_both_themes(page: Page) -> None:
    sheet = page.locator(".kpp", has=page.get_by_test_id("verdict"))
    expect(sheet).to_have_attribute("data-theme", "dark")
    for theme in ("light", "dark"):
        page.get_by_label("Toggle theme").click()
        expect(sheet).to_have_attribute("data-theme", theme)
        assert f"theme={theme}" in page.url, "a reload or a link keeps the theme"


def test_a_phone_shows_one_column_without_sideways_scrolling(
    browser: Browser, dashboard: Dashboard, plant: SyntheticPlant
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{dashboard.url}?theme=light")
    expect(page.locator(".kpp").first).to_have_attribute("data-theme", "light")
    expect(page.get_by_test_id("connection")).to_be_in_viewport(ratio=1)
    wide = page.locator(".sheet").evaluate("sheet => sheet.scrollWidth - sheet.clientWidth")
    assert wide <= 0
    picture, plots = page.get_by_test_id("mimic").bounding_box(), page.get_by_test_id("plot-power").bounding_box()
    assert picture is not None
    assert plots is not None
    assert plots["y"] > picture["y"] + picture["height"]
    page.close()


def test_reduced_motion_is_respected(browser: Browser, dashboard: Dashboard, plant: SyntheticPlant) -> None:
    page = browser.new_page(reduced_motion="reduce")
    page.goto(dashboard.url)
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    page.wait_for_function("__kpp.mimic.drawn > 0")
    drawn, frames = page.evaluate("[__kpp.mimic.drawn, __kpp.frames]")
    page.wait_for_function("before => __kpp.frames > before + 20", arg=frames)
    assert page.evaluate("__kpp.mimic.drawn") - drawn <= 4
    page.close()


def test_everything_is_named_and_reached_by_keyboard(page: Page) -> None:
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_focused()
    expect(page.get_by_role("img", name="the chain of floaters in the water shaft")).to_be_visible()
    expect(page.get_by_label("Speed", exact=True)).to_be_visible()
    expect(page.get_by_label("Scenario")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Kinetic Power Plant")


def test_it_survives_its_own_servers_death_with_the_view_kept(
    page: Page, dashboard: Dashboard, watch: Watch, plant: SyntheticPlant
) -> None:
    page.get_by_test_id("o-window-30").click()
    watch.expected = True  # the browser itself complains of refused connections
    dashboard.kill()
    expect(page.get_by_test_id("connection")).to_contain_text("dashboard server lost")
    expect(page.get_by_test_id("missing")).to_contain_text("own server does not answer")
    dashboard.start()
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    expect(page.get_by_test_id("o-window-30")).to_have_attribute("aria-pressed", "true")
    page.get_by_test_id("pause").click()
    expect(page.get_by_test_id("command-state")).to_contain_text("Pause — applied")
