"""What a plant shows of itself, in groups by physical part: plain numbers, text and lists."""

import math
from typing import Any, Final

from kpp_physics import coefficients as C
from kpp_physics import constants, ledger, meters, plc
from kpp_physics import state as S
from kpp_physics.generator import terminal_voltages
from kpp_physics.kernel import (
    SURVEY_FILL,
    SURVEY_HEIGHT,
    SURVEY_MASS,
    SURVEY_POSITION,
    SURVEY_TEMPERATURE,
)
from kpp_physics.parameters import Parameters

Observation = dict[str, dict[str, Any]]

_COMPRESSOR_MODES: Final = ("off", "idle", "loaded")
_RPM: Final = 30.0 / math.pi
_POWER_LINES: Final = tuple(
    (name, line) for line, name in enumerate(ledger.LINES)
    if name in {*ledger.INPUTS, *ledger.OUTPUTS, "buoyancy", "shaft"} - {"parameter_change"})
_INPUTS: Final = tuple((name, line) for line, name in enumerate(ledger.LINES) if name in ledger.INPUTS)
_OUTPUTS: Final = tuple((name, line) for line, name in enumerate(ledger.LINES) if name in ledger.OUTPUTS)


def observe(p: Parameters, coefficients: S.Vector, parts: S.Memory, floaters: S.Vector,
            stores: S.Vector) -> Observation:
    """The groups of a state frame.

    Args:
        p: parameters.
        coefficients, parts: of the plant.
        floaters, stores: from `kernel.survey`.
    """
    c, x = coefficients.tolist(), parts.scalars.tolist()
    totals, remainders, last = parts.ledger.tolist()
    R = c[C.GAS_CONSTANT]
    cv = c[C.CP_AIR] - R
    per_second = 1.0 / constants.STEP
    power = {name: last[line] * per_second for name, line in _POWER_LINES}
    serving = x[S.SERVED] >= 0
    served = int(x[S.SERVED])
    taken = power["compressor"] + power["auxiliary"]
    state = int(x[S.PLC_STATE])
    books = ledger_group(totals, remainders, stores.tolist(), x[S.STORED_INITIAL])
    voltage_d, voltage_q = terminal_voltages(
        x[S.CURRENT], x[S.CURRENT_SLOPE], x[S.SHAFT_SPEED], c[C.POLE_PAIRS], c[C.FLUX_LINKAGE], c[C.INDUCTANCE],
        c[C.RESISTANCE])
    records, before = meters.lap_records(parts.ring, int(x[S.RECORDED_LAPS]), meters.DEFAULT_LAPS)
    rows = floaters.tolist()
    return {
        "chain": {
            "position": x[S.LAPS] * c[C.LOOP_LENGTH] + x[S.POSITION],
            "speed": x[S.SPEED],
            "loop_length": c[C.LOOP_LENGTH],
            "laps": int(x[S.RECORDED_LAPS]),
            "coflow_speed": x[S.COFLOW],
            "buoyancy_force": x[S.BUOYANCY_FORCE],
            "shell_force": x[S.SHELL_FORCE],
            "drag_force": x[S.DRAG_FORCE],
            "exchange_force": x[S.EXCHANGE_FORCE],
            "friction_force": x[S.FRICTION_FORCE],
            "brake_force": x[S.BRAKE_FORCE],
            "pto_force": x[S.PTO_FORCE],
            "tension_max": x[S.TENSION_MAX],
            "tension_min": x[S.TENSION_MIN],
        },
        "floaters": {
            "position": rows[SURVEY_POSITION],
            "height": rows[SURVEY_HEIGHT],
            "fill": rows[SURVEY_FILL],
            "air_mass": rows[SURVEY_MASS],
            "temperature": [value if value == value else None for value in rows[SURVEY_TEMPERATURE]],
        },
        "receiver": {
            "pressure": R * x[S.RECEIVER_ENERGY] / (cv * c[C.RECEIVER_VOLUME]),
            "temperature": x[S.RECEIVER_ENERGY] / (x[S.RECEIVER_MASS] * cv),
            "air_mass": x[S.RECEIVER_MASS],
        },
        "compressor": {
            "mode": _COMPRESSOR_MODES[int(x[S.COMPRESSOR_MODE])],
            "power": power["compressor"],
            "mass_flow": last[ledger.AIR_INTAKE] * per_second,
        },
        "valve": {
            "mass_flow": x[S.SERVED_FLOW],
            "floater": served if serving else None,
            "delivered": float(parts.floaters[S.DELIVERED, served]) if serving else None,
            "target": c[C.TARGET_MASS],
            "pulses": int(x[S.PULSES]),
            "missed": int(x[S.MISSED]),
        },
        "drivetrain": {
            "sprocket_speed": x[S.SPEED] / c[C.RADIUS],
            "shaft_speed": x[S.SHAFT_SPEED],
            "shaft_speed_rpm": x[S.SHAFT_SPEED] * _RPM,
            "clutch_locked": x[S.LOCKED] != 0.0,
            "clutch_torque": x[S.CLUTCH_TORQUE],
        },
        "generator": {
            "torque": x[S.TORQUE],
            "shaft_torque": x[S.SHAFT_TORQUE],
            "power": x[S.GENERATOR_POWER],
            "current_d": 0.0,
            "current_q": x[S.CURRENT],
            "voltage_d": voltage_d,
            "voltage_q": voltage_q,
            "winding_temperature": x[S.WINDING_TEMPERATURE],
        },
        "converter": {"on": x[S.CONVERTER_ON] != 0.0, "dc_power": x[S.DC_POWER], "loss": power["converter"]},
        "grid": {
            "export_power": power["grid"],
            "import_power": taken,
            "net_power": power["grid"] - taken,
            "export_energy": books["grid"],
            "import_energy": books["compressor"] + books["auxiliary"],
            "frequency": constants.GRID_FREQUENCY,
        },
        "plc": {
            "state": plc.STATES[state],
            "speed_setpoint": x[S.SETPOINT],
            "speed_setpoint_rpm": x[S.SETPOINT] * _RPM,
            "injection_enabled": state in (plc.STARTING, plc.RUNNING),
            "brake_set": state in (plc.STOPPED, plc.PRESSURISING, plc.EMERGENCY_STOP, plc.TRIPPED),
            "trip": plc.TRIPS[int(x[S.TRIP])] if x[S.TRIP] else None,
            "warnings": _warnings(p, x, records, before),
        },
        "powers": power,
        "ledger": books,
        "meters": meters.meters(records, before),
    }


