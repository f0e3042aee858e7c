"""Every page and every control in a real browser, against a made-up plant that does whatever a test wants."""

import re
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.ui.conftest import Dashboard
from tests.ui.synthetic_plant import PARAMETERS, SyntheticPlant
from tests.watching import Watch, drag, eventually

pytestmark = pytest.mark.browser

AXE = Path(__file__).with_name("axe.min.js")
DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"

PAGES = {
    "overview": "net-power",
    "energy": "v-ledger.r_a",
    "floaters": "floater-count",
    "drivetrain": "v-generator.power",
    "pneumatics": "v-receiver.pressure",
    "control": "next-floater",
    "hypotheses": "v-hypotheses.void_fraction",
    "parameters": "field-drag_area",
    "alarms": "all-alarms-count",
    "history": "history-run",
    "runs": "runs-answer",
    "system": "s-epoch",
}
"""Every page, and something on it that a living plant fills."""


def go(page: Page, name: str) -> None:
    page.get_by_test_id(f"nav-{name}").click()
    expect(page.get_by_test_id(f"page-{name}")).to_be_visible()


@pytest.fixture(autouse=True)
def _first_page_again(page: Page) -> None:
    go(page, "overview")


def test_every_page_has_its_own_address_and_shows_the_plant(page: Page, dashboard: Dashboard) -> None:
    for name, filled in PAGES.items():
        page.evaluate("name => { location.hash = `page=${name}&window=30` }", name)
        expect(page.get_by_test_id(f"page-{name}")).to_be_visible()
        assert page.locator("[data-sheet]:visible").count() == 1
        shown = page.get_by_test_id(f"page-{name}").get_by_test_id(filled).first
        if name == "parameters":
            expect(shown).to_have_value("0.51")
        else:
            expect(shown).not_to_have_text(DASH)
        expect(page.get_by_test_id(f"nav-{name}")).to_have_attribute("aria-current", "page")
        wide = page.evaluate("document.querySelector('html').scrollWidth - innerWidth")
        assert wide <= 0, name
    page.reload()
    expect(page.get_by_test_id("page-system")).to_be_visible()
    page.get_by_test_id("nav-overview").click()
    expect(page.get_by_test_id("o-window-30")).to_have_attribute("aria-pressed", "true")
    page.go_back()
    expect(page.get_by_test_id("page-system")).to_be_visible()
    page.evaluate("location.hash = 'window=60'")


def test_pages_are_reached_by_keyboard(page: Page) -> None:
    page.get_by_test_id("nav-overview").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_test_id("nav-energy")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("page-energy")).to_be_visible()


def test_a_phone_shows_each_page_in_one_column(browser: Browser, dashboard: Dashboard, plant: SyntheticPlant) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(dashboard.url)
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    for name in PAGES:
        page.evaluate("name => { location.hash = `page=${name}` }", name)
        expect(page.get_by_test_id(f"page-{name}")).to_be_visible()
        sheet = page.locator(".sheet").evaluate("sheet => sheet.scrollWidth - sheet.clientWidth")
        assert sheet <= 0, name
        lefts = page.locator(f"[data-sheet={name}] .card:visible").evaluate_all(
            "cards => [...new Set(cards.map(card => Math.round(card.getBoundingClientRect().left)))]"
        )
        assert len(lefts) == 1 or name == "overview", f"{name} has columns at {lefts}"
    page.close()


def _axe(page: Page) -> list[str]:
    """Rules that are broken seriously, each with elements that break it."""
    findings: list[str] = page.evaluate(
        """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
        .filter(({impact}) => impact === 'serious' || impact === 'critical')
        .flatMap(({id, nodes}) => nodes.map(({html}) => `${id}: ${html.slice(0, 160)}`))"""
    )
    return findings


