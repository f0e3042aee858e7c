"""The surroundings: pressure and temperature of the air, temperature of the water, and what follows from them.

The surroundings ramp to what the parameters set, and while they do, the model's own terms do the work: a rising
atmosphere compresses every pocket by V dp0. Stored exergy counts from the surroundings (the dead state), so their move
is a line of its own in the exergy ledger, and a swing that brings exergy is counted as a source of it.
"""

import math

from kpp_physics import coefficients as co
from kpp_physics import constants, exergy, hypotheses, ledger, stores
from kpp_physics import state as st
from kpp_physics.air import bucket_volume, compression_work
from kpp_physics.bath import water_temperature
from kpp_physics.compiled import compiled, inlined
from kpp_physics.parameters import RAMPS, Parameters
from kpp_physics.state import Vector

PRESSURE_RAMP = RAMPS["ambient_pressure"]
TEMPERATURE_RAMP = RAMPS["ambient_temperature"]
WATER_RAMP = RAMPS["water_temperature"]


@inlined
def take(c: Vector, pressure: float, temperature: float, water: float) -> None:
    """Put the surroundings in force: fill what `coefficients.FROM_ENVIRONMENT` names.

    Args:
        c: coefficients of one plant.
        pressure, temperature: of the air, p0 and T0 [Pa, K].
        water: temperature of an infinite bath T_w [K].
    """
    R = c[co.GAS_CONSTANT]
    c[co.AMBIENT_PRESSURE] = pressure
    c[co.AMBIENT_TEMPERATURE] = temperature
    c[co.WATER_TEMPERATURE] = water
    c[co.COMPRESSOR_WORK_FACTOR] = c[co.WORK_PER_KELVIN] * temperature
    c[co.COOLER_TEMPERATURE] = temperature + c[co.COOLER_APPROACH]
    c[co.TARGET_MASS] = c[co.TARGET_VOLUME] * pressure / (R * temperature)
    # Everything that follows from p0, T0 and T_w is computed here and nowhere else: a ramp calls this in every step.
    bottom = pressure + c[co.BOTTOM_WEIGHT]
    hood = pressure + c[co.HOOD_WEIGHT]
    c[co.RECOVERY_PRESSURE] = hood
    c[co.RECOVERY_WORK] = R * temperature * math.log(hood / pressure)
    gas = c[co.H1_GAS_FLOW]
    c[co.H1_GAS_FLUX] = hypotheses.gas_flux(gas, R, temperature, bottom, pressure, c[co.HALF_SHAFT_AREA])
    sparger = (bottom + hypotheses.SPARGER_PRESSURE) / pressure
    c[co.H1_GAS_POWER] = gas * compression_work(
        sparger, c[co.COMPRESSOR_WORK_FACTOR], c[co.GAS_EXPONENT], c[co.COMPRESSOR_ISOTHERMAL]
    )


@compiled("void(float64[::1], float64[::1])")
def take_present(c: Vector, x: Vector) -> None:
    """Put the surroundings that a plant's state holds in force in its coefficients."""
    take(c, x[st.AMBIENT_PRESSURE], x[st.AMBIENT_TEMPERATURE], x[st.WATER_TEMPERATURE])


def coefficients(p: Parameters, step: float = constants.STEP) -> Vector:
    """The complete vector of `coefficients.NAMES` for a plant in the surroundings that its parameters set.

    Args:
        p: parameters.
        step: physics step [s].
    """
    c = co.coefficients(p, step)
    x = st.blank()
    settle(x, p)
    take_present(c, x)
    return c


def settle(x: Vector, p: Parameters) -> None:
    """Begin in the surroundings that the parameters set, with no ramp."""
    x[st.AMBIENT_PRESSURE] = p.ambient_pressure
    x[st.AMBIENT_TEMPERATURE] = p.ambient_temperature
    x[st.WATER_TEMPERATURE] = x[st.BATH_START] = p.water_temperature


@inlined
def _toward(present: float, wanted: float, limit: float) -> float:
    """The next value on the way to a set point; the set point itself, bit for bit, when it is within the limit."""
    if wanted > present + limit:
        return present + limit
    if wanted < present - limit:
        return present - limit
    return wanted


@inlined
def _press(c: Vector, x: Vector, f: Vector, rise: float) -> tuple[float, float]:
    """Compress every pocket by a rise of the atmosphere [Pa]: dE = V dp, the discrete adiabat.

    Returns:
        Work of the atmosphere on the pockets [J], and the same sampled at the volumes before and after.
    """
    work = sampled = 0.0
    k = c[co.GAS_EXPONENT]
    for i in range(f.shape[1]):
        if f[st.MASS, i] > 0.0:
            pressure, _ = stores.roof(c, x, x[st.POSITION] + i * c[co.PITCH])
            energy, stiffness = f[st.ENTHALPY, i], f[st.STIFFNESS, i]
            before = bucket_volume(energy, pressure, k, stiffness)
            after = bucket_volume(energy + before * rise, pressure + rise, k, stiffness)
            # Heun's rule: exact to second order in the rise, 1 Pa a step; the sampled work is the trapezoid over the
            # same path.
            done = 0.5 * (before + after) * rise
            f[st.ENTHALPY, i] = energy + done
            work += done
            sampled += 0.5 * (before + bucket_volume(energy + done, pressure + rise, k, stiffness)) * rise
    return work, sampled


