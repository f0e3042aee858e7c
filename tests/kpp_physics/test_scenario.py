"""Scenario texts: values, bases, and errors that point at their line."""

import pytest

from kpp_physics.parameters import DECLARATIONS, Parameters
from kpp_physics.scenario import ScenarioError, parse, render


def resolve(name: str) -> Parameters:
    return {"shallow": Parameters.of({"water_depth": 10})}[name]


def problem(text: str) -> tuple[int | None, str, str]:
    with pytest.raises(ScenarioError) as caught:
        parse(text, "mine", resolve)
    first = caught.value.problems[0]
    assert "mine" in str(caught.value)
    return first.line, first.field, first.reason


def test_values_go_over_the_base() -> None:
    parameters = parse('base = "shallow"\n[parameters]\ngear_ratio = 30\n', "mine", resolve)
    assert (parameters.water_depth, parameters.gear_ratio, parameters.floater_count) == (10, 30, 66)


def test_an_empty_scenario_is_the_defaults() -> None:
    assert parse("", "mine") == Parameters()


@pytest.mark.parametrize(
    ("text", "line", "field", "reason"),
    [
        ("[parameters]\n\nwater_depth = 200\n", 3, "water_depth", "100 m"),
        ("# x\n[parameters]\ndepth = 20\n", 3, "depth", "not a parameter"),
        ('[parameters]\nwater_depth = "deep"\n', 2, "water_depth", "number in m"),
        ("[parameters]\nwater_depth = nan\n", 2, "water_depth", "finite"),
        ("[parameters]\nload_pressure = 400000\nunload_pressure = 390000\n", 3, "unload_pressure", "400000 Pa"),
        ('base = "deep"\n', 1, "base", "no such scenario"),
        ("base = 3\n", 1, "base", "name of a scenario"),
        ("[parameters]\nwater_depth =\n", 2, "", "Invalid value"),
        ("[plant]\nwater_depth = 3\n", 1, "plant", "not known"),
        ("parameters = 3\n", 1, "parameters", "table"),
    ],
)
def test_errors_name_line_field_and_reason(text: str, line: int, field: str, reason: str) -> None:
    found = problem(text)
    assert found[:2] == (line, field)
    assert reason in found[2]


def test_a_base_needs_a_resolver() -> None:
    with pytest.raises(ScenarioError, match="cannot be resolved"):
        parse('base = "shallow"', "mine")


def test_rendered_scenarios_read_back() -> None:
    parameters = Parameters.of({"water_depth": 12.5, "coflow": "off", "valve_conductance": 3.3e-6})
    text = render(parameters.as_dict(), "Twelve and a half metres.\nStill water.")
    assert parse(text, "mine") == parameters
    assert text.startswith("# Twelve")
    assert all(f"\n{name} = " in text for name in DECLARATIONS)
