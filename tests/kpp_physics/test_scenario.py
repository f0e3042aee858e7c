"""Scenario texts: values, bases, and errors that point at their line."""

import pytest

from kpp_physics.parameters import DECLARATIONS, Parameters
from kpp_physics.scenario import LARGEST, ScenarioError, decode, parse, render


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


def test_f15_a_byte_order_mark_is_no_part_of_the_text() -> None:
    text = '\ufeffbase = "shallow"\r\n[parameters]\r\ngear_ratio = 30\r\n'
    for read in (text, decode(text.encode(), "mine")):
        parameters = parse(read, "mine", resolve)
        assert (parameters.water_depth, parameters.gear_ratio) == (10, 30)
    assert problem("\ufeff[parameters]\ndepth = 20\n")[0] == 2


@pytest.mark.parametrize("key", ["a" + ".a" * 50_000, "a" + " . 'b'" * 50_000, 'x."y' + 'z"."y' * 50_000 + '"'])
@pytest.mark.parametrize("form", ["{} = 1", "[parameters]\nx = {{{} = 1}}", "[{}]", "[[{}]]"])
def test_s21_a_key_of_many_parts_is_refused_at_once(key: str, form: str) -> None:
    line, field, reason = problem("# x\n" + form.format(key))
    assert line is not None
    assert field == key[: len(field)]
    assert "more than 8 parts" in reason


def test_s21_what_is_no_key_may_have_dots() -> None:
    points = ",".join(f"{k}.5" for k in range(10_000))
    text = f"# see a.b.c.d.e.f.g\n[series.grid_frequency]\ntime=[{points}]\nvalue=[{','.join(['50.5'] * 10_000)}]\n"
    assert len(parse(text, "mine").series["grid_frequency"].time) == 10_000
    assert len(text) < LARGEST / 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#" * (LARGEST + 1), "larger than 1048576 bytes"),
        ("[" * 100_000, "line 1"),
        ("x = " + "[" * 100_000, "recursion"),
        ("[parameters]\nwater_depth = 0x" + "f" * 100_000, "parameters.water_depth: whole numbers go to"),
        ("[parameters]\nwater_depth = [0x" + "f" * 100_000 + "]", "parameters.water_depth[0]: whole numbers go to"),
        ("[parameters]\nwater_depth = " + "9" * 100_000, "digits"),
        ('x = """\n[' + " " * 500_000 + '\n"""', "x is not known"),
        ("".join(f"k{k} = 1\n" for k in range(50_000)), "and 49980 more"),
    ],
)
def test_s21_whatever_a_stranger_hands_over_is_refused_in_a_few_lines(text: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(text, "mine")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 10_000


def test_s21_what_is_no_text_or_too_much_of_it_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(ScenarioError, match="larger than 1048576 bytes"):
        decode(bytes(LARGEST + 1), "mine")
    with pytest.raises(ScenarioError, match="save it as UTF-8"):
        decode("[parameters]".encode("utf-16"), "mine")