def _lasting(page: Page) -> list[str]:
    """Findings that stay. While axe works the page stands still, and what it shows is stale for a moment."""
    findings = set(_axe(page))
    for _ in range(4):
        if findings:
            findings &= set(_axe(page))
    return sorted(findings)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_page_has_a_serious_finding_of_axe(
    browser: Browser, dashboard: Dashboard, plant: SyntheticPlant, theme: str
) -> None:
    plant.wishes.overrides = {"plc": {"warnings": ["icing: cold"], "trip": "shaft overspeed", "state": "tripped"}}
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{dashboard.url}?theme={theme}")
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    expect(page.get_by_test_id("plant-state")).to_contain_text("TRIP")
    page.add_script_tag(path=AXE)
    found: dict[str, list[str]] = {}
    for name in PAGES:
        page.evaluate("name => { location.hash = `page=${name}` }", name)
        expect(page.get_by_test_id(f"page-{name}")).to_be_visible()
        if findings := _lasting(page):
            found[name] = findings
    plant.wishes.replay = "0007-001"  # and as a replay looks, with the plots in the past
    page.evaluate("location.hash = 'page=drivetrain'")
    page.get_by_test_id("d-scrub").fill("41")
    expect(page.get_by_test_id("connection")).to_contain_text("REPLAY")
    if findings := _lasting(page):
        found["replay"] = findings
    page.evaluate("location.hash = 'page=energy'")
    expect(page.get_by_test_id("page-energy")).to_be_visible()
    if findings := _lasting(page):
        found["energy in the past"] = findings
    page.close()
    assert found == {}


def test_the_emergency_stop_is_one_press_and_its_reset_two(page: Page, plant: SyntheticPlant) -> None:
    page.get_by_test_id("emergency-stop").click()
    expect(page.get_by_test_id("emergency-stop")).to_have_text("STOPPED IN EMERGENCY")
    expect(page.get_by_test_id("command-state")).to_contain_text("Emergency stop — applied")
    assert [command.name for command in plant.commands] == ["emergency_stop"]
    page.get_by_test_id("emergency-reset").click()
    expect(page.get_by_test_id("reset-dialog")).to_be_visible()
    page.get_by_test_id("reset-cancel").click()
    assert [command.name for command in plant.commands] == ["emergency_stop"], "nothing without the confirmation"
    page.get_by_test_id("emergency-reset").click()
    page.get_by_test_id("reset-confirm").click()
    expect(page.get_by_test_id("emergency-reset")).to_be_hidden()
    assert [command.name for command in plant.commands] == ["emergency_stop", "plant_reset"]


def test_h07_an_emergency_stop_wins_over_warnings_everywhere(page: Page, plant: SyntheticPlant) -> None:
    long = "chain tension: 95.0 kN, above 90 % of 100 kN, and more than any header has room for " * 2
    plant.wishes.overrides = {"plc": {"state": "running", "warnings": [long, "icing: cold"]}}
    expect(page.get_by_test_id("plant-state")).to_have_attribute("data-severity", "warning")
    expect(page.get_by_test_id("mode")).to_have_text("RUNNING")
    assert page.evaluate("document.querySelector('html').scrollWidth - innerWidth") <= 0
    right = page.get_by_test_id("connection").bounding_box()
    assert right is not None
    assert right["x"] + right["width"] <= 1280, "a long warning pushes nothing off the page"
    plant.wishes.overrides = {"plc": {"state": "emergency_stop", "warnings": [long, "icing: cold"]}}
    expect(page.get_by_test_id("plant-state")).to_have_text("■ EMERGENCY STOP +2")
    expect(page.get_by_test_id("plant-state")).to_have_attribute("data-severity", "trip")
    expect(page.get_by_test_id("mode")).to_have_text("RUNNING · EMERGENCY STOP")
    expect(page.get_by_test_id("mode")).to_have_attribute("data-mode", "down")
    go(page, "control")
    expect(page.get_by_test_id("trip")).to_have_text(
        "Emergency stop in force. Wait until the chain is at rest, then reset."
    )


