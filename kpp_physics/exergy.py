"""The second law: exergy of air against ambient, and the exergy that each irreversible process destroys.

Exergy counts from air at ambient pressure p0 and temperature T0. What a process destroys is T0 times the entropy it
generates and can never be negative. Heat that leaves at T0 carries none, so mechanical and electrical losses are
destroyed whole: their lines are those of the energy ledger.
"""

import math
from dataclasses import dataclass
from typing import Final

from kpp_physics.compiled import inlined
from kpp_physics.table import Entry, Table


@dataclass(frozen=True)
class Line(Entry):
    """One line of the exergy ledger: destroyed, T0 S_gen, or entering besides work, of either sign."""

    destroyed: bool


TABLE: Final = Table[Line]("the exergy ledger")
"""Every line: what is destroyed, then what enters."""


def _destroyed(name: str, *, meaning: str) -> int:
    """Thermal exergy destruction T0 S_gen [J], never negative in any interval."""
    return TABLE.declare(Line(name, "J", meaning, destroyed=True))


def _entering(name: str, *, meaning: str) -> int:
    """Exergy that enters besides work [J]."""
    return TABLE.declare(Line(name, "J", meaning, destroyed=False))


COMPRESSOR: Final = _destroyed("compressor", meaning="losses of compressor and aftercooler")
RECEIVER_MIXING: Final = _destroyed(
    "receiver_mixing", meaning="mixing of the compressor's air with that of another temperature in the receiver"
)
RECEIVER_WALL: Final = _destroyed("receiver_wall", meaning="heat through the wall of the receiver")
RELIEF: Final = _destroyed("relief", meaning="relief valve")
VALVE: Final = _destroyed("valve", meaning="throttling in the injection valve, less what a jet makes of it")
POCKET_MIXING: Final = _destroyed(
    "pocket_mixing", meaning="mixing of the valve's air with that of another temperature in a pocket"
)
POCKET_HEAT: Final = _destroyed("pocket_heat", meaning="heat between water and pockets of another temperature")
VENT: Final = _destroyed("vent", meaning="vented air, which mixes with the surroundings")
RECOVERY: Final = _destroyed("recovery", meaning="air captured for recovery, until the compressor takes it")
BATH: Final = _destroyed("bath", meaning="heat between a finite bath and the surroundings")

HEAT_EXERGY: Final = _entering("heat_exergy", meaning="exergy of heat from water of another temperature")
ENVIRONMENT: Final = _entering("environment", meaning="work and exergy of heat of changing surroundings")
DEAD_STATE: Final = _entering(
    "dead_state",
    meaning="what the stores hold more because ambient pressure and temperature, from which they count, moved",
)

# The destroyed lines stand first, so that a line's number is also its place among them.
LINES: Final = tuple(line.name for line in TABLE if line.destroyed)
FLOWS: Final = tuple(line.name for line in TABLE if not line.destroyed)
COUNT: Final = len(TABLE)
LINE_COUNT: Final = len(LINES)


@inlined
def thermal_exergy(temperature: float, ambient: float, cp: float) -> float:
    """Exergy of air at ambient pressure and another temperature, cp (T - T0 - T0 ln(T/T0)) [J/kg], never negative.

    Args:
        temperature, ambient: T, T0 [K].
        cp: heat capacity [J/(kg K)].
    """
    # Zero at ambient temperature and above zero on both sides of it: cold air can drive an engine as warm air can.
    x = (temperature - ambient) / ambient
    # Close to ambient x and ln(1 + x) cancel to half their square: there the series, exact to 3e-13 of it.
    if abs(x) < 1e-3:
        return cp * ambient * x * x * (1.0 / 2.0 - x * (1.0 / 3.0 - x * (1.0 / 4.0 - x / 5.0)))
    return cp * ambient * (x - math.log1p(x))


@inlined
def mixing_loss(temperature: float, incoming: float, ambient: float, cp: float) -> float:
    """Exergy destroyed when air mixes into air of another temperature, cp T0 (ln(T/T_in) + T_in/T - 1) [J/kg].

    Args:
        temperature: of the air that is there [K].
        incoming: of the air that enters at the same pressure [K].
        ambient: T0 [K].
        cp: heat capacity [J/(kg K)].
    """
    # The same function with the temperature of the mixture as the dead state; T0/T brings it to ambient. Mixing is
    # irreversible whichever of the two is warmer, and so is this never negative.
    return thermal_exergy(incoming, temperature, cp) * ambient / temperature
