"""The water jet: what leaves a served bucket through its outlet while air pushes it out."""

import math

from kpp_physics import coefficients as co
from kpp_physics import hypotheses
from kpp_physics import state as st
from kpp_physics.air import bucket_volume, heat_from_water, heat_while_filling, valve_flow
from kpp_physics.compiled import inlined
from kpp_physics.state import Vector

SHORTEST = 1e-6
"""Share of a step below which nothing flows: a volume's rounding error would look like a flow."""

HALVINGS = 52
"""Bisections of a flow, always all of them: the bracket shrinks to 2^-52 of the first, which is a rounding error of it.
There is nothing to converge, and so nothing that could be left over."""


@inlined
def expelled(
    c: Vector,
    energy: float,
    roof: float,
    stiffness: float,
    start: float,
    limit: float,
    expansion: float,
    paid: float,
    duration: float,
) -> float:
    """Water that a pocket pushes out, max(dV/dt, 0) [m3/s], while air or heat comes in.

    Args:
        energy: E = H - 1/2 c V^2 of the pocket at the end, before it pays for the jet [J].
        roof, stiffness: absolute pressure at the roof and stiffness of the bucket [Pa, Pa/m3].
        start: volume at the start [m3].
        limit: most that the tilted bucket can hold; what is more spills and pushes no water [m3].
        expansion: rate of volume that the way up adds, in the whole step alike [m3/s].
        paid: what the pocket pays for the jet meanwhile [J].
        duration: [s].
    """
    # More than a pocket has it cannot pay: its volume, and with it the flow, ends at 0.
    volume = bucket_volume(max(0.0, energy - paid), roof, c[co.GAS_EXPONENT], stiffness)
    # Q = max(dV/dt, 0): a pocket that shrinks takes water in by its mouth, and the outlet has nothing to do with that.
    return max(0.0, expansion + (min(volume, limit) - start) / duration)


@inlined
def outlet_flow(
    c: Vector, energy: float, roof: float, stiffness: float, start: float, expansion: float, duration: float
) -> float:
    """Flow through the outlet of a physical jet while the bucket takes all the air [m3/s].

    It is the flow that is left after the pocket has paid for it: the root of a falling function.

    Args:
        energy, roof, stiffness, start, expansion, duration: as for `expelled`; before the pocket pays.
    """
    flow = expelled(c, energy, roof, stiffness, start, math.inf, expansion, 0.0, duration)
    if flow == 0.0:
        return 0.0
    rho, area, discharge = c[co.WATER_DENSITY], c[co.JET_AREA], c[co.JET_DISCHARGE]
    # What is expelled less the flow falls with the flow: the larger it is the more the pocket pays. It is not below 0
    # at no flow, and not above 0 at the flow that costs nothing: the root lies between, and stays there.
    low, high = 0.0, flow
    for _ in range(HALVINGS):
        flow = 0.5 * (low + high)
        paid = hypotheses.jet_power(flow, rho, area, discharge) * duration
        if expelled(c, energy, roof, stiffness, start, math.inf, expansion, paid, duration) < flow:
            high = flow
        else:
            low = flow
    return low


@inlined
def paid_spout(
    c: Vector,
    x: Vector,
    energy: float,
    roof: float,
    stiffness: float,
    start: float,
    limit: float,
    widening: float,
    expansion: float,
    available: float,
    at_first: float,
    duration: float,
    h: float,
) -> float:
    """Let out the water that a growing pocket displaces, and pays for; returns what it pays [J].

    As long as the bucket takes all the air, the air pushes the water out; once it is full, only as much leaves as it
    gains in volume while it comes upright. The power scales with the cube of the flow, so that one mean flow for both
    would be paid for far too low. The pressure behind the valve is what pushes; more than the exergy that the valve
    loses cannot be turned into a jet (the second law), and water beyond that leaves by the mouth, for nothing.

    Args:
        energy: E of the pocket with all the air and heat of the step, what spills of it included [J].
        limit: most that the bucket can hold at the end [m3].
        widening: rate at which the bucket holds more [m3/s].
        at_first: the flow until the bucket is full, where the valve knows it [m3/s], else infinite: more air comes once
            nothing pushes against the outlet, and the mean of a step in which that happens is too much.
        available: most that the pocket can pay [J].
        roof, stiffness, start, expansion, duration: as for `outlet_flow`.
        h: step [s].
    """
    flow = outlet_flow(c, energy, roof, stiffness, start, expansion, duration)
    if flow == 0.0:
        return 0.0
    room = limit - start
    # Only where the bucket gets full: before that the valve's flow and this one are the same.
    if (flow - expansion) * duration > room:
        flow = min(flow, at_first)
    # What the way up adds does not stop when the bucket is full, and is left out of the time until then.
    growth = flow - expansion
    growing, following = filled_after(room, growth, widening, duration)
    later = max(0.0, expansion + (room - growth * growing) / following) if following > SHORTEST * h else 0.0
    rho, area, discharge = c[co.WATER_DENSITY], c[co.JET_AREA], c[co.JET_DISCHARGE]
    # Powers times times: the cube of a mean flow would be far too low.
    paid = hypotheses.jet_power(flow, rho, area, discharge) * growing
    paid += hypotheses.jet_power(later, rho, area, discharge) * following
    if paid > available:
        share = math.pow(max(0.0, available) / paid, 1.0 / 3.0)  # the power scales with the cube of the flow
        flow, later, paid = flow * share, later * share, max(0.0, available)
    spout(c, x, flow, growing / h)
    spout(c, x, later, following / h)
    return paid