def test_h08_after_a_reset_the_next_step_is_offered(page: Page, plant: SyntheticPlant) -> None:
    expect(page.get_by_test_id("plant-start")).to_be_hidden()
    plant.wishes.overrides = {"plc": {"state": "stopped"}}
    page.get_by_test_id("plant-start").click()
    eventually(lambda: [each.name for each in plant.commands] == ["plant_start"], 5, "the plant is started")
    assert plant.commands[0].module == "m1"


def test_orders_are_given_and_their_refusal_explained(page: Page, plant: SyntheticPlant) -> None:
    go(page, "control")
    expect(page.locator("[data-testid=sequence] .present")).to_have_attribute("data-state", "running")
    expect(page.get_by_test_id("order-plant_coast")).to_have_attribute("data-permitted", "yes")
    expect(page.get_by_test_id("order-plant_start")).to_have_attribute("data-permitted", "no")
    for order in ("plant_start", "plant_stop", "plant_coast", "plant_resume", "inject"):
        page.get_by_test_id(f"order-{order}").click()
        eventually(lambda name=order: name in [each.name for each in plant.commands], 5, order)  # type: ignore[misc]
    assert {command.module for command in plant.commands} == {"m1"}
    plant.wishes.reject = "start is not permitted while running: stop it first"
    page.get_by_test_id("order-plant_start").click()
    expect(page.get_by_test_id("command-state")).to_contain_text("not permitted while running: stop it first")


def test_interlocks_show_value_limit_and_state(page: Page, plant: SyntheticPlant) -> None:
    go(page, "control")
    row = page.get_by_test_id("interlocks").locator("tr", has_text="receiver pressure")
    expect(row).to_contain_text("7.00 bar")
    expect(row).to_have_attribute("data-state", "clear")
    plant.wishes.overrides = {
        "receiver": {"pressure": 7.2e5, "temperature": 300.0, "air_mass": 9.0},
        "plc": {"state": "tripped", "trip": "receiver pressure", "warnings": ["icing: cold"]},
    }
    expect(row).to_have_attribute("data-state", "tripped")
    expect(page.get_by_test_id("trip")).to_contain_text("Tripped: receiver pressure")
    expect(page.get_by_test_id("warnings")).to_contain_text("icing")


def test_what_is_typed_is_pending_until_it_is_applied(page: Page, plant: SyntheticPlant) -> None:
    go(page, "parameters")
    form = page.get_by_test_id("form")
    field = form.get_by_test_id("field-drag_area")
    row = form.locator("[data-field=drag_area]")
    apply = form.get_by_role("button", name="Apply")
    expect(row).to_contain_text("0 to 3")
    expect(row).to_contain_text("default 0.51")
    expect(row).to_contain_text("m²")
    field.fill("9")
    expect(row).to_contain_text("the highest value allowed is 3 m²")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(apply).to_be_disabled()
    field.fill("0.4")
    expect(row).to_have_attribute("data-pending", "yes")
    expect(row).to_contain_text("in force: 0.51")
    plant.wishes.reject = "drag_area = 0.4: not today"
    apply.click()
    expect(row).to_contain_text("not today")
    plant.wishes.reject = ""
    apply.click()
    expect(row).to_have_attribute("data-pending", "no")
    expect(field).to_have_value("0.4")
    assert plant.commands[-1].args == {"drag_area": 0.4}
    plant.changed["drag_area"] = 0.3  # somebody else's doing: it shows in an untouched form after their command
    form.get_by_test_id("field-pin_friction").fill("0.2")
    form.get_by_role("button", name="Apply").click()
    expect(field).to_have_value("0.3")
    field.fill("0.2")
    form.get_by_role("button", name="Revert").click()
    expect(field).to_have_value("0.3")
    expect(form.get_by_test_id("field-gas_constant")).to_be_disabled()
    page.get_by_test_id("find").fill("tilt")
    expect(row).to_be_hidden()
    page.get_by_test_id("find").fill("")


