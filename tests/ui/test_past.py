"""Looking back in a real browser: what is shown is of the run that is named, and stays without a recorder too."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import Dashboard
from tests.ui.synthetic_plant import SyntheticPlant
from tests.ui.test_pages import go
from tests.watching import eventually

pytestmark = pytest.mark.browser

MINUS = "\N{MINUS SIGN}"
DISTINCT = 60.0
"""Least distance of two colours in red, green and blue of 0 to 255 that people tell apart."""


@pytest.fixture(autouse=True)
def _first_page_again(page: Page) -> None:
    go(page, "overview")


def _recorded(page: Page, plant: SyntheticPlant) -> None:
    """Wait until History shows the present run."""
    page.wait_for_function("run => __kpp.history?.run === run && __kpp.history.bins > 5", arg=plant.run)


def test_h10_history_shows_no_curve_of_another_run_than_it_names(
    page: Page, plant: SyntheticPlant, dashboard: Dashboard, tmp_path: Path
) -> None:
    with dashboard.recorder(tmp_path):
        old = plant.run
        before = plant.t
        eventually(lambda: plant.t > before + 2, 20, "two seconds are recorded")
        go(page, "history")
        _recorded(page, plant)
        canvas = page.get_by_test_id("history-plot").locator("canvas")
        expect(canvas).to_be_visible()
        plant.wishes.module = False  # the run that begins has no states
        plant.new_run()
        plant.mode = "stopped"
        expect(page.get_by_test_id("history-answer")).to_contain_text(plant.run)
        expect(canvas).to_have_count(0)
        go(page, "overview")
        go(page, "history")
        page.get_by_test_id("history-choose").select_option(old)
        page.wait_for_function("run => __kpp.history?.run === run && __kpp.history.bins > 5", arg=old)
        expect(page.get_by_test_id("history-run")).to_have_text(f"run {old}, recorded")
        expect(canvas).to_be_visible()
        page.get_by_test_id("history-live").click()
        expect(page.get_by_test_id("history-run")).to_have_text(f"run {plant.run}, following")
        expect(canvas).to_have_count(0)
        assert page.evaluate("__kpp.history.bins") == 0
        expect(page.get_by_test_id("history-answer")).to_contain_text(
            f"nothing is recorded of module 'm1' in run {plant.run}"
        )
        plant.wishes.module = True
        plant.mode = "running"
        _recorded(page, plant)
        expect(canvas).to_be_visible()


def test_h10_channels_have_colours_and_axes_of_their_own_and_are_read_at_the_pointer(
    page: Page, plant: SyntheticPlant, dashboard: Dashboard, tmp_path: Path
) -> None:
    with dashboard.recorder(tmp_path):
        before = plant.t
        eventually(lambda: plant.t > before + 1, 20, "a second is recorded")
        go(page, "history")
        _recorded(page, plant)
        add, answer = page.get_by_test_id("channel-add"), page.get_by_test_id("history-answer")
        for name in ("grid.net_power", "chain.speed", "receiver.temperature", "powers.shaft", "grid.frequency"):
            add.fill(name)
            add.press("Enter")
            if name == "grid.frequency":
                expect(answer).to_contain_text("grid.frequency has the unit Hz, and the plot has no more than 4 axes")
            else:
                page.wait_for_function("name => __kpp.history.channels.includes(name)", arg=name)
        add.fill("compressor.power")
        add.press("Enter")
        page.wait_for_function("__kpp.history.channels.length === 8")
        for theme in ("dark", "light"):
            expect(page.locator(".kpp", has=page.get_by_test_id("history-plot"))).to_have_attribute("data-theme", theme)
            colours = (
                page.get_by_test_id("channel-list")
                .locator("i")
                .evaluate_all(
                    "lines => lines.map(line => getComputedStyle(line).backgroundColor.match(/\\d+/g).map(Number))"
                )
            )
            assert len(colours) == 8
            near = [
                (i, j)
                for i, a in enumerate(colours)
                for j, b in enumerate(colours[:i])
                if sum((x - y) ** 2 for x, y in zip(a[:3], b[:3], strict=True)) ** 0.5 < DISTINCT
            ]
            assert near == [], theme
            page.get_by_label("Toggle theme").click()
        page.get_by_test_id("history-pause").click()
        page.get_by_test_id("history-plot").locator(".u-over").hover()
        expect(page.get_by_test_id("history-readout")).to_have_text(
            re.compile(r"^at \d+\.\d{3} s: grid\.import_power \d+\.\d{3} kW · .*chain\.speed 0\.3\d\d m/s")
        )
        # Of an address that asks for more, the rest is named.
        page.evaluate("location.hash += ',grid.frequency'")
        page.evaluate("location.hash = location.hash.replace('powers.shaft', 'no.such')")
        page.get_by_test_id("history-live").click()
        expect(answer).to_contain_text("no.such: not recorded in this run. grid.frequency: no axis left for Hz.")
        expect(page.get_by_test_id("channel-list")).to_contain_text("grid.frequency, not drawn")
    page.evaluate("location.hash = 'page=overview'")


def test_m_a_frozen_view_stays_when_the_recorder_has_nothing_of_it(page: Page, plant: SyntheticPlant) -> None:
    page.wait_for_function("__kpp.samples > 30")
    page.get_by_test_id("o-freeze").click()
    expect(page.get_by_test_id("o-range")).to_have_text(re.compile(r"^the recorder at \S+ did not answer"))
    for line in ("grid.import_power", "receiver.pressure", "chain.speed"):
        expect(page.get_by_test_id(f"line-{line}")).to_have_text(re.compile(r"^\d+\.\d+$"))
    go(page, "energy")
    expect(page.get_by_test_id("e-moment")).to_contain_text(
        re.compile(r"^Held at \d+\.\d\d s: the last that this page has heard")
    )
    grid = page.get_by_test_id("first-law").locator("[data-line-of=grid] td").first
    expect(grid).to_have_text(re.compile(r"^\d\.\d{3}$"))
    held = grid.inner_text()
    go(page, "floaters")
    expect(page.get_by_test_id("floater-count")).to_contain_text("as this page has it")
    expect(page.get_by_test_id("floater-table").locator("tbody tr").first).to_be_visible()
    go(page, "energy")
    expect(grid).to_have_text(held)
    page.get_by_test_id("e-live").click()
    expect(page.get_by_test_id("e-moment")).to_be_hidden()


def test_no_plot_begins_before_the_run(page: Page, plant: SyntheticPlant) -> None:
    plant.new_run()
    page.wait_for_function("__kpp.t > 0.5 && __kpp.t < 20")
    page.get_by_test_id("o-freeze").click()
    expect(page.get_by_test_id("o-freeze")).to_have_attribute("aria-pressed", "true")
    with page.expect_download() as saved:
        page.get_by_test_id("o-csv").click()
    rows = Path(saved.value.path()).read_text().splitlines()[1:]
    assert rows
    assert min(float(row.split(",")[0]) for row in rows) >= 0
    page.get_by_test_id("o-live").click()


def test_the_same_moment_reads_the_same_everywhere(page: Page, plant: SyntheticPlant) -> None:
    plant.t = 4104.0
    plant.mode = "paused"
    plant.wishes.overrides = {
        "plc": {"warnings": ["icing: coldest pocket at 260.65 K, below 273.15 K"], "warning_limits": ["273.15 K"]}
    }
    expect(page.get_by_test_id("sim-time")).to_have_text("4104.00 s")
    expect(page.get_by_test_id("sim-time")).to_have_attribute("title", "1:08:24 h")
    alarm = page.get_by_test_id("page-overview").get_by_test_id("alarm-m1.icing")
    expect(alarm).to_contain_text("4104.00 s · limit 0 °C")
    expect(alarm).to_contain_text(f"coldest pocket at {MINUS}12.5 °C, below 0 °C")
    expect(page.get_by_test_id("plant-state")).to_contain_text(f"{MINUS}12.5 °C")
    page.get_by_test_id("step").click()
    expect(page.get_by_test_id("command-state")).to_contain_text(re.compile(r"applied at 4104\.0\d s"))
    page.get_by_test_id("o-freeze").click()
    expect(page.get_by_test_id("o-freeze")).to_have_attribute("aria-pressed", "true")
    page.get_by_test_id("o-live").click()


def test_a_decimal_comma_is_explained_and_a_late_moment_refused(page: Page, plant: SyntheticPlant) -> None:
    go(page, "parameters")
    row = page.locator("[data-testid=form] [data-field=drag_area]")
    row.locator("input").fill("0,3")
    expect(row).to_contain_text("write a decimal point: 0.3")
    page.get_by_test_id("form").get_by_role("button", name="Revert").click()
    go(page, "control")
    for text, why in (
        ("90,5", "write a decimal point: 90.5"),
        ("", "give a time in seconds"),
        ("1", "give a time later than now"),
    ):
        page.get_by_test_id("until").fill(text)
        page.get_by_test_id("run-until").click()
        expect(page.get_by_test_id("until-why")).to_contain_text(why)
    assert plant.commands == []


def test_a_fork_says_from_when_its_accounts_count(page: Page, plant: SyntheticPlant) -> None:
    expect(page.get_by_test_id("energy-since")).to_have_text("Energy since the start")
    plant.scenario = "fork:0001-001@1200"
    expect(page.get_by_test_id("energy-since")).to_have_text(
        "Energy since the start of run 0001-001, which this one was forked from"
    )
    go(page, "energy")
    expect(page.get_by_test_id("first-law").locator("caption")).to_have_text(
        "First law since the start of run 0001-001, which this one was forked from, kWh"
    )
    plant.wishes.overrides = {"ledger": {"rebuilt": -500.0}}
    go(page, "overview")
    expect(page.get_by_test_id("energy-since")).to_have_text("Energy since the fork, with another machine")


def test_a_replay_takes_no_change_and_says_so(page: Page, plant: SyntheticPlant) -> None:
    plant.wishes.replay = "0007-001"
    go(page, "parameters")
    form = page.get_by_test_id("form")
    expect(form.get_by_role("button", name="Apply")).to_be_disabled()
    expect(form.locator("[data-role=summary]")).to_contain_text("This is a replay: what is recorded cannot be changed")
    expect(form.get_by_test_id("field-drag_area")).to_be_disabled()
    for name in ("preset-fork", "preset-reset"):
        expect(page.get_by_test_id(name)).to_be_disabled()
    go(page, "control")
    expect(page.get_by_test_id("order-plant_stop")).to_be_disabled()
    expect(page.get_by_test_id("order-hint")).to_have_text("This is a replay: what is recorded takes no orders.")
    go(page, "hypotheses")
    expect(page.get_by_test_id("h1-claimed")).to_be_disabled()
    go(page, "system")
    expect(page.get_by_test_id("policy")).to_be_disabled()
    plant.wishes.replay = ""


def test_words_end_where_numbers_do_and_no_event_is_cut_off(page: Page, plant: SyntheticPlant) -> None:
    go(page, "control")
    card = page.get_by_test_id("page-control").locator(".factlist", has=page.get_by_test_id("w-served"))
    ends = card.locator("dd b").evaluate_all("list => list.map(each => Math.round(each.getBoundingClientRect().right))")
    columns = set(ends)
    assert len(columns) <= 2, f"one end for each column, not {sorted(columns)}"
    go(page, "alarms")
    box = page.get_by_label("events", exact=True)
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") <= 0
