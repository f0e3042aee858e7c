"""Steps that are computed in parts: where, how fine, and that time, bits and powers do not show it."""

import math
from typing import Any

import numpy as np
import pytest

from catalog.scenarios import Scenarios
from kpp_physics import coefficients as co
from kpp_physics import constants, environment, substeps
from kpp_physics import state as st
from kpp_physics.air import valve_flow
from kpp_physics.compiled import interpreted
from kpp_physics.parameters import DECLARATIONS, Parameters
from kpp_physics.plant import Plant
from kpp_physics.state import Vector
from tests.kpp_physics.independent.options import FAST

parts_of = interpreted(substeps.substeps)
WIDE = FAST["narrow bucket that fills in ten steps, jet physical"]


def waiting(**changes: Any) -> tuple[Vector, Vector]:
    """Coefficients and state of a standing plant whose window no floater is in, or near."""
    plant = Plant(Parameters.of(changes))
    x = plant._parts.scalars
    c = environment.coefficients(plant.parameters)
    x[st.POSITION] = c[co.WINDOW_START] + 0.5 * c[co.PITCH]
    x[st.SPEED] = 0.5
    x[st.SERVED] = -1.0
    heat_capacity = c[co.CP_AIR] - c[co.GAS_CONSTANT]
    x[st.RECEIVER_ENERGY] = (
        heat_capacity * c[co.RECEIVER_VOLUME] / c[co.GAS_CONSTANT] * plant.parameters.unload_pressure
    )
    x[st.RECEIVER_MASS] = x[st.RECEIVER_ENERGY] / (heat_capacity * plant.parameters.ambient_temperature)
    return c, x


def test_a_step_without_a_charge_is_whole() -> None:
    c, x = waiting(**WIDE)
    assert parts_of(c, x) == 1


def test_the_step_in_which_a_floater_enters_the_window_is_divided() -> None:
    c, x = waiting(**WIDE)
    x[st.POSITION] = c[co.WINDOW_START] - 0.5e-3 * x[st.SPEED]
    parts = parts_of(c, x)
    assert parts == 64
    x[st.RECEIVER_ENERGY] *= 0.25
    assert parts_of(c, x) == parts / 4


def test_while_a_floater_is_served_the_flow_of_the_last_step_counts() -> None:
    c, x = waiting(**WIDE)
    x[st.SERVED] = 3.0
    x[st.SERVED_FLOW] = 0.0
    assert parts_of(c, x) == 1
    x[st.SERVED_FLOW] = 0.5 * c[co.TARGET_MASS] / 1e-3 / 100  # may double: a hundredth of the charge in a step
    assert parts_of(c, x) == 4


@pytest.mark.parametrize("share", [0.9985, 0.998, 0.997])
def test_a_receiver_that_comes_to_the_pockets_pressure_is_followed(share: float) -> None:
    """A part is at most a quarter of the time constant, which the slope of the valve's own law gives."""
    c, x = waiting(**{**WIDE, "jet_mode": "off", "receiver_volume": 0.1, "floater_volume": 2, "fill_fraction": 1})
    x[st.SERVED] = 3.0
    x[st.SPOOL] = 1.0
    pressure = (
        x[st.RECEIVER_ENERGY] * c[co.GAS_CONSTANT] / ((c[co.CP_AIR] - c[co.GAS_CONSTANT]) * c[co.RECEIVER_VOLUME])
    )

    def flow(ratio: float) -> float:
        conductance, critical = c[co.VALVE_CONDUCTANCE], c[co.VALVE_CRITICAL_RATIO]
        return valve_flow(pressure, constants.VALVE_REFERENCE_TEMPERATURE, ratio, conductance, critical)

    ratio = share - 1e-4
    x[st.SERVED_FLOW] = flow(ratio)
    slope = (flow(ratio - 1e-7) - flow(ratio + 1e-7)) / 2e-7  # by the ratio; 1/m by the mass in the receiver
    expected = 2 ** math.ceil(math.log2(4 * slope * 1e-3 / x[st.RECEIVER_MASS]))
    assert parts_of(c, x) == expected


@pytest.mark.parametrize(("jet", "parts"), [("off", 2), ("physical", 4)])
def test_a_jet_that_pays_has_parts_half_as_long(jet: str, parts: int) -> None:
    c, x = waiting(**{**WIDE, "jet_mode": jet})
    x[st.SERVED] = 3.0
    x[st.SERVED_FLOW] = 0.5 * c[co.TARGET_MASS] / 1e-3 / 100
    assert parts_of(c, x) == parts


@pytest.mark.parametrize("name", [name for name in Scenarios.at_hand().names() if name != "ideal"])
def test_named_scenarios_but_the_one_with_a_wide_valve_have_whole_steps(name: str) -> None:
    c, x = waiting(**{item: getattr(Scenarios.at_hand().read(name), item) for item in DECLARATIONS})
    x[st.POSITION] = c[co.WINDOW_START]
    assert parts_of(c, x) == 1


def test_time_is_whole_and_bits_are_the_same_however_steps_are_grouped() -> None:
    one, many = Plant(Parameters.of(WIDE)), Plant(Parameters.of(WIDE))
    for plant in (one, many):
        plant.command("start", {})
        plant.step(60_000)
    divided = 0
    for _ in range(2_000):
        divided += parts_of(one._coefficients, one._parts.scalars) > 1
        one.step(1)
    many.step(2_000)
    assert divided > 10
    assert one.time_us == many.time_us == 62_000_000
    assert one.memory() == many.memory()
    assert np.array_equal(one._coefficients, many._coefficients)


def test_the_powers_of_a_divided_step_are_powers() -> None:
    plant = Plant(Parameters.of(WIDE))
    plant.command("start", {})
    plant.step(60_000)
    constant = plant.parameters.auxiliary_power
    seen = 0
    for _ in range(2_000):
        divided = parts_of(plant._coefficients, plant._parts.scalars) > 1
        plant.step(1)
        if divided:
            seen += 1
            assert plant.observe()["powers"]["auxiliary"] == pytest.approx(constant, rel=1e-12)
    assert seen > 10
