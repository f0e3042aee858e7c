"""Air: the ideal gas of the pockets and the receiver, its compression, and its flow through the injection valve."""

import math

from kpp_physics import constants
from kpp_physics.compiled import inlined


@inlined
def adiabatic_mean(epsilon: float, exponent: float) -> float:
    """Mean of (p/p_n)^(exponent - 1) while the pressure changes from p_n to p_n (1 + epsilon), p linear in height.

    It is ((1 + epsilon)^exponent - 1)/(exponent epsilon): the adiabatic work of a pocket over the work at constant
    volume. 1 for epsilon = 0. Below 1e-3 a series of six terms, exact to double precision and free of cancellation.

    Args:
        epsilon: relative change of pressure [-], > -1.
        exponent: R/cp [-].
    """
    # A chain at rest or a level path gives epsilon = 0, where the closed form is 0/0.
    if abs(epsilon) < 1e-3:
        return 1.0 + 0.5 * (exponent - 1.0) * epsilon * (
            1.0
            + (exponent - 2.0)
            / 3.0
            * epsilon
            * (
                1.0
                + (exponent - 3.0)
                / 4.0
                * epsilon
                * (1.0 + (exponent - 4.0) / 5.0 * epsilon * (1.0 + (exponent - 5.0) / 6.0 * epsilon))
            )
        )
    return math.expm1(exponent * math.log1p(epsilon)) / (exponent * epsilon)


@inlined
def bucket_volume(energy: float, roof: float, exponent: float, stiffness: float) -> float:
    """Volume of a pocket [m3] from V (p_roof + c V) = k (E + c V^2/2); k E/p_roof for c = 0.

    Args:
        energy: E = H - c V^2/2 [J].
        roof: absolute pressure at the roof of the bucket [Pa].
        exponent: k = R/cp [-].
        stiffness: c = rho g/A_f [Pa/m3], 0 for a point pocket.
    """
    if stiffness == 0.0:
        return exponent * energy / roof
    # k H = p V at the interface, p = p_roof + c V and H = E + c V^2/2 give c (1 - k/2) V^2 + p_roof V - k E = 0: the
    # positive root, in the form that does not cancel for a small c. An empty pocket, E = 0, has no volume.
    root = math.sqrt(roof * roof + 4.0 * stiffness * (1.0 - 0.5 * exponent) * exponent * energy)
    return 2.0 * exponent * energy / (roof + root)


@inlined
def relaxation(x: float) -> float:
    """1 - exp(-x) for x >= 0 [-]: the share of a difference that exchange takes away. Exact for tiny x."""
    if x < 1e-2:
        # Every pocket needs it in every step: reciprocals, since a division takes several times as long.
        return x * (
            1.0 - x * 0.5 * (1.0 - x * (1.0 / 3.0) * (1.0 - x * 0.25 * (1.0 - x * 0.2 * (1.0 - x * (1.0 / 6.0)))))
        )
    return -math.expm1(-x)


@inlined
def relative_gain(gain: float) -> float:
    """ln(1 + gain) [-]: the entropy of heat at constant pressure, over the heat capacity.

    Where the gain is small it is the trapezoid of 1/T, which is wrong by gain^3/6 and spares
    the logarithm in all but the smallest pockets.
    """
    # An ordinary pocket gains 1e-5 of its heat in a step.
    if abs(gain) < 1e-4:
        return 0.5 * gain * (1.0 + 1.0 / (1.0 + gain))
    return math.log1p(gain)


