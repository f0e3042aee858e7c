"""What the plant stores: energy from the ledger's zero, and exergy against the present surroundings, store by store.

Mechanical and electrical energy is exergy whole. Air counts by its flow exergy where it can leave at its own pressure
(a pocket under water), and less the work against the atmosphere where it stands in a rigid vessel (the receiver).
"""

import math

from kpp_physics import coefficients as co
from kpp_physics import exergy, hypotheses, ledger
from kpp_physics import state as st
from kpp_physics.air import bucket_volume
from kpp_physics.bath import water_temperature
from kpp_physics.compiled import inlined
from kpp_physics.geometry import place_on_loop
from kpp_physics.state import Vector


@inlined
def air_exergy(mass: float, temperature: float, ratio: float, T0: float, R: float, cp: float) -> float:
    """Flow exergy of air against ambient [J].

    Args:
        mass, temperature: of the air [kg, K].
        ratio: its pressure over ambient pressure [-].
        T0, R, cp: ambient temperature, gas constant, heat capacity [K, J/(kg K)].
    """
    return mass * (exergy.thermal_exergy(temperature, T0, cp) + R * T0 * math.log(ratio))


@inlined
def receiver_exergy(c: Vector, x: Vector) -> float:
    """Exergy of the air in the receiver [J]: a rigid vessel, so flow exergy less V (p - p0); never negative."""
    R, cp, T0, p0 = c[co.GAS_CONSTANT], c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE], c[co.AMBIENT_PRESSURE]
    volume = c[co.RECEIVER_VOLUME]
    temperature = x[st.RECEIVER_ENERGY] / (x[st.RECEIVER_MASS] * (cp - R))
    pressure = x[st.RECEIVER_ENERGY] * R / ((cp - R) * volume)
    # A rigid vessel cannot push the atmosphere away: U + p0 V - T0 S, and not H - T0 S.
    flow = air_exergy(x[st.RECEIVER_MASS], temperature, pressure / p0, T0, R, cp)
    return float(flow - (pressure - p0) * volume)


@inlined
def roof(c: Vector, x: Vector, place: float) -> tuple[float, float]:
    """Absolute pressure at the roof of a floater [Pa], and its height z [m].

    Args:
        place: of the floater along the loop, from 0 to twice its length [m].
    """
    s = place - c[co.LOOP_LENGTH] if place >= c[co.LOOP_LENGTH] else place
    z, _ = place_on_loop(s, c[co.STRAIGHT_LENGTH], c[co.RADIUS])
    return c[co.AMBIENT_PRESSURE] + c[co.SPECIFIC_WEIGHT] * (c[co.WATER_DEPTH] + x[st.LEVEL] - z), z


@inlined
def pocket_exergy(c: Vector, mass: float, energy: float, stiffness: float, roof: float) -> tuple[float, float]:
    """Exergy of a pocket [J] and the temperature of its air [K].

    Args:
        mass: of the air [kg], > 0.
        energy: E = H - 1/2 c V^2 [J].
        stiffness: c of its bucket model [Pa/m3], 0 for a point pocket.
        roof: absolute pressure at the roof [Pa].
    """
    # From what is kept: E gives the volume, the volume H, and H the temperature.
    volume = bucket_volume(energy, roof, c[co.GAS_EXPONENT], stiffness)
    bent = 0.5 * stiffness * volume * volume
    temperature = (energy + bent) / (mass * c[co.CP_AIR])
    ratio = (roof + stiffness * volume) / c[co.AMBIENT_PRESSURE]
    # Of the air at its own pressure, less c V^2/2, by which the state's E is below H.
    held = air_exergy(mass, temperature, ratio, c[co.AMBIENT_TEMPERATURE], c[co.GAS_CONSTANT], c[co.CP_AIR])
    return held - bent, temperature


@inlined
def bath_exergy(c: Vector, x: Vector) -> float:
    """Exergy of a finite bath against ambient temperature [J], never negative; 0 for an infinite one."""
    # An infinite bath has no end of exergy: its heat is booked as it flows.
    if c[co.BATH_CAPACITY] <= 0.0:
        return 0.0
    above = exergy.thermal_exergy(water_temperature(c, x), c[co.AMBIENT_TEMPERATURE], 1.0)
    return float(c[co.BATH_CAPACITY] * above)