@inlined
def filled_after(room: float, growth: float, widening: float, duration: float) -> tuple[float, float]:
    """For how long a pocket grows with its air, and for how long with its bucket [s].

    Args:
        room: what the bucket can hold more at the end [m3].
        growth: of the pocket with its air [m3/s].
        widening: rate at which the bucket holds more [m3/s].
        duration: of both together [s].
    """
    if growth * duration <= room:
        return duration, 0.0
    # growth t + widening (duration - t) = room; full at once where the widening alone takes all the room.
    growing = 0.0
    if growth > widening:
        growing = min(max(0.0, (room - widening * duration) / (growth - widening)), duration)
    return growing, duration - growing


@inlined
def spout(c: Vector, x: Vector, flow: float, share: float) -> None:
    """Let water out in a share of the step [-].

    Thrust scales with the square of the flow and power with its cube: a mean flow over the step would not do.

    Args:
        flow: through the outlet meanwhile [m3/s].
    """
    rho, area = c[co.WATER_DENSITY], c[co.JET_AREA]
    x[st.JET_FLOW] += flow * share
    x[st.JET_THRUST] += hypotheses.jet_thrust(flow, rho, area) * share
    x[st.JET_POWER] += hypotheses.jet_power(flow, rho, area, c[co.JET_DISCHARGE]) * share


@inlined
def limit_thrust(c: Vector, x: Vector, displaced: float, mass: float, h: float) -> None:
    """Let no more water push than the pocket has given off by the end of the step, and no more than it pays for.

    Water that the pocket takes back while its air cools or is compressed leaves no thrust: counted, it would be more
    than the jet's power and the speed of the water together can pay for. The thrust of a jet about as fast as the chain
    would exceed that too, by a little: the water leaves with the speed at the start of the step, and the path is longer
    where the chain gains speed, be it as in the last step or, on a light chain, from the jet itself.

    Args:
        displaced: growth of the pocket in the whole step [m3].
        mass: what the chain moves [kg].
        h: step [s].
    """
    # The thrust is the jet's momentum; what flows back in through the mouth has none to give.
    poured, kept = x[st.JET_FLOW] * h, max(0.0, displaced)
    if poured > kept:
        x[st.JET_THRUST] *= kept / poured
    # F (v + F h/m) <= P_jet + e v^2/2: what jet and exchanged water have together is all that the chain may get.
    speed = x[st.SPEED]
    ahead = speed + max(0.0, x[st.ACCELERATION]) * h
    if ahead > 0.0:
        most = x[st.JET_POWER] + 0.5 * c[co.WATER_DENSITY] * kept / h * speed * speed
        # The thrust F of F (v + F h/m) = most.
        x[st.JET_THRUST] = min(
            x[st.JET_THRUST], 2.0 * most / (ahead + math.sqrt(ahead * ahead + 4.0 * h / mass * most))
        )


@inlined
def claimed_spout(
    c: Vector,
    x: Vector,
    start: float,
    volume: float,
    limit: float,
    widening: float,
    expansion: float,
    duration: float,
    h: float,
) -> None:
    """Let out, for nothing, the water that a growing pocket displaces.

    The pocket grows with the air until the bucket is full, and from then on with the bucket, which holds more the more
    upright it stands. Taken together as one mean flow the two would push too little or, with the air's, too much.

    Args:
        start, volume: of the pocket before and after, before anything spills [m3].
        limit: most that the bucket can hold at the end [m3].
        widening: rate of `limit` [m3/s].
        expansion, duration: as for `expelled`.
        h: step [s].
    """
    # In no time there is no flow; the quotient below would be a rounding error over a rounding error.
    if duration < SHORTEST * h:
        return
    flow = expansion + (volume - start) / duration
    if flow <= 0.0:
        return
    room = limit - start
    growing, following = filled_after(room, flow, widening, duration)
    spout(c, x, flow, growing / h)
    if following > SHORTEST * h:
        spout(c, x, max(0.0, (room - flow * growing) / following), following / h)


