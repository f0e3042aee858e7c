"""Units of every public quantity: declared, written in the docstring, and true under a change of the base units.

A law of physics does not know the kilogram: if mass, length, time, temperature and current are measured in other
units, every result changes by the worth of its own unit and by nothing else. A wrong unit, or a wrong equation, shows.
"""

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec
import numpy as np
import pytest

from bus.protocol.messages import State
from kpp_physics import (
    air,
    chain,
    drivetrain,
    exergy,
    generator,
    geometry,
    grid,
    hypotheses,
    motion,
    plc,
    water,
)
from kpp_physics.parameters import DECLARATIONS
from tests.kpp_physics.units import dimension, worth

SCALES = (3.7, 0.41, 1.9, 0.83, 2.3)


def end_speed(
    start: float,
    guess: float,
    inertia: float,
    driving: float,
    linear: float,
    quadratic: float,
    dry: float,
    dry_scale: float,
    second: float,
    second_scale: float,
    drag: float,
    coflow_on: float,
    coflow: float,
    coflow_mean: float,
    bulk: float,
    mass: float,
    h: float,
    lift: float,
    paid: float,
) -> tuple[float, float, bool]:
    """The kernel's solver with the fields of its arguments one by one."""
    load = motion.Resistances(inertia, driving, linear, quadratic, dry, dry_scale, second, second_scale)
    around = motion.Water(drag, coflow_on, coflow, bulk, mass, lift, paid)
    return motion.end_speed(start, guess, load, around, coflow_mean, h)


end_speed.__doc__ = (
    inspect.getsource(motion.Resistances) + inspect.getsource(motion.Water) + (motion.end_speed.__doc__ or "")
)

# Function, then every argument as value and unit, then the units of the results. Left out are the functions that hold
# a reference state of a standard or a regularisation in SI numbers, and say so.
LAWS: list[tuple[Callable[..., Any], list[tuple[float, str]], tuple[str, ...]]] = [
    (air.adiabatic_mean, [(0.03, "-"), (0.2857, "-")], ("-",)),
    (air.relaxation, [(0.4, "-")], ("-",)),
    (air.sampled_mean, [(12.0, "K"), (0.7, "-"), (0.5, "-")], ("K",)),
    (air.compression_work, [(3.4, "-"), (420e3, "J/kg"), (0.2857, "-"), (0.0, "-")], ("J/kg",)),
    (air.flow_function, [(0.7, "-"), (0.3, "-")], ("-",)),
    (air.relief_share, [(9e5, "Pa"), (8e5, "Pa"), (0.2857, "-")], ("-",)),
    (drivetrain.locking_impulse,
     [(-3.0, "rad/s"), (3e4, "kg"), (500, "kg m2"), (32.5, "rad/m"), (0.97, "-")], ("m/s", "rad/s", "J")),
    (drivetrain.gearbox_load_loss, [(900, "N m"), (0.3, "rad"), (0.97, "-")], ("J",)),
    (exergy.thermal_exergy, [(320, "K"), (293, "K"), (1004.7, "J/(kg K)")], ("J/kg",)),
    (exergy.mixing_loss, [(320, "K"), (300, "K"), (293, "K"), (1004.7, "J/(kg K)")], ("J/kg",)),
    (generator.lag_weights, [(628, "1/s"), (1e-3, "s")], ("-", "-", "-")),
    (generator.current_step, [(100, "A"), (300, "A"), (0.5, "-"), (0.7, "-"), (0.6, "-")], ("A", "A", "A2")),
    (generator.stray_torque, [(900, "N m"), (14360, "N m"), (76, "N m")], ("N m",)),
    (generator.terminal_voltages,
     [(300, "A"), (2e3, "A/s"), (12, "rad/s"), (8, "-"), (1.19, "Wb"), (4.5e-4, "H"), (0.011, "ohm")], ("V", "V")),
    (generator.winding_step, [(350, "K"), (900, "W"), (293, "K"), (0.004, "K/W"), (0.01, "-")], ("K",)),
    (geometry.place, [(23.0, "m"), (22.6, "m"), (1.2, "m")], ("m", "-", "-")),
    (geometry.place_on_loop, [(40.0, "m"), (22.6, "m"), (1.2, "m")], ("m", "-")),
    (geometry.mean_slope, [(23.0, "m"), (1e-3, "m"), (0.94, "-"), (0.34, "-"), (22.6, "m"), (1.2, "m")], ("-",)),
    (geometry.tilt_capacity, [(0.7, "-"), (0.71, "-"), (1.08, "-")], ("-",)),
    (grid.stage_loss, [(0.5, "-"), (5.3e5, "W"), (0.004, "-"), (0.01, "-"), (0.006, "-")], ("W",)),
    (grid.converter_power,
     [(2e4, "W"), (80, "A"), (1005, "A"), (5.3e5, "W"), (0.004, "-"), (0.01, "-"), (0.006, "-")], ("W", "W", "W")),
    (grid.droop, [(50.7, "Hz"), (50.0, "Hz"), (0.05, "-")], ("-",)),
    (hypotheses.gas_flux,
     [(0.01, "kg/s"), (287, "J/(kg K)"), (293, "K"), (3.4e5, "Pa"), (1e5, "Pa"), (4.0, "m2")], ("m/s",)),
    (hypotheses.bubble_force, [(0.05, "-"), (9789, "N/m3"), (0.4, "m3"), (0.017, "m3"), (28, "-")], ("N",)),
    (hypotheses.jet_power, [(0.3, "m3/s"), (998, "kg/m3"), (0.05, "m2"), (0.9, "-")], ("W",)),
    (hypotheses.jet_pressure, [(0.3, "m3/s"), (998, "kg/m3"), (0.05, "m2"), (0.9, "-")], ("Pa",)),
    (hypotheses.jet_thrust, [(0.3, "m3/s"), (998, "kg/m3"), (0.05, "m2")], ("N",)),
    (motion.dry_friction, [(3e-4, "m/s"), (850, "N"), (1e-3, "m/s")], ("N",)),
    (motion.mean_coflow,
     [(0.2, "m/s"), (0.19, "m/s"), (0.5, "m/s"), (16800, "kg/m"), (9000, "kg/m"), (1.8e5, "kg"), (1e-3, "s"),
      (30.0, "N")], ("m/s", "-", "-")),
    (end_speed,
     [(0.36, "m/s"), (0.36, "m/s"), (3e4, "kg"), (5e3, "N"), (40, "N s/m"), (6, "N s2/m2"), (850, "N"),
      (1e-3, "m/s"), (100, "N"), (1.5e-3, "m/s"), (16800, "kg/m"), (1, "-"), (0.2, "m/s"), (0.2, "m/s"),
      (9000, "kg/m"), (1.8e5, "kg"), (1e-3, "s"), (30, "N"), (0.9, "-")], ("m/s", "m/s", "-")),
    (plc.speed_control,
     [(12.1, "rad/s"), (11.8, "rad/s"), (800, "N m"), (540, "N m s"), (135, "N m"), (17200, "N m"), (1e-3, "s")],
     ("N m", "N m")),
    (air.bucket_volume, [(1.4e5, "J"), (2e5, "Pa"), (0.2857, "-"), (17000, "Pa/m3")], ("m3",)),
    (water.drag, [(0.3, "m/s"), (16800, "kg/m")], ("N",)),
    (water.coflow_correction,
     [(0.2, "m/s"), (0.19, "m/s"), (0.5, "m/s"), (16800, "kg/m"), (9000, "kg/m"), (1.8e5, "kg"), (1e-3, "s"),
      (30.0, "N")], ("m/s", "-")),
    (water.exchange_force, [(0.4, "kg"), (0.36, "m/s"), (1e-3, "s")], ("N",)),
]  # fmt: skip


