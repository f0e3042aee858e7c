"""What every page says of now, in a real browser: nothing moves for it, the worst wins, and nothing is lost unasked."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.conftest import Dashboard
from tests.ui.synthetic_plant import SyntheticPlant
from tests.ui.test_pages import PAGES, go
from tests.watching import PAGE_PATIENCE, eventually

pytestmark = pytest.mark.browser

LONG = "chain tension: 95.0 kN, above 90 % of 100 kN, and more than any header has room for " * 2
PLACES = """() => Object.fromEntries([...document.querySelectorAll('*')].flatMap(function inside(element) {
    const below = element.shadowRoot ? [...element.shadowRoot.querySelectorAll('*')].flatMap(inside) : [];
    if (!element.matches('button, select, input, nav a, .node, .facts dd')) return below;
    if (element.closest('.notices, .next, dialog') || !element.getClientRects().length) return below;
    const {x, y, width, height} = element.getBoundingClientRect();
    const name = element.dataset.testid ?? element.previousElementSibling?.textContent ?? element.textContent;
    return [[name, [x, y, width, height]], ...below];
}))"""
"""Where every control is, and every fact about the run."""

LEAST = 3.0
"""Pixels below which nothing counts as moved: digits of other numbers are a little wider."""

STEADY_LOOKS = 50
"""Most looks until a page that has just been opened is laid out."""

Places = dict[str, list[float]]


@pytest.fixture(autouse=True)
def _first_page_again(page: Page) -> None:
    go(page, "overview")


def _places(page: Page) -> Places:
    """Where everything is once the fonts are there and two looks, some frames apart, find nothing moved."""
    page.evaluate("document.fonts.ready.then(() => true)")
    found: Places = page.evaluate(PLACES)
    for _ in range(STEADY_LOOKS):
        page.evaluate("new Promise((done) => setTimeout(() => requestAnimationFrame(done), 200))")
        if not _moved(page, found):
            break
        found = page.evaluate(PLACES)
    return found


def _moved(page: Page, before: Places) -> dict[str, tuple[list[float], list[float]]]:
    now: Places = page.evaluate(PLACES)
    return {
        name: (place, now[name])
        for name, place in before.items()
        if name in now and any(abs(a - b) > LEAST for a, b in zip(place, now[name], strict=True))
    }


@pytest.mark.parametrize("name", ["overview", "control", "alarms", "history"])
@pytest.mark.parametrize("size", [(1366, 768), (1280, 720), (390, 844)])
def test_no_control_moves_when_a_notice_comes_or_goes(
    browser: Browser, dashboard: Dashboard, plant: SyntheticPlant, size: tuple[int, int], name: str
) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(PAGE_PATIENCE)
    page.goto(f"{dashboard.url}#page={name}")
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    expect(page.get_by_test_id(f"page-{name}")).to_be_visible()
    page.wait_for_function("__kpp.samples > 20")
    before = _places(page)
    assert {"start", "emergency-stop", "speed", "nav-alarms"} <= before.keys()
    plant.wishes.gateway = False
    expect(page.get_by_test_id("missing")).to_be_visible()
    assert _moved(page, before) == {}, "a node is missing"
    plant.wishes.unsourced = 4_200.0
    expect(page.get_by_test_id("unsourced")).to_be_visible()
    assert _moved(page, before) == {}, "energy without a source"
    plant.wishes.reject = "the run is held: " + LONG
    page.get_by_test_id("pause").click()
    expect(page.get_by_test_id("refusal")).to_contain_text("Pause was rejected: the run is held: chain tension")
    assert _moved(page, before) == {}, "a refusal"
    page.get_by_test_id("refusal-close").click()
    expect(page.get_by_test_id("refusal")).to_be_hidden()
    plant.wishes.reject = ""
    plant.wishes.unsourced = 0.0
    plant.wishes.gateway = True
    plant.wishes.overrides = {"plc": {"state": "stopped"}}
    expect(page.get_by_test_id("plant-start")).to_be_visible()
    assert _moved(page, before) == {}, "the next step is offered"
    page.close()


@pytest.mark.parametrize("size", [(1280, 720), (1366, 768), (390, 844)])
def test_h07_whatever_is_wrong_connection_and_theme_stay_in_the_header(
    browser: Browser, dashboard: Dashboard, plant: SyntheticPlant, size: tuple[int, int]
) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(PAGE_PATIENCE)
    page.goto(dashboard.url)
    for plc in (
        {"state": "running", "warnings": [LONG, "icing: cold"]},
        {"state": "emergency_stop", "warnings": [LONG]},
        {"state": "tripped", "trip": "overspeed " * 4, "warnings": [LONG]},
        {"state": "stopped", "warnings": [LONG]},
    ):
        plant.wishes.overrides = {"plc": plc}
        worst = {"emergency_stop": "EMERGENCY STOP", "tripped": "TRIPPED", "stopped": "PLANT STOPPED"}
        expect(page.get_by_test_id("mode")).to_have_text(re.compile(worst.get(str(plc["state"]), "RUNNING")))
        for part in (page.get_by_test_id("connection"), page.get_by_label("Toggle theme")):
            expect(part).to_be_in_viewport(ratio=1)
        assert page.evaluate("document.querySelector('html').scrollWidth - innerWidth") <= 0
    plant.wishes.overrides = {"plc": {"state": "running", "warnings": [LONG, "icing: cold"]}}
    expect(page.get_by_test_id("mode")).to_have_text("RUNNING")
    if size[0] == 390:
        expect(page.get_by_test_id("plant-state")).to_have_attribute("data-count", "2")
        expect(page.get_by_test_id("plant-state")).to_be_in_viewport(ratio=1)
        assert page.get_by_test_id("plant-state").evaluate("chip => chip.scrollWidth - chip.clientWidth") <= 0
    page.close()


def test_h08_after_the_reset_of_a_trip_every_part_says_how_it_goes_on(page: Page, plant: SyntheticPlant) -> None:
    page.get_by_test_id("emergency-stop").click()
    expect(page.get_by_test_id("mode")).to_have_text("RUNNING · EMERGENCY STOP")
    page.get_by_test_id("emergency-reset").click()
    expect(page.get_by_test_id("reset-dialog")).to_contain_text("Reset the trip?")
    page.get_by_test_id("reset-confirm").click()
    expect(page.get_by_test_id("command-state")).to_contain_text("Reset trip — applied")
    expect(page.get_by_test_id("mode")).to_have_text("RUNNING · PLANT STOPPED")
    expect(page.get_by_test_id("start")).to_be_disabled()
    expect(page.get_by_test_id("start")).to_have_attribute(
        "title", "simulated time is running, but the plant stands still: press Start plant, above"
    )
    page.get_by_test_id("pause").click()
    expect(page.get_by_test_id("plant-start")).to_be_enabled()
    page.get_by_test_id("plant-start").click()
    eventually(lambda: plant.commands[-1].name == "plant_start", 5, "the plant is started")


def test_h09_stopping_and_a_new_run_ask_first_and_say_what_comes(page: Page, plant: SyntheticPlant) -> None:
    asked = page.get_by_test_id("confirm")
    expect(page.get_by_test_id("reset")).to_have_text("New run")
    for control, title, action in (
        ("stop", "Stop this run?", "Stop the run"),
        ("reset", "Begin a new run?", "New run"),
    ):
        page.get_by_test_id(control).click()
        expect(asked).to_contain_text(title)
        expect(asked).to_contain_text(re.compile(rf"Run {plant.run} ends at \d+\.\d\d s and cannot be resumed"))
        expect(page.get_by_test_id("confirm-yes")).to_have_text(action)
        page.get_by_test_id("confirm-no").click()
        expect(asked).to_be_hidden()
        page.get_by_test_id(control).click()
        page.keyboard.press("Escape")
        expect(asked).to_be_hidden()
    assert plant.commands == [], "nothing without the confirmation"
    expect(page.get_by_test_id("start")).to_have_text("Start")
    page.get_by_test_id("stop").click()
    page.get_by_test_id("confirm-yes").click()
    expect(page.get_by_test_id("start")).to_have_text("Start new run")
    expect(page.get_by_test_id("start")).to_have_attribute("title", re.compile("begin a new run .* at 0 s"))
    page.get_by_test_id("reset").click()  # of a run that has ended nothing is lost
    expect(page.get_by_test_id("command-state")).to_contain_text("New run of reference — applied")
    expect(page.get_by_test_id("start")).to_have_text("Start")
    assert [command.name for command in plant.commands] == ["stop", "reset"]


def test_h09_a_preset_is_overwritten_or_deleted_only_when_confirmed(page: Page, plant: SyntheticPlant) -> None:
    go(page, "parameters")
    answer = page.get_by_test_id("preset-answer")
    name = page.get_by_test_id("preset-name")
    expect(page.get_by_test_id("form").get_by_test_id("field-drag_area")).to_have_value("0.51")
    name.fill("kept")
    page.get_by_test_id("preset-save").click()
    expect(answer).to_have_text("kept is saved.")
    page.get_by_test_id("preset-save").click()
    expect(page.get_by_test_id("confirm")).to_contain_text("Overwrite the preset kept?")
    page.get_by_test_id("confirm-no").click()
    expect(answer).to_have_text("kept stays as it was.")
    page.get_by_test_id("preset-save").click()
    page.get_by_test_id("confirm-yes").click()
    expect(answer).to_have_text("kept is saved.")
    page.get_by_test_id("preset-delete").click()
    expect(page.get_by_test_id("confirm")).to_contain_text("Delete the preset kept?")
    page.get_by_test_id("confirm-no").click()
    expect(page.get_by_test_id("preset")).to_have_value("kept")
    for begins in ("preset-fork", "preset-reset"):
        page.get_by_test_id(begins).click()
        expect(page.get_by_test_id("confirm")).to_contain_text(f"Run {plant.run} ends")
        page.get_by_test_id("confirm-no").click()
    page.get_by_test_id("preset-delete").click()
    page.get_by_test_id("confirm-yes").click()
    expect(answer).to_have_text("kept is deleted.")
    assert plant.commands == []


def test_m_values_are_greyed_and_nothing_is_live_while_the_clock_is_silent(page: Page, plant: SyntheticPlant) -> None:
    plant.wishes.ticks = False  # states still come, of a module that works off what it had
    connection = page.get_by_test_id("connection")
    expect(connection).to_contain_text(re.compile(r"STALE clock silent for \d"))
    expect(page.get_by_test_id("missing")).to_contain_text("Missing: clock")
    expect(page.get_by_test_id("missing")).to_contain_text("The values shown are out of date and greyed out.")
    expect(page.locator("[data-card=net-power] p").first).to_have_css("opacity", "0.5")
    expect(page).to_have_title(f"CLOCK SILENT · run {plant.run} · Kinetic Power Plant")
    plant.wishes.ticks = True
    expect(connection).to_contain_text("LIVE")
    expect(page.locator("[data-card=net-power] p").first).to_have_css("opacity", "1")


def test_the_tab_tells_run_and_state(page: Page, plant: SyntheticPlant) -> None:
    expect(page).to_have_title(f"RUNNING · run {plant.run} · Kinetic Power Plant")
    plant.wishes.overrides = {"plc": {"trip": "overspeed", "state": "tripped"}}
    expect(page).to_have_title(f"▲ TRIPPED · run {plant.run} · Kinetic Power Plant")


def test_the_space_bar_freezes_after_a_click_and_presses_what_the_keyboard_chose(
    page: Page, plant: SyntheticPlant
) -> None:
    freeze = page.get_by_test_id("o-freeze")
    page.get_by_test_id("line-grid.net_power").click()
    page.get_by_test_id("line-grid.net_power").click()
    page.keyboard.press("Space")
    expect(freeze).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")
    expect(freeze).to_have_attribute("aria-pressed", "false")
    page.get_by_test_id("pause").focus()
    page.keyboard.press("Space")
    expect(page.get_by_test_id("mode")).to_have_text("PAUSED")
    expect(freeze).to_have_attribute("aria-pressed", "false")


def test_an_address_of_no_page_says_so(page: Page) -> None:
    page.evaluate("location.hash = 'page=turbine'")
    expect(page.get_by_test_id("page-unknown")).to_be_visible()
    expect(page.get_by_test_id("unknown")).to_contain_text('"turbine", which does not exist')
    assert page.locator("[data-sheet]:visible").count() == 1
    assert page.locator("nav a[aria-current=page]").count() == 0
    for name in PAGES:
        expect(page.get_by_test_id(f"nav-{name}")).to_be_visible()


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_systems_choice_of_a_theme_is_heeded_until_somebody_chooses(
    browser: Browser, dashboard: Dashboard, plant: SyntheticPlant, system: str
) -> None:
    other = "dark" if system == "light" else "light"
    page = browser.new_page(color_scheme=system)  # type: ignore[arg-type]  # one of the two
    page.set_default_timeout(PAGE_PATIENCE)
    page.goto(dashboard.url)
    sheet = page.locator(".kpp", has=page.get_by_test_id("verdict"))
    expect(sheet).to_have_attribute("data-theme", system)
    assert "theme=" not in page.url
    page.emulate_media(color_scheme=other)  # type: ignore[arg-type]  # one of the two
    expect(sheet).to_have_attribute("data-theme", other)
    page.emulate_media(color_scheme=system)  # type: ignore[arg-type]  # one of the two
    expect(sheet).to_have_attribute("data-theme", system)
    page.get_by_label("Toggle theme").click()
    expect(sheet).to_have_attribute("data-theme", other)
    assert f"theme={other}" in page.url
    page.reload()
    expect(sheet).to_have_attribute("data-theme", other)
    page.goto(f"{dashboard.url}?theme={other}")
    expect(sheet).to_have_attribute("data-theme", other)
    page.close()


def test_a_page_loads_the_bundle_once_and_opens_one_stream(
    browser: Browser, dashboard: Dashboard, plant: SyntheticPlant
) -> None:
    page = browser.new_page()
    page.set_default_timeout(PAGE_PATIENCE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.goto(dashboard.url)
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    page.wait_for_function("__kpp.samples > 10")
    assert sum(url.endswith("/stream") for url in asked) == 1
    assert sum(url.endswith("dashboard.js") for url in asked) == 1
    page.close()
