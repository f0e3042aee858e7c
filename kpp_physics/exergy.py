"""The second law: exergy of air against ambient, and the exergy that each irreversible process destroys.

Exergy counts from air at ambient pressure p0 and temperature T0. What a process destroys is T0 times the entropy it
generates and can never be negative. Heat that leaves at T0 carries none, so mechanical and electrical losses are
destroyed whole: their lines are those of the energy ledger.
"""

import math
from typing import Final

from kpp_physics.compiled import inlined

LINES: Final = (
    "compressor",
    "receiver_mixing",
    "receiver_wall",
    "relief",
    "valve",
    "pocket_mixing",
    "pocket_heat",
    "vent",
    "recovery",
    "bath",
)
"""Thermal lines of exergy destruction T0 S_gen, J. Never negative in any interval."""

FLOWS: Final = ("heat_exergy", "environment", "dead_state")
"""Exergy that enters besides work, J: with heat from water of another temperature, with the work and heat of changing
surroundings, and because what is stored counts from ambient pressure and temperature, and these moved."""

COUNT: Final = len(LINES) + len(FLOWS)
LINE_COUNT: Final = len(LINES)
# fmt: off
(COMPRESSOR, RECEIVER_MIXING, RECEIVER_WALL, RELIEF, VALVE, POCKET_MIXING, POCKET_HEAT, VENT, RECOVERY, BATH,
 HEAT_EXERGY, ENVIRONMENT, DEAD_STATE) = range(COUNT)
# fmt: on


@inlined
def thermal_exergy(temperature: float, ambient: float, cp: float) -> float:
    """Exergy of air at ambient pressure and another temperature, cp (T - T0 - T0 ln(T/T0)) [J/kg], never negative.

    Args:
        temperature, ambient: T, T0 [K].
        cp: heat capacity [J/(kg K)].
    """
    x = (temperature - ambient) / ambient
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
    return thermal_exergy(incoming, temperature, cp) * ambient / temperature
