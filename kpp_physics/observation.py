"""What a plant shows of itself, in groups by physical part: plain numbers, text and lists."""

import math
from typing import Any, Final, NamedTuple

from kpp_physics import coefficients as co
from kpp_physics import exergy, ledger, meters, plc
from kpp_physics import state as st
from kpp_physics.active_warnings import active_warnings
from kpp_physics.bath import water_temperature
from kpp_physics.compiled import interpreted
from kpp_physics.generator import terminal_voltages
from kpp_physics.limits import stops, trip_limit
from kpp_physics.parameters import Parameters
from kpp_physics.survey import (
    EXERGY,
    EXERGY_PARTS,
    RESIDUAL_A,
    RESIDUAL_B,
    RESIDUAL_C,
    SURVEY_FILL,
    SURVEY_HEIGHT,
    SURVEY_MASS,
    SURVEY_POSITION,
    SURVEY_TEMPERATURE,
)

Observation = dict[str, dict[str, Any]]

PARAMETER_CHANGE: Final = 0.0
"""Energy and exergy of free changes of the plant: there are none, since what is built changes in a fork alone and the
environment ramps through lines of its own. The field stays for readers of this version of the protocol [J]."""

_COMPRESSOR_MODES: Final = ("off", "idle", "loaded")
_RPM: Final = 30.0 / math.pi
_BALANCE: Final = ledger.LINES[: ledger.BALANCE_COUNT]
_LEDGER_NAMES: Final = (*_BALANCE, *(f"stored_{name}" for name in ledger.STORES))

_UNSOURCED: Final = tuple(
    (name, ledger.TABLE.place(f"unsourced_{name}")) for name in ("h1", "h2", "h3", "jet", "recovery")
)


class LapView(NamedTuple):
    """What an observer sees of the laps; it changes when a lap is complete."""

    laps: int
    meters: meters.Meters
    missed: float
    pulses: float
    unsteady_reason: str


def lap_view(ring: st.Vector, laps: int) -> LapView:
    """Meters, and missed and all pulses, over the last complete laps."""
    records, before = meters.lap_records(ring, laps, meters.DEFAULT_LAPS)
    last = records[-1] if records else before
    missed = last[st.LAP_MISSED] - before[st.LAP_MISSED]
    pulses = last[st.LAP_PULSES] - before[st.LAP_PULSES] + missed
    return LapView(laps, meters.meters(records, before), missed, pulses, meters.unsteady_reason(records, before))


def observe(
    p: Parameters,
    coefficients: st.Vector,
    parts: st.Memory,
    floaters: st.Vector,
    stores: st.Vector,
    lines: st.Vector,
    laps: LapView,
    checks: list[tuple[str, str]],
) -> Observation:
    """The groups of a state frame.

    Args:
        p: parameters.
        coefficients, parts: of the plant.
        floaters, stores, lines: from `survey.survey`.
        laps: from `lap_view`.
        checks: warnings of the cross-checks of the parameters, each with its limit.
    """
    # Plain numbers once, for all groups: an element of an array is an object that is made again at every access.
    c, x = coefficients.tolist(), parts.scalars.tolist()
    totals, rates = lines.tolist()
    energies = stores.tolist()
    power = _powers(rates)
    scale = totals[ledger.COMPRESSOR] + x[st.ENERGY_SCALE]
    books = _ledger_group(totals, energies, x, scale)
    entropy = parts.entropy[0].tolist()
    return {
        "chain": _chain(c, x),
        "floaters": _floaters(floaters.tolist()),
        "receiver": _receiver(c, x),
        "compressor": {
            "mode": _COMPRESSOR_MODES[int(x[st.COMPRESSOR_MODE])],
            "power": power["compressor"],
            "mass_flow": rates[ledger.AIR_INTAKE],
        },
        "valve": _valve(c, x, parts.floaters),
        "drivetrain": _drivetrain(c, x),
        "generator": _generator(c, x),
        "converter": {"on": x[st.CONVERTER_ON] != 0.0, "dc_power": x[st.DC_POWER], "loss": power["converter"]},
        "grid": _grid(c, x, power, books),
        "dc_link": {
            "voltage": _link_voltage(x[st.DC_ENERGY], c[co.DC_CAPACITANCE]),
            "chopper_power": x[st.CHOPPER_POWER],
        },
        "water": _water(p, x, interpreted(water_temperature)(coefficients, parts.scalars)),
        "hypotheses": _hypotheses(p, x, rates, totals),
        "plc": _controller(p, x, energies, scale, laps, checks),
        "powers": power,
        "ledger": books,
        "sampled": _sampled_group(parts.sampled[0].tolist(), energies[RESIDUAL_B], scale),
        "exergy": _exergy_group(totals, entropy, x, energies, scale),
        "meters": {**laps.meters, "unsteady_reason": laps.unsteady_reason},
    }