def test_presets_are_saved_compared_loaded_and_deleted(page: Page, plant: SyntheticPlant) -> None:
    go(page, "parameters")
    answer = page.get_by_test_id("preset-answer")
    expect(page.get_by_test_id("form").get_by_test_id("field-drag_area")).to_have_value("0.51")
    page.get_by_test_id("preset-name").fill("../evil")
    page.get_by_test_id("preset-save").click()
    expect(answer).to_contain_text("use 1 to 64 letters")
    page.get_by_test_id("preset-name").fill("as-it-was")
    page.get_by_test_id("preset-save").click()
    expect(answer).to_have_text("as-it-was is saved.")
    page.get_by_test_id("form").get_by_test_id("field-drag_area").fill("0.7")
    page.get_by_test_id("form").get_by_role("button", name="Apply").click()
    eventually(lambda: plant.changed.get("drag_area") == 0.7, 5, "the plant has it")
    expect(page.locator("[data-testid=form] [data-field=drag_area]")).to_have_attribute("data-pending", "no")
    page.get_by_test_id("preset").select_option("as-it-was")
    page.get_by_test_id("preset-compare").click()
    expect(page.get_by_test_id("preset-differences")).to_contain_text("1 of")
    expect(page.get_by_test_id("preset-differences").locator("tbody tr")).to_have_text("drag_area0.70.51")
    page.get_by_test_id("preset-load").click()
    expect(page.get_by_test_id("form").get_by_test_id("field-drag_area")).to_have_value("0.51")
    expect(answer).to_contain_text("1 values are pending")
    page.get_by_test_id("preset-reset").click()
    page.get_by_test_id("confirm-yes").click()
    expect(page.get_by_test_id("command-state")).to_contain_text("New run of reference — applied")
    assert plant.commands[-1].args["parameters"]["drag_area"] == PARAMETERS["drag_area"]
    page.get_by_test_id("preset-delete").click()
    page.get_by_test_id("confirm-yes").click()
    expect(answer).to_have_text("as-it-was is deleted.")
    page.get_by_test_id("form").get_by_role("button", name="Revert").click()


def test_a_change_is_pending_until_the_values_in_force_are_from_after_it(page: Page, plant: SyntheticPlant) -> None:
    go(page, "parameters")
    row = page.locator("[data-testid=form] [data-field=drag_area]")
    field = row.locator("input")
    differences = page.get_by_test_id("preset-differences")
    expect(field).to_have_value("0.51")
    page.get_by_test_id("preset-name").fill("before")
    page.get_by_test_id("preset-save").click()
    expect(page.get_by_test_id("preset-answer")).to_have_text("before is saved.")
    page.get_by_test_id("preset-compare").click()
    expect(differences).to_contain_text("before: 0 of")
    plant.wishes.lags = True  # as an instance that stands by and is a few ticks late
    field.fill("0.7")
    page.get_by_test_id("form").get_by_role("button", name="Apply").click()
    expect(page.get_by_test_id("command-state")).to_contain_text("drag_area = 0.7 — applied")
    expect(field).to_have_value("0.7")
    expect(row).to_have_attribute("data-pending", "yes")
    expect(differences).to_contain_text("before: 0 of")
    plant.wishes.lags = False
    expect(row).to_have_attribute("data-pending", "no")
    expect(field).to_have_value("0.7")
    expect(differences).to_contain_text("before: 1 of")  # without another press
    page.get_by_test_id("preset-delete").click()
    page.get_by_test_id("confirm-yes").click()
    expect(differences).to_be_hidden()