@inlined
def _stored_exergy(c: Vector, x: Vector, f: Vector) -> float:
    """Exergy of the stores that count from the surroundings: receiver, pockets, bath and suction buffer [J]."""
    found = stores.receiver_exergy(c, x) + stores.bath_exergy(c, x) + stores.recovered_exergy(c, x)
    for i in range(f.shape[1]):
        if f[st.MASS, i] > 0.0:
            pressure, _ = stores.roof(c, x, x[st.POSITION] + i * c[co.PITCH])
            held, _ = stores.pocket_exergy(c, f[st.MASS, i], f[st.ENTHALPY, i], f[st.STIFFNESS, i], pressure)
            found += held
    return found


@inlined
def surround(c: Vector, x: Vector, f: Vector, flow: Vector, sampled: Vector, entering: Vector, h: float) -> None:
    """Move the surroundings one step towards their set points and book what that does to what is stored.

    Args:
        entering: exergy of the step, by `exergy.LINES + exergy.FLOWS` [J].
        h: step [s].
    """
    pressure = _toward(x[st.AMBIENT_PRESSURE], c[co.AMBIENT_PRESSURE_SET], PRESSURE_RAMP * h)
    temperature = _toward(x[st.AMBIENT_TEMPERATURE], c[co.AMBIENT_TEMPERATURE_SET], TEMPERATURE_RAMP * h)
    water = _toward(x[st.WATER_TEMPERATURE], c[co.WATER_TEMPERATURE_SET], WATER_RAMP * h)
    rise = pressure - x[st.AMBIENT_PRESSURE]
    warming = temperature - x[st.AMBIENT_TEMPERATURE]
    heating = water - x[st.WATER_TEMPERATURE]
    if rise == 0.0 and warming == 0.0 and heating == 0.0:
        return
    # Exergy before and after brackets all that moves; what work and heat do not explain is the dead state's.
    before = _stored_exergy(c, x, f)
    work, seen = _press(c, x, f, rise)
    # A finite bath has its own temperature. Surroundings that heat it move the temperature from which its energy
    # counts, as those that warm the air do; the heat itself, up to 1e13 J a second, would drown the ledger. Its exergy
    # is booked.
    T_w = water_temperature(c, x)
    x[st.BATH_START] += heating
    T0 = c[co.AMBIENT_TEMPERATURE]
    brought = work + c[co.BATH_CAPACITY] * (heating - T0 * math.log1p(heating / T_w))
    air = x[st.RECEIVER_MASS] + x[st.RECEIVER_MASS_LOW]
    for i in range(f.shape[1]):
        air += f[st.MASS, i]
    x[st.AMBIENT_PRESSURE], x[st.AMBIENT_TEMPERATURE], x[st.WATER_TEMPERATURE] = pressure, temperature, water
    take(c, pressure, temperature, water)
    moved = _stored_exergy(c, x, f) - before - brought
    flow[ledger.ENVIRONMENT] += work
    sampled[ledger.ENVIRONMENT] += seen
    # The zero of the air's energy moves with the ambient temperature: h = cp (T - T0).
    flow[ledger.REFERENCE] -= air * c[co.CP_AIR] * warming
    entering[exergy.ENVIRONMENT] += brought
    entering[exergy.DEAD_STATE] += moved
    # Only what comes counts as a source: what goes again is no yield of the plant.
    flow[ledger.ENVIRONMENT_EXERGY] += max(0.0, brought + moved)


@inlined
def close_switches(c: Vector, x: Vector, flow: Vector, sampled: Vector, destroyed: Vector) -> None:
    """Bring the variables of a model that was switched off to rest; their energy is lost where it would have gone."""
    # A variable without its equation would keep its energy, and give it back for nothing when it is switched on again.
    if c[co.COFLOW_ON] == 0.0 and x[st.COFLOW] != 0.0:
        lost = 0.5 * c[co.COFLOW_MASS] * x[st.COFLOW] * x[st.COFLOW]
        flow[ledger.DRAG_BULK] += lost
        sampled[ledger.DRAG_BULK] += lost
        x[st.COFLOW] = 0.0
    if c[co.RECOVERY_CAPTURE] == 0.0 and x[st.RECOVERED_FLOW] != 0.0:
        destroyed[exergy.RECOVERY] += stores.recovered_exergy(c, x)
        x[st.RECOVERED_FLOW] = 0.0