def _powers(rates: list[float]) -> dict[str, float]:
    """Every line of the balance as a power [W]; not the move of the reference, which is no flow of energy."""
    power = dict(zip(_BALANCE, rates, strict=False))
    del power["reference"]
    power["buoyancy"], power["shaft"] = rates[ledger.BUOYANCY], rates[ledger.SHAFT]
    return power


def _chain(c: list[float], x: list[float]) -> dict[str, Any]:
    return {
        "position": x[st.LAPS] * c[co.LOOP_LENGTH] + x[st.POSITION],
        "speed": x[st.SPEED],
        "loop_length": c[co.LOOP_LENGTH],
        "laps": int(x[st.RECORDED_LAPS]),
        "coflow_speed": x[st.COFLOW],
        "buoyancy_force": x[st.BUOYANCY_FORCE],
        "shell_force": x[st.SHELL_FORCE],
        "drag_force": x[st.DRAG_FORCE],
        "exchange_force": x[st.EXCHANGE_FORCE],
        "friction_force": x[st.FRICTION_FORCE],
        "brake_force": x[st.BRAKE_FORCE],
        "pto_force": x[st.PTO_FORCE],
        "tension_max": x[st.TENSION_MAX],
        "tension_min": x[st.TENSION_MIN],
    }


def _floaters(rows: list[list[float]]) -> dict[str, Any]:
    """Lists with one value for each floater; an empty pocket has no temperature."""
    return {
        "position": rows[SURVEY_POSITION],
        "height": rows[SURVEY_HEIGHT],
        "fill": rows[SURVEY_FILL],
        "air_mass": rows[SURVEY_MASS],
        "temperature": [None if math.isnan(value) else value for value in rows[SURVEY_TEMPERATURE]],
    }


def _receiver(c: list[float], x: list[float]) -> dict[str, Any]:
    """Pressure and temperature follow from what is kept: p = U R/(cv V), T = U/(m cv)."""
    R = c[co.GAS_CONSTANT]
    cv = c[co.CP_AIR] - R
    return {
        "pressure": R * x[st.RECEIVER_ENERGY] / (cv * c[co.RECEIVER_VOLUME]),
        "temperature": x[st.RECEIVER_ENERGY] / (x[st.RECEIVER_MASS] * cv),
        "air_mass": x[st.RECEIVER_MASS],
    }


def _valve(c: list[float], x: list[float], floaters: st.Vector) -> dict[str, Any]:
    serving = x[st.SERVED] >= 0
    served = int(x[st.SERVED])
    return {
        "mass_flow": x[st.SERVED_FLOW],
        "floater": served if serving else None,
        "delivered": float(floaters[st.DELIVERED, served]) if serving else None,
        "target": c[co.TARGET_MASS],
        "pulses": int(x[st.PULSES]),
        "missed": int(x[st.MISSED]),
    }


def _drivetrain(c: list[float], x: list[float]) -> dict[str, Any]:
    return {
        "sprocket_speed": x[st.SPEED] / c[co.RADIUS],
        "shaft_speed": x[st.SHAFT_SPEED],
        "shaft_speed_rpm": x[st.SHAFT_SPEED] * _RPM,
        "clutch_locked": x[st.LOCKED] != 0.0,
        "clutch_torque": x[st.CLUTCH_TORQUE],
    }