def ledger_group(
    totals: list[float], remainders: list[float], stores: list[float], stored_initial: float
) -> dict[str, float]:
    """Every line of the balance, the stored energies, and the residual R_A over its scale.

    Args:
        totals, remainders: ledger lines and what rounding kept from them [J].
        stores: stored energies now [J].
        stored_initial: stored energy at the start [J].
    """
    taken_in = {name: totals[line] + remainders[line] for name, line in _INPUTS}
    given_out = {name: totals[line] + remainders[line] for name, line in _OUTPUTS}
    residual = math.fsum([
        *stores, -stored_initial,
        *(-totals[line] for _, line in _INPUTS), *(-remainders[line] for _, line in _INPUTS),
        *(totals[line] for _, line in _OUTPUTS), *(remainders[line] for _, line in _OUTPUTS)])
    scale = taken_in["compressor"] + abs(stored_initial)
    return {
        **taken_in, **given_out,
        **{f"stored_{name}": value for name, value in zip(ledger.STORES, stores, strict=True)},
        "residual": residual, "r_a": residual / scale,
    }


def _warnings(p: Parameters, x: list[float], records: list[Any], before: Any) -> list[str]:
    """Warnings in force."""
    found = []
    if x[S.COLDEST] < constants.ICING_TEMPERATURE:
        found.append(f"icing: coldest pocket at {x[S.COLDEST]:.1f} K, below {constants.ICING_TEMPERATURE} K")
    if x[S.WINDING_TEMPERATURE] > constants.WINDING_WARNING_TEMPERATURE:
        found.append(f"winding at {x[S.WINDING_TEMPERATURE]:.1f} K, above {constants.WINDING_WARNING_TEMPERATURE} K")
    if x[S.TENSION_MAX] > 0.9 * p.chain_tension_limit:
        found.append(f"chain tension {x[S.TENSION_MAX] / 1e3:.1f} kN, above 90 % of {p.chain_tension_limit / 1e3:g} kN")
    if records:
        missed = records[-1][S.LAP_MISSED] - before[S.LAP_MISSED]
        pulses = records[-1][S.LAP_PULSES] - before[S.LAP_PULSES] + missed
        if missed > 0.1 * pulses:
            found.append(f"{missed:.0f} of {pulses:.0f} pulses missed their target mass, more than 10 %")
    return found
