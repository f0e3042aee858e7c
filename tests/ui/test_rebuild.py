"""Parameters by their class in a real browser: what is built begins another run, in one press, forked or anew."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.synthetic_plant import PARAMETERS, SyntheticPlant
from tests.ui.test_pages import go
from tests.watching import eventually

pytestmark = pytest.mark.browser

FORK, NEW_RUN = "Fork with this change", "New run with this change"


@pytest.fixture
def form(page: Page) -> Locator:
    """The form of all parameters, with nothing pending."""
    go(page, "overview")
    go(page, "parameters")
    found = page.get_by_test_id("form")
    expect(found.get_by_role("button", name="Revert")).to_be_disabled()
    return found


def test_i13_every_field_shows_its_class_and_its_ramp(form: Locator) -> None:
    told = {
        "floater_volume": "built: fork or new run",
        "water_depth": "built: new run",
        "drag_area": "condition",
        "unload_pressure": "setting",
        "ambient_pressure": "environment: moves by 1000 Pa/s",
        "water_temperature": "environment: moves by 1 K/s",
    }
    for name, kind in told.items():
        expect(form.locator(f"[data-field={name}] .kind")).to_have_text(kind)


def test_i13_what_is_built_is_offered_as_a_fork_and_as_a_new_run(form: Locator, plant: SyntheticPlant) -> None:
    run = plant.run
    row = form.locator("[data-field=floater_mass]")
    row.locator("input").fill("20")
    form.get_by_test_id("field-drag_area").fill("0.4")
    offer = form.get_by_role("group", name="another run with this change")
    expect(offer).to_be_hidden()
    form.get_by_role("button", name="Apply").click()
    expect(offer).to_contain_text(
        "As built, and fixed during a run: floater_mass. The other pending values are included."
    )
    assert plant.commands == []
    offer.get_by_role("button", name=FORK).click()
    eventually(lambda: len(plant.commands) == 1, 10, "the clock has the command")
    command = plant.commands[0]
    assert (command.module, command.name) == ("clock", "reset")
    assert re.fullmatch(rf"fork-{run}-[1-9]\d*", command.args["scenario"])
    assert command.args["parameters"] == {"floater_mass": 20, "drag_area": 0.4}
    expect(offer).to_be_hidden()
    expect(row).to_have_attribute("data-pending", "no")
    expect(row.locator("input")).to_have_value("20")


def test_i13_a_new_run_takes_all_that_is_in_force_with_the_change(form: Locator, plant: SyntheticPlant) -> None:
    plant.changed["drag_area"] = 0.3
    plant.scenario = "fork-0001-001-7"  # of a run that was forked: a new one does not begin in that moment again
    plant.new_run()
    expect(form.get_by_test_id("field-drag_area")).to_have_value("0.3")
    row = form.locator("[data-field=water_depth]")
    row.locator("input").fill("30")
    form.get_by_role("button", name="Apply").click()
    offer = form.get_by_role("group", name="another run with this change")
    expect(offer).to_contain_text("No fork can change water_depth.")
    expect(offer.get_by_role("button", name=FORK)).to_be_disabled()
    plant.wishes.reject = "water_depth = 30: not today"
    offer.get_by_role("button", name=NEW_RUN).click()
    expect(row).to_contain_text("not today")
    expect(row).to_have_attribute("data-pending", "yes")
    plant.wishes.reject = ""
    offer.get_by_role("button", name=NEW_RUN).click()
    expect(row).to_have_attribute("data-pending", "no")
    expect(row.locator("input")).to_have_value("30")
    command = plant.commands[-1]
    assert (command.name, command.args["scenario"]) == ("reset", "reference")
    fixed = {"gas_constant", "cp_air"}
    own = {name: value for name, value in PARAMETERS.items() if name not in fixed}
    assert command.args["parameters"] == own | {"drag_area": 0.3, "water_depth": 30}


def test_i13_a_preset_of_another_machine_offers_the_same_two(page: Page, form: Locator, plant: SyntheticPlant) -> None:
    answer = page.get_by_test_id("preset-answer")
    page.get_by_test_id("preset-name").fill("light")
    page.get_by_test_id("preset-save").click()
    expect(answer).to_have_text("light is saved.")
    plant.changed |= {"floater_mass": 30.0, "drag_area": 0.7}
    plant.new_run()
    expect(form.get_by_test_id("field-floater_mass")).to_have_value("30")
    page.get_by_test_id("preset-load").click()
    expect(answer).to_contain_text("2 values are pending in the form. As built: floater_mass. Apply offers a fork")
    form.get_by_role("button", name="Apply").click()
    expect(form.get_by_role("button", name=FORK)).to_be_enabled()
    form.get_by_role("button", name="Revert").click()
    page.get_by_test_id("preset-fork").click()
    page.get_by_test_id("confirm-yes").click()
    expect(form.get_by_test_id("field-floater_mass")).to_have_value("16")
    assert plant.commands[-1].args["scenario"].startswith("fork-")
    assert plant.commands[-1].args["parameters"] == {"floater_mass": 16, "drag_area": 0.51}
    plant.changed["floater_count"] = 60
    plant.new_run()
    expect(form.get_by_test_id("field-floater_count")).to_have_value("60")
    page.get_by_test_id("preset-fork").click()
    expect(answer).to_have_text('no fork can change floater_count: use "New run with it"')
    page.get_by_test_id("preset-reset").click()
    expect(form.get_by_test_id("field-floater_count")).to_have_value("66")
    page.get_by_test_id("preset-delete").click()
    page.get_by_test_id("confirm-yes").click()
    expect(answer).to_have_text("light is deleted.")