def name(law: Callable[..., Any]) -> str:
    return f"{law.__module__.rpartition('.')[2]}.{law.__name__}"


@pytest.mark.parametrize(("law", "given", "units"), LAWS, ids=[name(law) for law, _, _ in LAWS])
def test_a_law_holds_in_any_units(
    law: Callable[..., Any], given: list[tuple[float, str]], units: tuple[str, ...]
) -> None:
    plain = law(*(value for value, _ in given))
    scaled = law(*(value * worth(unit, SCALES) for value, unit in given))
    results = plain if isinstance(plain, tuple) else (plain,)
    others = scaled if isinstance(scaled, tuple) else (scaled,)
    assert len(results) == len(units)
    for result, other, unit in zip(results, others, units, strict=True):
        assert other == pytest.approx(result * worth(unit, SCALES), rel=1e-9), unit


@pytest.mark.parametrize(("law", "given", "units"), LAWS, ids=[name(law) for law, _, _ in LAWS])
def test_the_docstring_says_the_units(
    law: Callable[..., Any], given: list[tuple[float, str]], units: tuple[str, ...]
) -> None:
    text = inspect.getdoc(law) or ""
    written = {part.strip(" ].,;") for bracket in text.split("[")[1:] for part in bracket.partition("]")[0].split(",")}
    written |= {word.strip() for each in written for word in each.replace(" or ", ",").split(",")}
    for unit in ({unit for _, unit in given} | set(units)) - {"-"}:
        same = {unit} | {other for other in written if _is_unit(other) and dimension(other) == dimension(unit)}
        assert same & written, f"{unit} is not in the docstring: {sorted(written)}"


def _is_unit(text: str) -> bool:
    try:
        dimension(text)
    except ValueError:
        return False
    return True


def test_every_parameter_has_a_unit_of_the_algebra() -> None:
    for item in DECLARATIONS.values():
        dimension(item.unit)
    assert dimension(DECLARATIONS["valve_conductance"].unit) == dimension("m4 s/kg")
    assert dimension(DECLARATIONS["flux_linkage"].unit) == dimension("V s")


def test_every_quantity_of_a_state_frame_has_a_unit_of_the_algebra() -> None:
    seen = 0
    for group in get_type_hints(State).values():
        if not (isinstance(group, type) and issubclass(group, msgspec.Struct)):
            continue
        for hint in get_type_hints(group, include_extras=True).values():
            for meta in getattr(hint, "__metadata__", ()):
                unit = (getattr(meta, "extra_json_schema", None) or {}).get("unit", "1")
                dimension(unit)
                seen += unit != "1"
    assert seen > 150


def test_chain_tension_holds_in_any_units() -> None:
    rng = np.random.default_rng(3)
    volume, ingested = rng.uniform(0, 0.4, 66), rng.uniform(0, 0.1, 66)
    arguments = [
        (0.3, "m"), (0.36, "m/s"), (0.02, "m/s2"), (900, "N"), (850, "N"), (0.0, "N"), (9e3, "N"),
        (52.74 / 66, "m"), (22.6, "m"), (1.2, "m"), (150, "kg"), (998, "kg/m3"), (0.4, "m3"), (9789, "N/m3"),
        (8.0, "N"), (55e3, "N"), (1e-3, "s"),
    ]  # fmt: skip
    plain = chain.tension(volume, ingested, *(value for value, _ in arguments))
    scaled = chain.tension(
        volume * worth("m3", SCALES), ingested * worth("kg", SCALES), *(v * worth(u, SCALES) for v, u in arguments)
    )
    assert scaled == pytest.approx([each * worth("N", SCALES) for each in plain], rel=1e-9)