@inlined
def sampled_mean(difference: float, x: float, share: float) -> float:
    """Mean of a temperature difference over a step in which it relaxes, from samples: trapezoid with end correction.

    For the second ledger, which integrates sampled powers. A stiff exchange (x of order 1) is sampled inside the step.

    Args:
        difference: at the start of the step [K].
        x: step over time constant [-], >= 0.
        share: relaxation(x), which the caller has at hand [-].

    Returns:
        Mean [K]; error below (x/n)^4/720 of it with n = 1 + floor(4 x) intervals.
    """
    if x < 0.25:
        return difference * (1.0 - share * (0.5 + x * (1.0 / 12.0)))
    intervals = 1 + int(4.0 * x)  # within the limits of the parameters at most some fifty
    part = x / intervals
    lost = relaxation(part)
    total = 0.0
    for _ in range(intervals):
        following = difference - difference * lost
        # Euler and Maclaurin: the trapezoid less h^2/12 times the difference of the slopes, which are -x times the
        # value.
        total += 0.5 * (difference + following) - part / 12.0 * (difference - following)
        difference = following
    return total / intervals


@inlined
def heat_from_water(
    mass: float, enthalpy: float, water_temperature: float, conductance: float, cp: float, h: float
) -> tuple[float, float]:
    """Heat that a pocket takes from the water in one step, exact for constant pressure.

    Args:
        mass: air in the pocket [kg]; below 1e-3 kg no heat flows.
        enthalpy: m cp T of the pocket [J].
        water_temperature: [K].
        conductance: UA of the pocket [W/K].
        cp: heat capacity at constant pressure [J/(kg K)].
        h: step [s].

    Returns:
        Heat [J], > 0 into the pocket; and the same from samples of UA (T_w - T).
    """
    if mass < constants.HEAT_MINIMUM_MASS:
        return 0.0, 0.0
    # dT/dt = UA (T_w - T)/(m cp) at constant pressure: solved by the exponential, whatever the step.
    capacity = mass * cp
    x = conductance * h / capacity
    share = relaxation(x)
    difference = water_temperature - enthalpy / capacity
    return capacity * difference * share, conductance * h * sampled_mean(difference, x, share)


@inlined
def filling_excess(mass: float, start: float, excess: float, incoming: float, exchange: float) -> float:
    """How much warmer than the water a pocket is while it fills at a constant rate, in closed form [K].

    With m growing linearly, m dT/dt = mdot (T_in - T) - UA/cp (T - T_w) is solved by a power of m.

    Args:
        mass, start: air in the pocket now, and when its temperature was `excess` [kg].
        excess, incoming: T - T_w at the start, and of the air that enters [K].
        exchange: UA/(cp mdot) [-].
    """
    # y = T - T_w over ln m: dy/d(ln m) = y_in - (1 + exchange) y. It tends to what inflow and water balance, and what
    # differs from that dies with m^-(1 + exchange); without heat (exchange 0) this is plain mixing.
    limit = incoming / (1.0 + exchange)
    return limit + (excess - limit) * math.exp((1.0 + exchange) * math.log(start / mass))


@inlined
def heat_while_filling(
    mass: float,
    enthalpy: float,
    caught: float,
    incoming: float,
    water_temperature: float,
    conductance: float,
    cp: float,
    duration: float,
) -> tuple[float, float, float]:
    """Heat that a pocket takes from the water while air enters at a constant rate, exact for constant pressure.

    A small pocket comes close to the water's temperature within a step, so the heat has to follow the air as it enters.

    Args:
        mass, enthalpy: with the air that entered, and without heat [kg, J].
        caught, incoming: air that entered, and its temperature [kg, K].
        water_temperature, conductance, cp: as for `heat_from_water`.
        duration: of the filling [s].

    Returns:
        Heat [J], > 0 into the pocket; the same by Simpson's rule over samples of UA (T_w - T); and, by the same rule,
        the entropy that is made where the heat passes from one temperature to the other, UA (T_w - T)^2/(T_w T) [J/K].
    """
    if caught <= 0.0 or duration <= 0.0 or mass <= constants.HEAT_MINIMUM_MASS:
        return 0.0, 0.0, 0.0
    # T - T_w as a function of the mass, from the mass at which heat begins to flow; heat is what the enthalpy of water
    # temperature and inflow does not account for.
    before = mass - caught
    start = max(before, constants.HEAT_MINIMUM_MASS)  # below it no heat flows
    inside = incoming - water_temperature
    # What the pocket holds at `start` above the water's temperature. All of the inflow comes at one temperature, so the
    # air that enters before heat flows is taken off at that temperature.
    enough = enthalpy - (mass - start) * cp * incoming - start * cp * water_temperature
    excess = enough / (start * cp)
    exchange = conductance * duration / (cp * caught)
    last = filling_excess(mass, start, excess, inside, exchange)
    # First law: above the water's temperature the pocket has at the end what it had, what the air brought, and the
    # heat.
    heat = mass * cp * last - enough - (mass - start) * cp * inside
    # For the second ledger, Simpson's rule over UA (T_w - T) at start, middle and end of the time in which heat flows:
    # a sum of powers, not the balance of enthalpies that it checks.
    middle = filling_excess(0.5 * (start + mass), start, excess, inside, exchange)
    span = duration * (mass - start) / caught
    made = excess * excess / (water_temperature + excess)
    made += 4.0 * middle * middle / (water_temperature + middle)
    made += last * last / (water_temperature + last)
    weight = conductance * span / 6.0
    return heat, -weight * (excess + 4.0 * middle + last), weight * made / water_temperature