def test_set_points_modes_and_load_are_changed(page: Page, plant: SyntheticPlant) -> None:
    go(page, "control")
    settings = page.get_by_test_id("settings")
    settings.get_by_test_id("field-injection_mode").select_option("manual")
    settings.get_by_test_id("field-load_power").fill("2000")
    settings.get_by_role("button", name="Apply").click()
    eventually(lambda: plant.changed == {"injection_mode": "manual", "load_power": 2000}, 5, "the plant has both")
    page.get_by_test_id("until").fill("90")
    page.get_by_test_id("run-until").click()
    eventually(lambda: plant.commands[-1].args == {"t": 90}, 5, "run until")


def test_a_claim_is_switched_and_its_power_without_a_source_shown_everywhere(page: Page, plant: SyntheticPlant) -> None:
    go(page, "hypotheses")
    expect(page.get_by_test_id("h1-off")).to_have_attribute("aria-pressed", "true")
    page.get_by_test_id("h1-claimed").click()
    eventually(lambda: plant.changed == {"h1_mode": "claimed"}, 5, "the plant has it")
    plant.wishes.unsourced = 4_200.0
    plant.wishes.overrides = {
        "hypotheses": {"h1": "claimed", "unsourced_power_h1": 4_200.0, "unsourced_energy_h1": 3.6e6}
    }
    expect(page.get_by_test_id("h1-claimed")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_test_id("v-unsourced-h1")).to_have_text("4.2")
    expect(page.get_by_test_id("claim-h1")).to_have_attribute("data-unpaid", "yes")
    for name in PAGES:
        go(page, name)
        expect(page.get_by_test_id("unsourced")).to_contain_text("4.2 kW of this output has no source in the model")
    go(page, "energy")
    expect(page.get_by_test_id("sankey")).to_contain_text("No source in the model")


def test_the_ledgers_show_what_does_not_close_and_what_has_no_source(page: Page, plant: SyntheticPlant) -> None:
    go(page, "energy")
    sheet = page.get_by_test_id("page-energy")
    expect(sheet.get_by_test_id("v-meters.cop")).to_have_text("0.324")
    for name in ("ledger.r_a", "sampled.r_b", "exergy.r_c"):
        expect(sheet.get_by_test_id(f"v-{name}")).to_have_attribute("data-abnormal", "no")
    row = page.get_by_test_id("first-law").locator("[data-line-of=unsourced]")
    expect(row).to_contain_text("0.000")
    expect(row).not_to_have_class(re.compile("alarming"))
    plant.wishes.unsourced = 3_600.0
    plant.wishes.overrides = {"ledger": {"r_a": -2e-9}, "exergy": {"r_c": 2e-3}}
    expect(row).to_have_class(re.compile("alarming"))
    expect(page.get_by_test_id("second-law").locator("[data-line-of=unsourced]")).to_have_class(re.compile("alarming"))
    for name in ("ledger.r_a", "exergy.r_c"):
        expect(sheet.get_by_test_id(f"v-{name}")).to_have_attribute("data-abnormal", "yes")