def _generator(c: list[float], x: list[float]) -> dict[str, Any]:
    voltage_d, voltage_q = interpreted(terminal_voltages)(
        x[st.CURRENT],
        x[st.CURRENT_SLOPE],
        x[st.SHAFT_SPEED],
        c[co.POLE_PAIRS],
        c[co.FLUX_LINKAGE],
        c[co.INDUCTANCE],
        c[co.RESISTANCE],
    )
    return {
        "torque": x[st.TORQUE],
        "shaft_torque": x[st.SHAFT_TORQUE],
        "power": x[st.GENERATOR_POWER],
        "current_d": 0.0,
        "current_q": x[st.CURRENT],
        "voltage_d": voltage_d,
        "voltage_q": voltage_q,
        "winding_temperature": x[st.WINDING_TEMPERATURE],
    }


def _grid(c: list[float], x: list[float], power: dict[str, float], books: dict[str, float]) -> dict[str, Any]:
    """Both meters of the plant, export and import, and what other consumers leave of the exchange with the grid."""
    taken = power["compressor"] + power["auxiliary"]
    return {
        "export_power": power["grid"],
        "import_power": taken,
        "net_power": power["grid"] - taken,
        "export_energy": books["grid"],
        "import_energy": books["compressor"] + books["auxiliary"],
        "frequency": x[st.GRID_FREQUENCY],
        "voltage": c[co.GRID_VOLTAGE],
        "synchronised": x[st.BREAKER] != 0.0,
        "dump_load_power": x[st.DUMP_POWER],
        "load_power": x[st.LOAD_POWER],
        "exchange_power": power["grid"] - taken - x[st.LOAD_POWER],
    }


def _water(p: Parameters, x: list[float], temperature: float) -> dict[str, Any]:
    """Water and surroundings; these are settled when they have reached, bit for bit, what the parameters set."""
    return {
        "temperature": temperature,
        "level_rise": x[st.LEVEL],
        "ambient_pressure": x[st.AMBIENT_PRESSURE],
        "ambient_temperature": x[st.AMBIENT_TEMPERATURE],
        "surroundings_settled": x[st.AMBIENT_PRESSURE] == p.ambient_pressure
        and x[st.AMBIENT_TEMPERATURE] == p.ambient_temperature
        and x[st.WATER_TEMPERATURE] == p.water_temperature,
    }


def controller(
    p: Parameters, parts: st.Memory, stores: st.Vector, lines: st.Vector, laps: LapView, checks: list[tuple[str, str]]
) -> dict[str, Any]:
    """The group `plc` alone, for a caller that looks at every step and needs no more; arguments as of `observe`."""
    x = parts.scalars.tolist()
    scale = float(lines[0, ledger.COMPRESSOR]) + x[st.ENERGY_SCALE]
    return _controller(p, x, stores.tolist(), scale, laps, checks)


def _controller(
    p: Parameters, x: list[float], energies: list[float], scale: float, laps: LapView, checks: list[tuple[str, str]]
) -> dict[str, Any]:
    """The group `plc`: state, set-point, trip, warnings in force, and advisories of the parameters."""
    state, trip = int(x[st.PLC_STATE]), int(x[st.TRIP])
    limit = trip_limit(trip, p)
    residuals = [residual / scale for residual in (energies[RESIDUAL_A], energies[RESIDUAL_B], energies[RESIDUAL_C])]
    warnings = active_warnings(p, x, laps.missed, laps.pulses, residuals)
    return {
        "state": plc.STATES[state],
        "speed_setpoint": x[st.SETPOINT],
        "speed_setpoint_rpm": x[st.SETPOINT] * _RPM,
        "injection_enabled": state in (plc.STARTING, plc.RUNNING),
        "brake_set": state in (plc.STOPPED, plc.PRESSURISING, plc.EMERGENCY_STOP, plc.TRIPPED),
        "trip": plc.TRIPS[trip] if trip != plc.NO_TRIP else None,
        "trip_limit": limit.text if limit is not None else None,
        "warnings": [each.text for each in warnings],
        "warning_limits": [each.limit.text for each in warnings if each.limit is not None],
        "warning_values": [each.value for each in warnings],
        "advisories": [text for text, _ in checks],
        "advisory_limits": [limit for _, limit in checks],
        "conditions": [each.plain() for each in (*stops(state, trip, p), *warnings)],
    }


