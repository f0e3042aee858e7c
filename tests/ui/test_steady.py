"""Lap means whose stores changed, in a real browser: no net power and no COP anywhere, with reason and figure."""

import msgspec
import pytest
from playwright.sync_api import Page, expect

from bus.protocol.state import Exergy, Ledger
from tests.ui.synthetic_plant import SyntheticPlant
from tests.ui.test_pages import go

pytestmark = pytest.mark.browser

MINUS = "\N{MINUS SIGN}"
FIGURE = "stores changed by 3.20 % of the energy taken in (limit 1 %)"


@pytest.fixture(autouse=True)
def _first_page_again(page: Page) -> None:
    go(page, "overview")


def test_i13_a_window_that_is_not_steady_has_no_cop_and_no_net_power_anywhere(
    page: Page, plant: SyntheticPlant
) -> None:
    plant.wishes.steady = False
    expect(page.get_by_test_id("cop")).to_have_text("not steady")
    expect(page.get_by_test_id("cop-mean")).to_have_text("stores 3.20 %, limit 1 %")
    expect(page.get_by_test_id("cop-mean")).to_have_attribute("title", f"not steady: {FIGURE}")
    expect(page.get_by_test_id("net-power-mean")).to_have_text("mean not steady: 3.20 %")
    expect(page.get_by_test_id("net-power-mean")).to_have_attribute("title", f"not steady: {FIGURE}")
    verdict = page.get_by_test_id("verdict")
    expect(verdict).to_contain_text(f"Not steady: {FIGURE}.")
    expect(verdict).not_to_contain_text("Of each kWh")
    go(page, "energy")
    sheet = page.get_by_test_id("page-energy")
    for name in ("cop", "cop_without_claims", "net_power"):
        expect(sheet.get_by_test_id(f"v-meters.{name}")).to_have_text("not steady")
        expect(sheet.get_by_test_id(f"v-meters.{name}")).to_have_attribute("title", f"not steady: {FIGURE}")
    expect(sheet.get_by_test_id("v-meters.cop_raw")).to_have_text("0.324")
    expect(sheet.get_by_test_id("steady")).to_have_text(f"not steady: {FIGURE}")
    go(page, "hypotheses")
    rows = page.get_by_test_id("sides-h1").locator("tbody tr")
    for name in ("COP", "Net power"):
        running = rows.filter(has_text=name).first.locator("td.now")
        expect(running).to_have_text("not steady")
        expect(running).to_have_attribute("title", f"not steady: {FIGURE}")
    expect(rows.filter(has_text="Stores changed").locator("td.now")).to_have_text("3.20")
    expect(page.get_by_test_id("withheld-h1")).to_contain_text(f"running: not steady: {FIGURE}")
    plant.wishes.steady = True
    expect(rows.filter(has_text="Net power").locator("td.now")).to_have_text(f"{MINUS}30.11")
    expect(page.get_by_test_id("withheld-h1")).not_to_contain_text("running")
    go(page, "energy")
    expect(sheet.get_by_test_id("v-meters.cop")).to_have_text("0.324")
    expect(sheet.get_by_test_id("steady")).to_have_text(
        "steady: stores changed by 0.25 % of the energy taken in (limit 1 %)"
    )


def test_i13_the_first_sentence_says_what_is_left_without_the_claims(page: Page, plant: SyntheticPlant) -> None:
    verdict = page.get_by_test_id("verdict")
    expect(verdict).not_to_contain_text("claims")
    plant.wishes.unsourced = 4_200.0
    plant.wishes.overrides = {"hypotheses": {"h1": "claimed"}}
    expect(verdict).to_contain_text("Without what the claims add, the COP is 0.296.")
    go(page, "energy")
    expect(page.get_by_test_id("v-meters.cop_without_claims")).to_have_text("0.296")


def test_i13_every_line_of_both_ledgers_stands_on_the_page(page: Page, plant: SyntheticPlant) -> None:
    go(page, "energy")
    for table, kind in (("first-law", Ledger), ("second-law", Exergy)):
        lines = page.get_by_test_id(table).locator("[data-line-of]")
        shown = lines.evaluate_all("rows => rows.map((row) => row.dataset.lineOf)")
        own = {"residual", "r_a", "r_c", "parameter_change"}  # told beside the tables; always 0
        assert set(shown) == {field.name for field in msgspec.structs.fields(kind)} - own
    plant.wishes.overrides = {
        "ledger": {"environment": 7.2e6, "reference": -3.6e6, "rebuilt": 1.8e6},
        "exergy": {"environment": 3.6e6, "dead_state": 7.2e6, "rebuilt": 1.8e6, "stored_total": 10.8e6},
        "powers": {"environment": 5_000.0},
    }
    told = {"environment": "2.000", "reference": f"{MINUS}1.000", "rebuilt": "0.500"}
    for name, text in told.items():
        expect(page.get_by_test_id("first-law").locator(f"[data-line-of={name}] td").first).to_have_text(text)
    told = {"environment": "1.000", "dead_state": "2.000", "rebuilt": "0.500", "stored_total": "3.000"}
    for name, text in told.items():
        expect(page.get_by_test_id("second-law").locator(f"[data-line-of={name}] td")).to_have_text(text)
    expect(page.get_by_test_id("sankey")).to_contain_text("Surroundings that change 5.0")
    go(page, "overview")
    expect(page.get_by_test_id("energy-surroundings")).to_have_text("1.000")