def test_energy_is_scrubbed_back_to_what_the_recorder_has(
    page: Page, plant: SyntheticPlant, dashboard: Dashboard, tmp_path: Path
) -> None:
    with dashboard.recorder(tmp_path):
        go(page, "energy")
        bar, moment = page.get_by_test_id("e-range"), page.get_by_test_id("e-moment")
        sheet, flow = page.get_by_test_id("page-energy"), page.get_by_test_id("flow-sum")
        grid = page.get_by_test_id("first-law").locator("[data-line-of=grid] td").first
        cop = sheet.get_by_test_id("v-meters.cop")
        plant.wishes.laps = False
        plant.wishes.overrides = {"powers": {"compressor": 10e3}}
        before = plant.t
        eventually(lambda: plant.t > before + 3.0, 20, "3 s at 10 kW")
        plant.wishes.laps = True
        plant.wishes.overrides = {"powers": {"compressor": 30e3}, "ledger": {"r_a": -2e-9}}
        change = plant.t
        eventually(lambda: plant.t > change + 2.5, 20, "2.5 s at 30 kW")
        expect(flow).to_contain_text("from the grid 30.0 kW")
        expect(cop).to_have_text("0.324")

        page.get_by_test_id("e-scrub").fill(f"{change - 0.2:.2f}")
        expect(moment).to_contain_text(f"at {change - 0.2:.2f} s of run {plant.run}")
        expect(flow).to_contain_text("from the grid 10.0 kW")
        expect(grid).to_have_text(f"{14_450.0 * (change - 0.2) / 3.6e6:.3f}")
        expect(cop).to_have_text(DASH)  # there was none yet
        expect(sheet.get_by_test_id("v-ledger.r_a")).to_have_attribute("data-abnormal", "no")
        expect(bar).to_contain_text("past, at 4")
        expect(sheet).to_have_attribute("data-past", "yes")

        page.get_by_test_id("e-scrub").fill(f"{change + 1.0:.2f}")  # half of the two seconds before it at each power
        expect(moment).to_contain_text(f"at {change + 1.0:.2f} s")
        expect(flow).to_contain_text(re.compile(r"from the grid (19\.[5-9]|20\.[0-5]) kW"))
        expect(cop).to_have_text("0.324")
        expect(sheet.get_by_test_id("v-ledger.r_a")).to_have_attribute("data-abnormal", "yes")

        page.get_by_test_id("e-scrub").fill("1")  # before the recorder was there
        expect(bar).to_have_text("nothing is recorded at this moment")
        expect(moment).to_have_text("Past: there are no numbers of this moment.")
        expect(grid).to_have_text(DASH)
        expect(page.get_by_test_id("sankey")).to_be_empty()
    page.get_by_test_id("e-live").click()
    expect(moment).to_be_hidden()
    expect(flow).to_contain_text("from the grid 30.0 kW")
    expect(sheet).to_have_attribute("data-past", "no")


def test_the_floaters_add_up_to_the_plant(page: Page, plant: SyntheticPlant) -> None:
    go(page, "floaters")
    rows = page.get_by_test_id("floater-table").locator("tbody tr")
    expect(rows).to_have_count(int(PARAMETERS["floater_count"]))
    expect(rows.first.locator("td").nth(3)).to_have_text(re.compile(r"^\d+\.\d$"))
    expect(page.get_by_test_id("force-sum")).to_contain_text("Sum of the table")
    expect(page.get_by_test_id("profile-fill").locator("canvas")).to_be_visible()
    page.get_by_test_id("f-freeze").click()  # held, and nobody there who could tell of that moment
    expect(page.get_by_test_id("f-range")).to_contain_text("did not answer")
    page.get_by_test_id("f-live").click()
    expect(rows).to_have_count(int(PARAMETERS["floater_count"]))
    profile = page.get_by_test_id("profile-fill")
    drag(page, profile.locator(".u-over"))
    expect(profile).to_have_attribute("data-zoomed", "yes")
    profile.locator(".u-over").dblclick()
    expect(profile).to_have_attribute("data-zoomed", "no")


