"""The meters: means over the last complete laps, from the ledger totals kept at the end of every lap."""

from typing import Any, Final

from kpp_physics import ledger
from kpp_physics import state as st
from kpp_physics.state import Vector

DEFAULT_LAPS: Final = 5
"""Laps in the means that a plant shows."""

_MEANS: Final = (
    ("chain_speed", ledger.CHAIN_TRAVEL),
    ("auxiliary_power", ledger.AUXILIARY),
    ("buoyancy_power", ledger.BUOYANCY),
    ("shaft_power", ledger.SHAFT),
    ("grid_power", ledger.GRID),
    ("air_mass_flow", ledger.AIR_VALVE),
    ("drag_power", ledger.DRAG),
    ("heat_from_water", ledger.HEAT_FROM_WATER),
    ("water_exchange_power", ledger.WATER_EXCHANGE),
    ("chain_friction_power", ledger.CHAIN_FRICTION),
    ("unsourced_power", ledger.UNSOURCED),
)
_EXTREMES: Final = (
    ("tension_max", st.LAP_TENSION_MAX, max),
    ("tension_min", st.LAP_TENSION_MIN, min),
    ("receiver_pressure_min", st.LAP_PRESSURE_MIN, min),
    ("receiver_pressure_max", st.LAP_PRESSURE_MAX, max),
    ("pocket_temperature_min", st.LAP_COLDEST, min),
)
NAMES: Final = (
    "laps",
    "chain_speed",
    "generator_rpm",
    "compressor_power",
    "auxiliary_power",
    "buoyancy_power",
    "shaft_power",
    "grid_power",
    "net_power",
    "cop",
    "air_mass_flow",
    "drag_power",
    "heat_from_water",
    "water_exchange_power",
    "chain_friction_power",
    "unsourced_power",
    "tension_max",
    "tension_min",
    "receiver_pressure_min",
    "receiver_pressure_max",
    "pocket_temperature_min",
)

Meters = dict[str, float | int | None]


def compressor_power(records: list[Any], start: Any) -> tuple[float, int]:
    """Mean compressor power over whole load cycles, and how many there were.

    Averaged from the first to the last switching from idle to loaded, since laps and load cycles do not match; over
    the laps themselves if the compressor switched less than twice.

    Args:
        records: lap records, oldest first.
        start: the record of the lap before them.
    """
    switched = [record for record in records if record[st.LOADS] > 0]
    loads = int(sum(record[st.LOADS] for record in switched))
    if loads < 2:
        span = records[-1][st.LAP_TIME] - start[st.LAP_TIME]
        return float((records[-1][ledger.COMPRESSOR] - start[ledger.COMPRESSOR]) / span), 0
    span = switched[-1][st.LAST_LOAD_TIME] - switched[0][st.FIRST_LOAD_TIME]
    energy = switched[-1][st.LAST_LOAD_ENERGY] - switched[0][st.FIRST_LOAD_ENERGY]
    return float(energy / span), loads - 1


def between(records: list[Any], start: Any) -> dict[str, float]:
    """Means over the time of `records`, one per complete lap, oldest first; `start` is the record before them.

    Returns:
        The mean power of every ledger line, W (for counters: their unit per second), under "mean_" and its name.
    """
    span = records[-1][st.LAP_TIME] - start[st.LAP_TIME]
    return {name: float((records[-1][line] - start[line]) / span) for line, name in enumerate(ledger.LINES)}


def meters(records: list[Any], start: Any) -> Meters:
    """The meters over `records`; see `between`. All null without a complete lap."""
    result: Meters = dict.fromkeys(NAMES)
    result["laps"] = len(records)
    if not records:
        return result
    last = records[-1]
    rate = 1.0 / (last[st.LAP_TIME] - start[st.LAP_TIME])
    for name, line in _MEANS:
        result[name] = (last[line] - start[line]) * rate
    for name, column, extreme in _EXTREMES:
        value = extreme([record[column] for record in records])
        result[name] = value if abs(value) < st.EMPTY_LOW else None
    power, _ = compressor_power(records, start)
    paid = power + (last[ledger.AUXILIARY] - start[ledger.AUXILIARY]) * rate
    grid = (last[ledger.GRID] - start[ledger.GRID]) * rate
    result["generator_rpm"] = (last[ledger.SHAFT_ANGLE] - start[ledger.SHAFT_ANGLE]) * rate * 9.549296585513721
    result["compressor_power"] = power
    result["net_power"] = grid - paid
    result["cop"] = grid / paid if paid > 0.0 else None
    return result


def lap_records(ring: Vector, laps: int, wanted: int) -> tuple[list[Any], Any]:
    """The last `wanted` complete laps (fewer if there are fewer) and the record before them, as plain lists.

    Args:
        ring: ring of lap records.
        laps: complete laps so far.
        wanted: laps asked for, at most `state.LAP_RING` - 1.
    """
    number = min(laps, wanted, st.LAP_RING - 1)
    rows = [ring[lap % st.LAP_RING].tolist() for lap in range(laps - number, laps + 1)]
    return rows[1:], rows[0]
