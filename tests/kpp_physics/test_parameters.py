"""Parameters: limits, types, cross limits, and what their errors say."""

import math
from typing import Any

import pytest

from kpp_physics.cross_checks import break_away, cross_checks
from kpp_physics.parameters import DECLARATIONS, ParameterError, Parameters


def violations(**changes: Any) -> list[tuple[str, Any, str]]:
    with pytest.raises(ParameterError) as caught:
        Parameters.of(changes)
    return [(found.field, found.limit, found.reason) for found in caught.value.violations]


def test_defaults_lie_inside_their_limits() -> None:
    assert set(Parameters().as_dict()) == set(DECLARATIONS)
    for item in DECLARATIONS.values():
        if item.choices:
            assert item.default in item.choices
        else:
            assert item.minimum is not None
            assert item.maximum is not None
            assert item.minimum <= float(item.default) <= item.maximum
        assert item.text


@pytest.mark.parametrize("name", [item.name for item in DECLARATIONS.values() if not item.choices])
def test_every_limit_is_enforced(name: str) -> None:
    item: Any = DECLARATIONS[name]
    for beyond, limit in ((item.minimum - abs(item.minimum) - 1, item.minimum), (item.maximum * 2 + 1, item.maximum)):
        (field, named, reason), *_ = violations(**{item.name: beyond})
        assert (field, named) == (item.name, limit)
        assert f"{limit:g}" in reason


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "25", None, [25], 10**400])
def test_a_number_must_be_a_finite_number(value: Any) -> None:
    ((field, _, reason),) = violations(water_depth=value)
    assert field == "water_depth"
    assert " m" in reason or "finite" in reason


def test_whole_numbers_are_whole() -> None:
    assert Parameters.of({"floater_count": 48.0}).floater_count == 48
    assert "whole" in violations(floater_count=48.5)[0][2]


def test_choices() -> None:
    assert Parameters.of({"coflow": False}).coflow == "off"
    assert "isothermal_ideal" in violations(compressor_model="magic")[0][2]
    assert "choose" in violations(coflow="maybe")[0][2]


@pytest.mark.parametrize("name", ["h1_mode", "h2_mode", "h3_mode", "jet_mode", "recovery_mode"])
def test_every_hypothesis_is_off_physical_or_claimed(name: str) -> None:
    for mode in ("off", "physical", "claimed"):
        assert getattr(Parameters.of({name: mode}), name) == mode
    assert "choose" in violations(**{name: "proven"})[0][2]


def test_limits_that_join_parameters() -> None:
    assert violations(unload_pressure=380000)[0][:2] == ("unload_pressure", 380000)
    assert violations(water_depth=4, sprocket_radius=2)[0][:2] == ("water_depth", 4)
    assert violations(shaft_area=1, blockage_correction="on")[0][0] == "shaft_area"


def test_all_violations_are_reported_at_once() -> None:
    assert [field for field, _, _ in violations(water_depth=0, gear_ratio=1e9, nonsense=1)] == ["nonsense"]
    assert [field for field, _, _ in violations(water_depth=0, gear_ratio=1e9)] == ["water_depth", "gear_ratio"]


def test_cross_checks_name_both_numbers() -> None:
    inherited = Parameters.of({"mouth_area": 0.1, "generator_speed_setpoint": 375})
    found = {check.name: check for check in cross_checks(inherited)}
    assert found["bucket_length"].asked == pytest.approx(4.0)
    assert "0.50 m2" in found["bucket_length"].message
    assert found["rated_power"].asked == pytest.approx(439e3, rel=2e-3)
    assert found["rated_power"].available == pytest.approx(122.5e3, rel=2e-3)
    assert found["air_demand"].asked == pytest.approx(0.728, rel=1e-3)
    assert "mouth_area" not in {check.name for check in cross_checks(Parameters())}


def test_a_plant_too_weak_to_break_away_is_reported_with_both_pulls() -> None:
    needed = break_away(Parameters())
    assert needed.needed == pytest.approx(4689, rel=1e-3)
    assert needed.iron == pytest.approx(3839, rel=1e-3)
    assert "break_away" not in {check.name for check in cross_checks(Parameters())}
    found = {check.name: check for check in cross_checks(Parameters.of({"floater_count": 4, "floater_volume": 0.02}))}
    weak = found["break_away"]
    assert weak.asked == needed.needed
    assert weak.available == pytest.approx(59.3, rel=0.01)
    assert "4689 N" in weak.message
    assert "59 N" in weak.message


def test_every_number_has_a_unit_and_every_parameter_a_meaning_and_a_source_flag() -> None:
    for item in DECLARATIONS.values():
        assert item.unit
        assert item.text
        assert set(item.flag.split("/")) <= {"D", "P", "S", "A", "-"}
