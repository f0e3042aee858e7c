"""The meters: means over the last complete laps, from the ledger totals kept at the end of every lap."""

from typing import Any, Final, Literal, NamedTuple

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
    "steady",
    "storage_change",
    "storage_share",
    "storage_limit",
    "net_power",
    "cop",
    "cop_raw",
    "cop_without_claims",
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

STEADY_SHARE: Final = 0.01
"""Change of the stored exergy over the energy taken in, up to which a window of several laps is steady."""

STEADY_SHARE_LAP: Final = 0.02
"""The same for a single lap: a load cycle of the compressor need not fit into it."""

STEADY, NO_LAP, NO_INTAKE, STORES_CHANGED = "none", "no_complete_lap", "nothing_taken_in", "stores_changed"
REASONS: Final = (STEADY, NO_LAP, NO_INTAKE, STORES_CHANGED)
"""Why a window is not steady: for no reason (it is), or no lap is complete, nothing was taken in, or the stores hold
more or less than before."""

Meters = dict[str, float | int | None]


class Window(NamedTuple):
    """Energies of a window from the end of one lap to the end of another, J.

    Attributes:
        laps: complete laps in it.
        exported: electric energy to the grid.
        imported: electric energy of compressor and auxiliaries.
        stored: exergy that the stores hold more at the end than at the beginning.
        environment: exergy that changing surroundings brought, where they brought some.
        heat: exergy that came with heat from water of another temperature than the air, 0 if it went.
        unsourced: energy without a source in the model.
    """

    laps: int
    exported: float
    imported: float
    stored: float
    environment: float
    heat: float
    unsourced: float

    @property
    def limit(self) -> float:
        """Largest share of `stored` in `imported` in a steady window."""
        return STEADY_SHARE if self.laps > 1 else STEADY_SHARE_LAP

    @property
    def share(self) -> float | None:
        """What the stores gave or took, over the energy taken in; None if nothing was."""
        return abs(self.stored) / self.imported if self.imported > 0.0 else None

    @property
    def reason(self) -> str:
        """Why this window gives no coefficient of performance, one of `REASONS`; `STEADY` if it gives one."""
        if self.share is None:
            return NO_INTAKE
        return STORES_CHANGED if self.share > self.limit else STEADY

    @property
    def steady(self) -> bool:
        """Whether it gives a coefficient of performance."""
        return self.reason == STEADY

    def cop(self, free: float = 0.0) -> float | None:
        """Export and gain of the stores over all that was taken from anywhere; None where nothing was.

        Never above 1 but by what claims add: a store that drains counts as a source, one that fills as a yield.

        Args:
            free: energy without a source to be counted as a source [J].
        """
        # Each term is counted on the side on which it is positive. Netted against each other, a store that fills would
        # make the denominator small and the quotient as large as one likes.
        taken = self.imported + max(0.0, -self.stored) + self.environment + self.heat + free
        return (self.exported + max(0.0, self.stored)) / taken if taken > 0.0 else None


def held(record: Any, kind: Literal["energy", "exergy"]) -> dict[str, float]:
    """Energy or exergy of every store at the end of a lap, J.

    Args:
        record: of the lap.
        kind: which of the two.
    """
    first, names = (st.LAP_STORES, ledger.STORES) if kind == "energy" else (st.LAP_EXERGY, ledger.EXERGY_STORES)
    return {name: float(record[first + place]) for place, name in enumerate(names)}


def window(records: list[Any], start: Any) -> Window:
    """The energies over `records`; see `between`."""
    last = records[-1]
    gained = [last[line] - start[line] for line in range(ledger.COUNT)]
    return Window(
        laps=len(records),
        exported=float(gained[ledger.GRID]),
        imported=float(gained[ledger.COMPRESSOR] + gained[ledger.AUXILIARY]),
        stored=sum(held(last, "exergy").values()) - sum(held(start, "exergy").values()),
        environment=float(gained[ledger.ENVIRONMENT_EXERGY]),
        heat=max(0.0, float(gained[ledger.HEAT_EXERGY])),
        unsourced=float(gained[ledger.UNSOURCED]),
    )