def _ledger_group(totals: list[float], energies: list[float], x: list[float], scale: float) -> dict[str, float]:
    """Every line of the balance, the stored energies, and the residual R_A over its scale."""
    group = dict(zip(_LEDGER_NAMES, totals[: ledger.BALANCE_COUNT] + energies[: ledger.STORE_COUNT], strict=True))
    group["parameter_change"] = PARAMETER_CHANGE
    group["rebuilt"] = x[st.REBUILT_ENERGY]
    group["residual"] = energies[RESIDUAL_A]
    group["r_a"] = energies[RESIDUAL_A] / scale
    return group


def _sampled_group(sampled: list[float], residual: float, scale: float) -> dict[str, float]:
    """Every line re-integrated from sampled powers, and the residual R_B over its scale."""
    group = dict(zip(_BALANCE, sampled, strict=True))
    del group["reference"]
    group["residual"] = residual
    group["r_b"] = residual / scale
    return group


def _exergy_group(
    totals: list[float], entropy: list[float], x: list[float], energies: list[float], scale: float
) -> dict[str, float]:
    """Exergy in, out, stored and destroyed, and the residual R_C over its scale."""
    group = {
        "work_in": totals[ledger.COMPRESSOR] + totals[ledger.AUXILIARY],
        "unsourced": totals[ledger.UNSOURCED],
        "heat_exergy": entropy[exergy.HEAT_EXERGY],
        "environment": entropy[exergy.ENVIRONMENT],
        "dead_state": entropy[exergy.DEAD_STATE],
        "parameter_change": PARAMETER_CHANGE,
        "grid": totals[ledger.GRID],
        "stored": energies[EXERGY] - x[st.EXERGY_INITIAL],
        "losses": sum(totals[ledger.FIRST_LOSS : ledger.BALANCE_COUNT]),
    }
    group.update((f"destroyed_{name}", value) for name, value in zip(exergy.LINES, entropy, strict=False))
    parts = energies[EXERGY_PARTS:]
    group["stored_total"] = energies[EXERGY]
    group.update((f"stored_{name}", value) for name, value in zip(ledger.EXERGY_STORES, parts, strict=True))
    group["rebuilt"] = x[st.REBUILT_EXERGY]
    group["residual"] = energies[RESIDUAL_C]
    group["r_c"] = energies[RESIDUAL_C] / scale
    return group


def _hypotheses(p: Parameters, x: list[float], rates: list[float], totals: list[float]) -> dict[str, Any]:
    """Modes, forces and flows of the claims, and what each adds without a source."""
    group: dict[str, Any] = {
        "h1": p.h1_mode,
        "h2": p.h2_mode,
        "h3": p.h3_mode,
        "jet": p.jet_mode,
        "recovery": p.recovery_mode,
        "void_fraction": x[st.BUBBLE_VOID],
        "bubble_force": x[st.H1_FORCE],
        "airlift_force": x[st.AIRLIFT],
        "jet_flow": x[st.JET_FLOW],
        "jet_force": x[st.JET_FORCE],
        "recovered_flow": x[st.RECOVERED_FLOW],
    }
    for name, line in _UNSOURCED:
        group[f"unsourced_power_{name}"] = rates[line]
        group[f"unsourced_energy_{name}"] = totals[line]
    return group


def _link_voltage(energy: float, capacitance: float) -> float | None:
    """Voltage of the DC link [V]; None for a stiff link, which stores nothing."""
    return math.sqrt(max(0.0, 2.0 * energy / capacitance)) if capacitance > 0.0 else None
