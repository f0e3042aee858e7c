"""The frequency converter and the grid connection."""

from kpp_physics.compiled import inlined


@inlined
def stage_loss(load: float, rating: float, c0: float, c1: float, c2: float) -> float:
    """Loss of one of the two converter stages [W].

    Args:
        load: current or power over its rating [-], >= 0.
        rating: P_cr [W].
        c0, c1, c2: constant, linear and quadratic loss of both stages over the rating [-].
    """
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
    return min(0.0, -(frequency - 50.2 * nominal / 50.0) / (statism * nominal))
