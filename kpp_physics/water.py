"""Water: drag of the floaters, the co-flow they drag along, and the exchange of water as pockets grow and shrink."""

from kpp_physics.compiled import inlined


@inlined
def drag(relative_speed: float, coefficient: float) -> float:
    """Drag of all floaters on the chain.

    Args:
        relative_speed: chain speed minus co-flow speed [m/s].
        coefficient: k_d = 1/2 rho N A_D chi B [kg/m].

    Returns:
        Force [N], > 0 brakes a chain that is faster than the water.
    """
    # The product of a value and its magnitude: quadratic, of the sign of the motion, and smooth through zero.
    return coefficient * relative_speed * abs(relative_speed)


@inlined
def coflow_correction(
    coflow: float,
    start: float,
    speed: float,
    drag_coefficient: float,
    bulk_coefficient: float,
    mass: float,
    h: float,
    lift: float = 0.0,
) -> tuple[float, float]:
    """One Newton correction of the mean co-flow speed over a step, by the implicit midpoint rule.

    Equation: M_w du/dt = F_d - 1/2 rho (A_s/2) K_w u|u| - F_a; with u_mean = (u_0 + u_1)/2 the energies close exactly.

    Args:
        coflow: present estimate of the mean co-flow speed over the step [m/s].
        start: co-flow speed at the start of the step [m/s].
        speed: mean chain speed over the step [m/s].
        drag_coefficient, bulk_coefficient: k_d and 1/2 rho (A_s/2) K_w [kg/m].
        mass: water in the shaft M_w [kg].
        h: step [s].
        lift: airlift of gas in the down shaft F_a [N], against the co-flow.

    Returns:
        The next estimate [m/s], and its sensitivity to the chain speed d(coflow)/d(speed) [-], 0 to 1.
    """
    # Midpoint: M_w (u_1 - u_0)/h = 2 M_w (u_mean - u_0)/h against the forces at u_mean.
    relative = speed - coflow
    inertia = 2.0 * mass / h
    residual = inertia * (coflow - start) - drag(relative, drag_coefficient) + drag(coflow, bulk_coefficient) + lift
    # d(u |u|)/du = 2 |u|; the slope is above 0, so that a correction never runs away.
    coupling = 2.0 * drag_coefficient * abs(relative)
    slope = inertia + coupling + 2.0 * bulk_coefficient * abs(coflow)
    return coflow - residual / slope, coupling / slope


@inlined
def exchange_force(ingested: float, speed: float, h: float) -> float:
    """Force that brings ingested water to the speed of the chain [N], > 0 brakes.

    Args:
        ingested: water taken in during the step [kg], of all floaters, none netted against another.
        speed: chain speed [m/s].
        h: step [s].
    """
    # Water comes in at rest: its impulse m v is taken from the chain within the step. Expelled water needs no such
    # force, since it leaves with the speed that it has.
    return ingested * speed / h