@inlined
def recovered_exergy(c: Vector, x: Vector) -> float:
    """Exergy of the air in the suction buffer of the pressure recovery [J]."""
    return float(x[st.RECOVERED_FLOW] * hypotheses.RECOVERY_TIME * c[co.RECOVERY_WORK])


@inlined
def _mechanical(c: Vector, x: Vector, air: float, heights: float, energy: Vector) -> None:
    """Fill the stores that are work: chain, shaft, water, shells, winding, DC link and free surface [J].

    Args:
        air: volume of the air in all floaters [m3].
        heights: sum of the heights of all floaters [m].
    """
    full = c[co.FLOATER_COUNT] * c[co.FLOATER_VOLUME]
    mass = c[co.DRY_MASS] + c[co.WATER_DENSITY] * (full - air)
    energy[ledger.STORED_CHAIN] = 0.5 * mass * x[st.SPEED] * x[st.SPEED]
    energy[ledger.STORED_SHAFT] = 0.5 * c[co.SHAFT_INERTIA] * x[st.SHAFT_SPEED] * x[st.SHAFT_SPEED]
    energy[ledger.STORED_WATER] = 0.5 * c[co.COFLOW_MASS] * x[st.COFLOW] * x[st.COFLOW]
    # Below 0 as a rule: a shell that is lighter than water has less the higher it is.
    energy[ledger.STORED_SHELL] = -c[co.SHELL_FORCE] * heights
    energy[ledger.STORED_MAGNETIC] = 0.75 * c[co.INDUCTANCE] * x[st.CURRENT] * x[st.CURRENT]
    energy[ledger.STORED_DC_LINK] = x[st.DC_ENERGY] + x[st.DC_ENERGY_LOW]
    # The pockets stand under the raised water with all of their volume, which rose with half of it on the average.
    energy[ledger.STORED_SURFACE] = -0.5 * c[co.SPECIFIC_WEIGHT] * c[co.SURFACE_AREA] * x[st.LEVEL] * x[st.LEVEL]


@inlined
def take_stock(c: Vector, x: Vector, f: Vector, energy: Vector, available: Vector) -> None:
    """Energy and exergy of every store.

    Args:
        c, x, f: as for `kernel.advance`.
        energy: filled, `ledger.STORES` [J].
        available: filled, `ledger.EXERGY_STORES` [J].
    """
    cp, T0 = c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE]
    heights = stored = air = held = 0.0
    for i in range(f.shape[1]):
        pressure, z = roof(c, x, x[st.POSITION] + i * c[co.PITCH])
        heights += z
        m = f[st.MASS, i]
        stored += f[st.ENTHALPY, i] - m * cp * T0
        air += f[st.VOLUME, i]
        if m > 0.0:
            pocket, _ = pocket_exergy(c, m, f[st.ENTHALPY, i], f[st.STIFFNESS, i], pressure)
            held += pocket
    _mechanical(c, x, air, heights, energy)
    # The remainders belong to the stores: without them R_A would show the rounding of the receiver's sums.
    low = x[st.RECEIVER_ENERGY_LOW] - x[st.RECEIVER_MASS_LOW] * cp * T0
    energy[ledger.STORED_RECEIVER] = x[st.RECEIVER_ENERGY] - x[st.RECEIVER_MASS] * cp * T0 + low
    energy[ledger.STORED_POCKETS] = stored
    energy[ledger.STORED_BATH] = x[st.BATH_ENERGY] + x[st.BATH_ENERGY_LOW]
    # Work is exergy whole; heat and air are not, and get their own below.
    for store in range(ledger.STORE_COUNT):
        available[store] = energy[store]
    available[ledger.STORED_RECEIVER] = receiver_exergy(c, x)
    available[ledger.STORED_POCKETS] = held
    available[ledger.STORED_BATH] = bath_exergy(c, x)
    available[ledger.STORED_RECOVERED] = recovered_exergy(c, x)


@inlined
def total(stores: Vector, count: int) -> float:
    """Sum of the first `count` stores with compensation [J]."""
    found = low = 0.0
    for store in range(count):
        found, low = ledger.add(found, low, stores[store])
    return found + low