def compressor_power(records: list[Any], start: Any) -> tuple[float, int]:
    """Mean compressor power over whole load cycles, and how many there were.

    Averaged from the first to the last switching from idle to loaded, since laps and load cycles do not match. Over
    the laps themselves if the compressor switched less than twice, or if the laps differ from that mean by more than
    a load cycle holds: then the cycles do not stand for the laps, as after a change of the pressures.

    Args:
        records: lap records, oldest first.
        start: the record of the lap before them.
    """
    switched = [record for record in records if record[st.LOADS] > 0]
    # Laps without a switch keep the marks of earlier ones, so only those that had one are looked at.
    loads = int(sum(record[st.LOADS] for record in switched))
    span = records[-1][st.LAP_TIME] - start[st.LAP_TIME]
    total = records[-1][ledger.COMPRESSOR] - start[ledger.COMPRESSOR]
    if loads < 2:
        return float(total / span), 0
    # From the first to the last switching to loaded: loads - 1 whole cycles, wherever the laps begin and end.
    cycles = switched[-1][st.LAST_LOAD_TIME] - switched[0][st.FIRST_LOAD_TIME]
    energy = switched[-1][st.LAST_LOAD_ENERGY] - switched[0][st.FIRST_LOAD_ENERGY]
    # The laps can hold at most one load cycle more or less than the mean says; if they differ by more, the cycles are
    # those of other pressures or of a start.
    if abs(total - energy / cycles * span) > energy / (loads - 1):
        return float(total / span), 0
    return float(energy / cycles), loads - 1


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
    result["steady"] = False
    if not records:
        return result
    last = records[-1]
    rate = 1.0 / (last[st.LAP_TIME] - start[st.LAP_TIME])
    # Totals at both ends over the time between: what is booked is what is metered, and no sample is lost between two
    # laps.
    for name, line in _MEANS:
        result[name] = (last[line] - start[line]) * rate
    for name, column, extreme in _EXTREMES:
        value = extreme([record[column] for record in records])
        # A lap without a pocket of air has no coldest one: the mark for nothing is no number of kelvin.
        result[name] = value if abs(value) < st.EMPTY_LOW else None
    power, _ = compressor_power(records, start)
    paid = power + (last[ledger.AUXILIARY] - start[ledger.AUXILIARY]) * rate
    grid = (last[ledger.GRID] - start[ledger.GRID]) * rate
    result["generator_rpm"] = (last[ledger.SHAFT_ANGLE] - start[ledger.SHAFT_ANGLE]) * rate * 9.549296585513721
    result["compressor_power"] = power
    # Net power and COP are given only where the stores hold at the end what they held at the start: otherwise they
    # would be those of a battery.
    whole = window(records, start)
    result.update(storage_change=whole.stored, storage_share=whole.share, storage_limit=whole.limit)
    result["steady"] = whole.steady
    result["cop_raw"] = whole.exported / whole.imported if whole.imported > 0.0 else None
    if whole.steady:
        result.update(net_power=grid - paid, cop=whole.cop(), cop_without_claims=whole.cop(whole.unsourced))
    return result


def lap_records(ring: Vector, laps: int, wanted: int) -> tuple[list[Any], Any]:
    """The last `wanted` complete laps (fewer if there are fewer) and the record before them, as plain lists.

    Args:
        ring: ring of lap records.
        laps: complete laps so far.
        wanted: laps asked for, at most `state.LAP_RING` - 1.
    """
    # One record fewer than the ring has: the lap before the first one is needed as the start.
    number = min(laps, wanted, st.LAP_RING - 1)
    rows = [ring[lap % st.LAP_RING].tolist() for lap in range(laps - number, laps + 1)]
    return rows[1:], rows[0]


def unsteady_reason(records: list[Any], start: Any) -> str:
    """Why the meters over `records` withhold net power and COP, one of `REASONS`."""
    return window(records, start).reason if records else NO_LAP