@inlined
def _received(
    c: Vector,
    mass: float,
    enthalpy: float,
    entering: float,
    incoming: float,
    water: float,
    conductance: float,
    h: float,
) -> float:
    """Enthalpy that a pocket gets in a step from the air that enters and, meanwhile, from the water [J].

    Args:
        mass, enthalpy: of what is there before [kg, J].
        entering, incoming: air that enters and its temperature [kg, K].
        water, conductance: temperature of the water and UA of the pocket [K, W/K].
        h: step [s].
    """
    cp = c[co.CP_AIR]
    if entering <= 0.0:
        # Where the valve lets nothing through, heat alone makes the pocket grow and drives the jet.
        heat, _ = heat_from_water(mass, enthalpy, water, conductance, cp, h)
        return float(heat)
    # Filling at constant pressure: the air brings its enthalpy, and pushes the water out with part of it.
    brought = entering * cp * incoming
    # While it fills the pocket takes heat: a warm bath drives the jet as well as the air does.
    heat, _, _ = heat_while_filling(mass + entering, enthalpy + brought, entering, incoming, water, conductance, cp, h)
    return float(brought + heat)


@inlined
def valve_against_outlet(
    c: Vector,
    pressure: float,
    temperature: float,
    behind: float,
    opening: float,
    mass: float,
    energy: float,
    roof: float,
    stiffness: float,
    before: float,
    limit: float,
    water: float,
    conductance: float,
    duration: float,
    h: float,
) -> tuple[float, float]:
    """Flow through the valve into a pocket whose outlet adds its own pressure [kg/s], and through that outlet [m3/s].

    The outlet's pressure depends on the flow of water, dV/dt of the pocket, which air and heat increase and the jet's
    own work reduces: one root for both.

    Args:
        pressure, temperature: of the receiver [Pa, K].
        behind: absolute pressure of the pocket [Pa].
        opening: of the valve [-].
        mass: air in the pocket before that of this step [kg].
        energy, roof, stiffness, limit: as for `expelled`, before the air of this step.
        before: volume of the pocket at the last exchange of water [m3].
        water, conductance: temperature of the water and UA of the pocket [K, W/K].
        duration: for which the valve lets air in [s].
        h: step [s].
    """
    area, critical = c[co.VALVE_CONDUCTANCE], c[co.VALVE_CRITICAL_RATIO]
    rho, outlet, discharge = c[co.WATER_DENSITY], c[co.JET_AREA], c[co.JET_DISCHARGE]
    caught = c[co.CAPTURE_EFFICIENCY] * duration
    # E = H - c V^2/2 is what is kept; heat is exchanged at the temperature, which is proportional to H.
    volume = bucket_volume(energy, roof, c[co.GAS_EXPONENT], stiffness)
    enthalpy = energy + 0.5 * stiffness * volume * volume
    expansion = (volume - before) / h
    mass_flow = opening * valve_flow(pressure, temperature, behind / pressure, area, critical)
    got = _received(c, mass, enthalpy, caught * mass_flow, temperature, water, conductance, duration)
    # As in `outlet_flow`; a larger flow costs the pocket more, and lets less air in against the outlet's pressure.
    low, high = 0.0, expelled(c, energy + got, roof, stiffness, volume, limit, expansion, 0.0, duration)
    for _ in range(HALVINGS):
        flow = 0.5 * (low + high)
        against = behind + hypotheses.jet_pressure(flow, rho, outlet, discharge)
        mass_flow = opening * valve_flow(pressure, temperature, against / pressure, area, critical)
        got = _received(c, mass, enthalpy, caught * mass_flow, temperature, water, conductance, duration)
        paid = hypotheses.jet_power(flow, rho, outlet, discharge) * duration
        if expelled(c, energy + got, roof, stiffness, volume, limit, expansion, paid, duration) < flow:
            high = flow
        else:
            low = flow
    against = behind + hypotheses.jet_pressure(high, rho, outlet, discharge)
    return opening * valve_flow(pressure, temperature, against / pressure, area, critical), high
