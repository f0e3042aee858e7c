"""The published lap averages of the default model, and how far a run differs from them.

Steady lap averages over at least 10 laps and 10 load cycles of the compressor. None of these numbers is validated
against a real plant: they are results of the model, published so that implementations can be compared.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from kpp_physics import ledger
from studies.run import Measurement

SCENARIOS: Final = ("reference", "rated-speed", "small-compressor")
"""The scenarios whose averages are published."""


class Quantity(NamedTuple):
    """One published quantity.

    Attributes:
        name: what it is, in words for people.
        unit: unit of `values`.
        scale: factor from SI to that unit.
        values: one for each scenario, in the order of `SCENARIOS`.
        gate: largest deviation allowed: relative, or absolute in the unit.
        relative: True if the gate is relative.
        of: returns its value (SI) in a run; None where the run has no such value.
    """

    name: str
    unit: str
    scale: float
    values: tuple[float, float, float]
    gate: float
    relative: bool
    of: Callable[[Measurement], float | int | None]


class Comparison(NamedTuple):
    """A quantity of one run against its published value.

    Attributes:
        quantity: the quantity.
        expected: its published value, in its unit.
        got: its value in the run, in its unit; None if the run has none.
        deviation: relative or in its unit, like its gate; None without a value.
    """

    quantity: Quantity
    expected: float
    got: float | None
    deviation: float | None

    @property
    def holds(self) -> bool:
        """True if the deviation is within the gate; a quantity without a value does not hold."""
        return self.deviation is not None and abs(self.deviation) <= self.quantity.gate


def compare(found: Measurement, scenario: str) -> list[Comparison]:
    """Compare a run of a published scenario with its published values.

    Args:
        found: the run.
        scenario: one of SCENARIOS.

    Raises:
        ValueError: if the scenario is another one.
    """
    column = SCENARIOS.index(scenario)
    rows = []
    for quantity in QUANTITIES:
        expected, value = quantity.values[column], quantity.of(found)
        got = None if value is None else value * quantity.scale
        deviation = None if got is None else got - expected
        # Absolute gates are for quantities near zero, or with a zero of no meaning, such as a temperature.
        if deviation is not None and quantity.relative:
            deviation /= abs(expected)
        rows.append(Comparison(quantity, expected, got, deviation))
    return rows


def _meter(name: str) -> Callable[[Measurement], float | int | None]:
    return lambda found: found.meters[name]


def _mean(*names: str) -> Callable[[Measurement], float | int | None]:
    return lambda found: sum(found.means[name] for name in names)


def _power(
    name: str, values: tuple[float, float, float], of: Callable[[Measurement], float | int | None], gate: float = 0.02
) -> Quantity:
    return Quantity(name, "kW", 1e-3, values, gate, True, of)


def _plain(name: str, unit: str, values: tuple[float, float, float], meter: str) -> Quantity:
    return Quantity(name, unit, 1.0, values, 0.02, True, _meter(meter))


_GENERATOR: Final = tuple(name for name in ledger.LINES if name.startswith("generator_"))

QUANTITIES: Final = (
    _plain("chain speed", "m/s", (0.3632, 1.208, 0.1998), "chain_speed"),
    _plain("generator speed", "rpm", (112.73, 375, 62), "generator_rpm"),
    _power("compressor power", (44.56, 149.8, 24.17), _meter("compressor_power")),
    _power("buoyancy power", (20.49, 65.73, 11.5), _meter("buoyancy_power")),
    _power("shaft power", (19.28, 55.23, 10.92), _meter("shaft_power")),
    _power("grid power", (14.45, 39.09, 7.274), _meter("grid_power")),
    _plain("COP", "-", (0.3242, 0.2609, 0.301), "cop"),
    _power("net power", (-30.11, -110.7, -16.9), _meter("net_power")),
    _plain("air mass flow", "kg/s", (0.2189, 0.7283, 0.1204), "air_mass_flow"),
    _power("drag power", (0.1436, 5.288, 0.0239), _meter("drag_power"), 0.03),
    _power("heat from water", (12.14, 18.63, 8.407), _meter("heat_from_water")),
    _power("chain friction", (0.309, 1.03, 0.17), _meter("chain_friction_power"), 0.03),
    _power("gearbox", (0.732, 3.22, 0.379), _mean("gearbox")),
    _power("water exchange", (0.0197, 0.669, 0.0034), _meter("water_exchange_power"), 0.03),
    _power("generator losses, all four", (2.344, 13.61, 1.183), _mean(*_GENERATOR)),
    _power("converter", (2.483, 2.536, 2.463), _mean("converter")),
    _power("heat rejected by compressor and aftercooler", (42.35, 142.5, 22.96), _mean("aftercooler")),
    Quantity("energy without source", "kW", 1e-3, (0, 0, 0), 0.0, False, _meter("unsourced_power")),
    Quantity(
        "chain tension, loop maximum, time mean", "kN", 1e-3, (67.19, 67, 67.34), 0.03, True, _mean("tension_peak_time")
    ),
    Quantity("chain tension, peak", "kN", 1e-3, (67.35, 67.18, 67.52), 0.03, True, _meter("tension_max")),
    Quantity("chain tension, lowest in the loop", "kN", 1e-3, (10.6, 14.5, 9.4), 1.5, False, _meter("tension_min")),
    Quantity(
        "receiver pressure, lowest", "bar", 1e-5, (3.687, 3.773, 3.657), 0.03, False, _meter("receiver_pressure_min")
    ),
    Quantity("receiver pressure, highest", "bar", 1e-5, (4.2, 4.2, 4.2), 0.03, False, _meter("receiver_pressure_max")),
    Quantity("coldest pocket", "K", 1.0, (260.6, 235.6, 271.9), 2.0, False, _meter("pocket_temperature_min")),
)
"""Every published quantity with its gate."""