@inlined
def compression_work(ratio: float, factor: float, exponent: float, isothermal: float) -> float:
    """Electric work to compress 1 kg of ambient air.

    Args:
        ratio: absolute delivery pressure over ambient pressure [-].
        factor: cp T0/eta_is (isentropic) or R T0 (isothermal) [J/kg].
        exponent: R/cp [-].
        isothermal: 1 for the reversible isothermal bound R T0 ln(ratio), 0 for isentropic.

    Returns:
        Work [J/kg], 0 at ratio 1.
    """
    if isothermal != 0.0:
        return factor * math.log(ratio)
    # expm1: close to ambient pressure the power and the 1 are nearly equal, and their difference has no digits.
    return factor * math.expm1(exponent * math.log(ratio))


@inlined
def flow_function(ratio: float, critical: float) -> float:
    """Share of the sonic flow that a valve passes (ISO 6358): 1 when choked, 0 against equal or higher pressure.

    Args:
        ratio: absolute pressure behind over before the valve [-].
        critical: critical pressure ratio b [-].
    """
    if ratio <= critical:
        return 1.0
    if ratio >= 1.0:
        return 0.0
    # The ellipse has an infinite slope at 1, where any step would overshoot: a chord takes its place there.
    edge = constants.VALVE_LINEAR_RATIO
    root = (min(ratio, edge) - critical) / (1.0 - critical)
    share = math.sqrt(1.0 - root * root)
    if ratio > edge:
        share *= (1.0 - ratio) / (1.0 - edge)
    return share


@inlined
def valve_flow(pressure: float, temperature: float, ratio: float, conductance: float, critical: float) -> float:
    """Mass flow through the open injection valve (ISO 6358).

    Args:
        pressure, temperature: air before the valve [Pa, K].
        ratio: absolute pressure behind over before the valve [-].
        conductance: sonic conductance C [m3/(s Pa)].
        critical: critical pressure ratio b [-].

    Returns:
        Mass flow [kg/s], never negative: the valve is a check valve.
    """
    # Choked flow is proportional to the density before the valve and to the speed of sound there: p C rho_ref
    # sqrt(T_ref/T).
    sonic = pressure * conductance * constants.VALVE_REFERENCE_DENSITY
    return sonic * math.sqrt(constants.VALVE_REFERENCE_TEMPERATURE / temperature) * flow_function(ratio, critical)


@inlined
def relief_share(pressure: float, limit: float, exponent: float) -> float:
    """Share of the air that must leave a rigid vessel for its pressure to fall to the limit, isentropic inside.

    Args:
        pressure, limit: absolute [Pa].
        exponent: R/cp [-]; cv/cp = 1 - exponent.
    """
    if pressure <= limit:
        return 0.0
    # What stays expands isentropically in a fixed volume: m varies as p^(1/gamma), and 1/gamma = 1 - R/cp.
    return -math.expm1((1.0 - exponent) * math.log(limit / pressure))