@pytest.mark.timeout(700)  # eleven plants until they have settled: half a minute of a processor that others use too
def test_the_comparison_of_claims_follows_the_parameters_in_force(page: Page, plant: SyntheticPlant) -> None:
    go(page, "hypotheses")
    answer = page.get_by_test_id("compare-answer")
    expect(answer).to_contain_text("With the parameters in force", timeout=600_000)
    claims = page.get_by_test_id("claims")
    expect(claims).to_have_attribute("data-old", "no")
    side = page.get_by_test_id("sides-h1").locator("tbody tr")
    number = re.compile(rf"^{MINUS}?\d+\.\d\d$")
    for column in range(4):  # off, physical, claimed, and the running plant
        expect(side.filter(has_text="Net power").locator("td").nth(column)).to_have_text(number)
    expect(side.filter(has_text="Gain").locator("td").nth(0)).to_have_text("0.00")
    expect(side.filter(has_text="Without a source").locator("td").nth(1)).to_have_text("0.00")
    expect(side.filter(has_text="Without a source").locator("td").nth(2)).to_have_attribute("data-unpaid", "yes")
    page.get_by_test_id("h1-physical").click()
    eventually(lambda: plant.changed == {"h1_mode": "physical"}, 5, "the plant has it")
    expect(claims).to_have_attribute("data-old", "no")  # which claims are on makes no difference to it
    go(page, "parameters")
    page.get_by_test_id("form").get_by_test_id("field-drag_area").fill("0.7")
    page.get_by_test_id("form").get_by_role("button", name="Apply").click()
    eventually(lambda: plant.changed.get("drag_area") == 0.7, 5, "the plant has it")
    go(page, "hypotheses")
    expect(answer).to_contain_text("Computing eleven plants with the parameters in force")
    expect(claims).to_have_attribute("data-old", "yes")


def test_alarms_are_active_acknowledged_and_cleared(page: Page, plant: SyntheticPlant) -> None:
    expect(page.get_by_test_id("alarms-empty")).to_be_visible()
    icing = {"warnings": ["icing: coldest pocket at 261 K, below 273.15 K"], "warning_limits": ["273.15 K"]}
    plant.wishes.overrides = {"plc": icing}
    alarm = page.get_by_test_id("page-overview").get_by_test_id("alarm-m1.icing")
    expect(alarm).to_contain_text("FIRST OUT · active, not acknowledged")
    expect(alarm).to_contain_text("limit 0 °C")
    expect(alarm.locator(".how")).to_be_visible()
    expect(alarm).to_contain_text(re.compile(r"\d+\.\d\d s"))
    limits = ["273.15 K", "90000 N"]
    plant.wishes.overrides["plc"] = {"warnings": ["icing: 261 K", "tension: high"], "warning_limits": limits}
    second = page.get_by_test_id("page-overview").get_by_test_id("alarm-m1.tension")
    expect(second).not_to_contain_text("FIRST OUT")
    expect(second).to_contain_text("limit 90 kN")
    alarm.get_by_role("button").click()
    expect(alarm).to_contain_text(re.compile(r"active, acknowledged, acknowledged by dashboard-\w{4}"))
    assert (plant.commands[-1].module, plant.commands[-1].name) == ("clock", "acknowledge")
    assert plant.commands[-1].args == {"alarm": "m1.icing"}, "the same command as over REST"
    plant.wishes.overrides = {}
    expect(alarm).to_be_hidden()
    expect(second).to_contain_text("cleared, not acknowledged")
    expect(page.get_by_test_id("nav-alarms")).to_contain_text("1")
    go(page, "alarms")
    page.get_by_test_id("all-alarms-ack-all").click()
    expect(page.get_by_test_id("all-alarms-empty")).to_be_visible()


def test_a_new_alarm_rings_if_asked_to(page: Page, plant: SyntheticPlant) -> None:
    # Opening a device in the page's own thread can take any time: the page must not wait for one.
    page.evaluate("() => { globalThis.AudioContext = class { constructor() { throw new Error('no device') } } }")
    before = page.evaluate("__kpp.rung()")
    page.get_by_test_id("alarms-sound").check()
    plant.wishes.overrides = {"plc": {"warnings": ["icing: cold"]}}
    page.wait_for_function("before => __kpp.rung() > before", arg=before)
    page.get_by_test_id("alarms-sound").uncheck()


