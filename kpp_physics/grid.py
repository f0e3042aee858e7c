"""The frequency converter and the grid connection."""

from kpp_physics import constants
from kpp_physics.compiled import inlined


@inlined
def stage_loss(load: float, rating: float, c0: float, c1: float, c2: float) -> float:
    """Loss of one of the two converter stages [W].

    Args:
        load: current or power over its rating [-], >= 0.
        rating: P_cr [W].
        c0, c1, c2: constant, linear and quadratic loss of both stages over the rating [-].
    """
    # Half of the losses of both: each stage carries the whole power.
    return 0.5 * rating * (c0 + c1 * load + c2 * load * load)


@inlined
def converter_power(
    generator_power: float, current: float, rated_current: float, rating: float, c0: float, c1: float, c2: float
) -> tuple[float, float, float]:
    """Power through both stages.

    Args:
        generator_power: at the terminals [W].
        current, rated_current: [A peak].
        rating, c0, c1, c2: as in `stage_loss`.

    Returns:
        Power into the DC link [W], power to the grid [W, < 0 is import], loss of both stages [W].
    """
    machine_side = stage_loss(abs(current) / rated_current, rating, c0, c1, c2)
    dc = generator_power - machine_side
    grid_side = stage_loss(abs(dc) / rating, rating, c0, c1, c2)
    return dc, dc - grid_side, machine_side + grid_side


@inlined
def droop(frequency: float, nominal: float, statism: float) -> float:
    """Change of power over its reference above 50.2 Hz [-], <= 0: -(f - 50.2)/(s f_n).

    Args:
        frequency, nominal: [Hz].
        statism: droop s [-].
    """
    # Usual practice (VDE-AR-N 4110): nothing is reduced up to 50.2 Hz.
    return min(0.0, -(frequency - 50.2 * nominal / 50.0) / (statism * nominal))


@inlined
def may_close(frequency: float, voltage: float, error: float) -> bool:
    """Synchronisation check before the breaker closes: 0.2 Hz, 5 %, 15 degrees.

    Args:
        frequency: of the grid [Hz].
        voltage: of the grid over nominal [-].
        error: what the synchroniser has not yet removed of the differences in frequency and angle, 1 to 0 [-]; the
            angle starts at its worst, 180 degrees.
    """
    return (
        abs(frequency - constants.GRID_FREQUENCY) * error <= constants.SYNC_FREQUENCY
        and abs(voltage - 1.0) <= constants.SYNC_VOLTAGE
        and 180.0 * error <= constants.SYNC_ANGLE
    )


@inlined
def must_open(frequency: float, voltage: float) -> bool:
    """Whether the grid is outside the band in which a converter may stay connected: 47.5 to 51.5 Hz, 15 %.

    Args:
        frequency: of the grid [Hz].
        voltage: of the grid over nominal [-].
    """
    # Usual practice (VDE-AR-N 4110): a plant separates below 47.5 and above 51.5 Hz.
    return frequency < 47.5 or frequency > 51.5 or abs(voltage - 1.0) > 0.15
