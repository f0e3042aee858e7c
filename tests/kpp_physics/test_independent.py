"""The kernel against an independent integration: lap-averaged powers within 1 %, and within 0.2 % at half the step.

KPP_LONG_TESTS=1 (make long) takes the whole spread; the suite takes the plants with short laps.
"""

import os

import pytest

from kpp_physics.parameters import Parameters
from studies import library
from tests.kpp_physics.independent.spread import GATE, LAPS, LONG, QUICK, compare, measured

EVERY = bool(os.environ.get("KPP_LONG_TESTS"))
CASES = {**QUICK, **LONG} if EVERY else QUICK


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", CASES)
def test_lap_averaged_powers_agree_with_an_independent_integration(name: str) -> None:
    for difference in compare(CASES[name], laps=LAPS.get(name, 3)):
        assert difference.relative <= GATE, difference


def halved(parameters: Parameters, laps: int) -> None:
    whole, half = (measured(parameters, step, laps).meters for step in (1e-3, 0.5e-3))
    for name, value in whole.items():
        if value and (name.endswith("_power") or name == "heat_from_water"):
            assert half[name] == pytest.approx(value, rel=2e-3), name


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", CASES)
def test_half_the_step_changes_no_lap_averaged_power(name: str) -> None:
    halved(Parameters.of(CASES[name]), LAPS.get(name, 3))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", library.names() if EVERY else ["rated-speed"])
def test_half_the_step_changes_no_lap_average_of_a_named_scenario(name: str) -> None:
    halved(library.named(name), 5)