def test_old_values_are_greyed_within_a_second_on_every_page(page: Page, plant: SyntheticPlant) -> None:
    go(page, "drivetrain")
    value = page.get_by_test_id("page-drivetrain").get_by_test_id("v-chain.speed")
    expect(value).to_have_css("opacity", "1")
    plant.wishes.module = False
    page.wait_for_function("__kpp.state === 'stale'")
    age = page.evaluate("__kpp.age")
    assert 1.0 <= age < 1.5, "stale from one second on"
    expect(value).to_have_css("opacity", "0.55")
    expect(page.locator(".kpp[data-freshness]")).to_have_css("opacity", "1")  # orders and pages are no values
    expect(page.get_by_test_id("connection")).to_contain_text(re.compile(r"STALE.*s old"))
    expect(page.get_by_test_id("missing")).to_contain_text("physics m1")
    expect(value).to_have_text(DASH)
    plant.wishes.module = True
    expect(value).to_have_css("opacity", "1")


def test_a_replay_is_marked_on_every_page(page: Page, plant: SyntheticPlant) -> None:
    plant.wishes.replay = "0007-001"
    for name in PAGES:
        go(page, name)
        expect(page.get_by_test_id("replay")).to_have_text("REPLAY of run 0007-001: recorded, not live")
    expect(page.get_by_test_id("connection")).to_contain_text("REPLAY")
    expect(page.get_by_test_id("replay-controls")).to_be_visible()
    plant.wishes.replay = ""
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    expect(page.get_by_test_id("replay")).to_be_hidden()


def test_the_system_page_counts_restarts_and_sets_the_policy(page: Page, plant: SyntheticPlant) -> None:
    go(page, "system")
    row = page.get_by_test_id("peer-m1")
    expect(row.locator("td").nth(3)).to_have_text("0")
    plant.wishes.restarts = 20  # whatever the page has heard of itself
    expect(row.locator("td").nth(3)).to_have_text("20")
    plant.wishes.restarts = None
    expect(row.locator("td").nth(3)).to_have_text(DASH)
    expect(row.locator("td").nth(5)).to_have_text("3")  # messages that wait in it
    expect(page.get_by_test_id("s-late")).to_have_text("0.05 / 0.20 / 0.40 ms")
    expect(page.get_by_test_id("h-late")).to_contain_text("< 0.5 ms")
    page.get_by_test_id("policy").select_option("catch_up")
    eventually(lambda: plant.commands[-1:] and plant.commands[-1].args == {"policy": "catch_up"}, 5, "the policy")
    expect(page.get_by_test_id("s-recorder")).to_contain_text("did not answer")


def test_thirty_closed_sessions_leave_nothing_behind(page: Page, browser: Browser, dashboard: Dashboard) -> None:
    most = 2  # the open page, and the last one closed, which the loop's context still names

    def held() -> int:
        health = dashboard.health()
        assert health is not None
        return int(health["metrics"]["documents"])

    for _ in range(24):  # visitors who leave before the page has loaded: a browser for each would take a minute
        with urllib.request.urlopen(dashboard.url, timeout=60) as answer:  # noqa: S310  # our own address
            assert answer.status == 200
    others = [browser.new_page() for _ in range(6)]
    for other in others:
        other.goto(dashboard.url, wait_until="commit")
    assert held() >= 6
    for other in others:
        expect(other.get_by_test_id("connection")).to_contain_text("LIVE")
        other.close()
    eventually(lambda: held() <= most, 30, "the documents of closed pages are gone")


def test_a_page_that_is_slow_to_load_gets_a_new_session_and_asks_no_other_host(
    browser: Browser, dashboard: Dashboard, plant: SyntheticPlant
) -> None:
    slow = browser.new_page(color_scheme="dark")
    watch = Watch(slow)

    def late(route: Route) -> None:
        time.sleep(6)  # longer than the server keeps a session that no page has come to
        route.continue_()

    slow.route("**/bokeh.min.js*", late)
    slow.goto(dashboard.url)
    expect(slow.get_by_test_id("connection")).to_contain_text("LIVE")
    slow.get_by_label("Toggle theme").click()
    expect(slow.locator(".kpp").first).to_have_attribute("data-theme", "light")
    assert watch.complaints == []
    slow.close()
