"""What an observer computes of a plant without changing it: floaters, stored energy and exergy, residuals."""

import math

from kpp_physics import coefficients as co
from kpp_physics import exergy, hypotheses, ledger
from kpp_physics import state as st
from kpp_physics.compiled import compiled, inlined
from kpp_physics.geometry import place_on_loop
from kpp_physics.pockets import bucket_volume, water_temperature
from kpp_physics.state import Vector

# Rows of the floater survey.
SURVEY_POSITION, SURVEY_HEIGHT, SURVEY_FILL, SURVEY_MASS, SURVEY_TEMPERATURE = range(5)
SURVEY_ROWS = 5

# Behind the stored energies: their sum, the residual of the books, stored exergy, the other residuals.
STORED, RESIDUAL_A, EXERGY, RESIDUAL_B, RESIDUAL_C = range(ledger.STORE_COUNT, ledger.STORE_COUNT + 5)
STORES_WIDTH = ledger.STORE_COUNT + 5


@inlined
def _air_exergy(mass: float, temperature: float, ratio: float, T0: float, R: float, cp: float) -> float:
    """Flow exergy of air against ambient [J]; `ratio` is its pressure over ambient pressure."""
    return mass * (exergy.thermal_exergy(temperature, T0, cp) + R * T0 * math.log(ratio))


@inlined
def _exergy(c: Vector, x: Vector, stores: Vector, pockets: float) -> float:
    """Stored exergy [J]; mechanical and electrical stores count whole."""
    R, cp, T0, p0 = c[co.GAS_CONSTANT], c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE], c[co.AMBIENT_PRESSURE]
    volume = c[co.RECEIVER_VOLUME]
    temperature = x[st.RECEIVER_ENERGY] / (x[st.RECEIVER_MASS] * (cp - R))
    pressure = x[st.RECEIVER_ENERGY] * R / ((cp - R) * volume)
    # In a rigid vessel: flow exergy less V (p - p0).
    total = pockets + _air_exergy(x[st.RECEIVER_MASS], temperature, pressure / p0, T0, R, cp) - (pressure - p0) * volume
    for store in range(ledger.STORED_CHAIN, ledger.STORED_DC_LINK + 1):
        total += stores[store]
    total += stores[ledger.STORED_SURFACE]
    if c[co.BATH_CAPACITY] > 0.0:
        total += c[co.BATH_CAPACITY] * exergy.thermal_exergy(water_temperature(c, x), T0, 1.0)
    if c[co.RECOVERY_CAPTURE] > 0.0:
        total += x[st.RECOVERED_FLOW] * hypotheses.RECOVERY_TIME * c[co.RECOVERY_WORK]
    return float(total)


@compiled(
    "void(float64[::1], float64[::1], float64[:,::1], float64[:,::1], float64[:,::1], float64[:,::1], float64[:,::1], "
    "float64[::1], float64[:,::1])"
)
def survey(
    c: Vector,
    x: Vector,
    f: Vector,
    books: Vector,
    sampled: Vector,
    entropy: Vector,
    floaters: Vector,
    stores: Vector,
    lines: Vector,
) -> None:
    """What an observer sees of the floaters, the stored energies, and the balance of the ledger.

    Args:
        c, x, f, books, sampled, entropy: as for `advance`.
        floaters: filled, [SURVEY_ROWS, N]: m, m, -, kg, K (NaN for an empty pocket).
        stores: filled, `ledger.STORES` [J], then [J] STORED to RESIDUAL_C.
        lines: filled, [2, lines]: totals [J], and rates over the last step [W].
    """
    count = f.shape[1]
    cp, T0 = c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE]
    heights = pockets = air = available = 0.0
    stiffness = c[co.BUCKET_STIFFNESS]
    for i in range(count):
        s = x[st.POSITION] + i * c[co.PITCH]
        if s >= c[co.LOOP_LENGTH]:
            s -= c[co.LOOP_LENGTH]
        z, _ = place_on_loop(s, c[co.STRAIGHT_LENGTH], c[co.RADIUS])
        heights += z
        m = f[st.MASS, i]
        pockets += f[st.ENTHALPY, i] - m * cp * T0
        held = 0.0
        if m > 0.0:
            H = f[st.ENTHALPY, i]
            roof = c[co.AMBIENT_PRESSURE] + c[co.SPECIFIC_WEIGHT] * (c[co.WATER_DEPTH] + x[st.LEVEL] - z)
            volume = bucket_volume(H, roof, c[co.GAS_EXPONENT], stiffness)
            H += 0.5 * stiffness * volume * volume
            held = H / (m * cp)
            ratio = (roof + stiffness * volume) / c[co.AMBIENT_PRESSURE]
            available += _air_exergy(m, held, ratio, T0, c[co.GAS_CONSTANT], cp) - 0.5 * stiffness * volume * volume
        air += f[st.VOLUME, i]
        floaters[SURVEY_POSITION, i] = s
        floaters[SURVEY_HEIGHT, i] = z
        floaters[SURVEY_FILL, i] = f[st.VOLUME, i] / c[co.FLOATER_VOLUME]
        floaters[SURVEY_MASS, i] = m
        floaters[SURVEY_TEMPERATURE, i] = held if m > 0.0 else math.nan
    mass = c[co.DRY_MASS] + c[co.WATER_DENSITY] * (count * c[co.FLOATER_VOLUME] - air)
    low = x[st.RECEIVER_ENERGY_LOW] - x[st.RECEIVER_MASS_LOW] * cp * T0
    stores[ledger.STORED_RECEIVER] = x[st.RECEIVER_ENERGY] - x[st.RECEIVER_MASS] * cp * T0 + low
    stores[ledger.STORED_POCKETS] = pockets
    stores[ledger.STORED_CHAIN] = 0.5 * mass * x[st.SPEED] * x[st.SPEED]
    stores[ledger.STORED_SHAFT] = 0.5 * c[co.SHAFT_INERTIA] * x[st.SHAFT_SPEED] * x[st.SHAFT_SPEED]
    stores[ledger.STORED_WATER] = 0.5 * c[co.COFLOW_MASS] * x[st.COFLOW] * x[st.COFLOW]
    stores[ledger.STORED_SHELL] = -c[co.SHELL_FORCE] * heights
    stores[ledger.STORED_MAGNETIC] = 0.75 * c[co.INDUCTANCE] * x[st.CURRENT] * x[st.CURRENT]
    stores[ledger.STORED_DC_LINK] = x[st.DC_ENERGY]
    stores[ledger.STORED_BATH] = x[st.BATH_ENERGY]
    stores[ledger.STORED_SURFACE] = -0.5 * c[co.SPECIFIC_WEIGHT] * c[co.SURFACE_AREA] * x[st.LEVEL] * x[st.LEVEL]
    total = low = 0.0
    for store in range(ledger.STORE_COUNT):
        total, low = ledger.add(total, low, stores[store])
    stores[STORED] = total + low
    total, low = ledger.add(total, low, -x[st.STORED_INITIAL])
    independent = stores[STORED] - x[st.STORED_INITIAL] - books[0, ledger.PARAMETER_CHANGE]
    for line in range(ledger.COUNT):
        sign = -1.0 if line < ledger.INPUT_COUNT else 1.0
        if line < ledger.BALANCE_COUNT:
            total, low = ledger.add(total, low, sign * books[0, line])
            total, low = ledger.add(total, low, sign * books[1, line])
            independent += sign * sampled[0, line]
        lines[0, line] = books[0, line] + books[1, line]
        lines[1, line] = books[2, line] / c[co.STEP]
    stores[RESIDUAL_A] = total + low
    stores[RESIDUAL_B] = independent
    stores[EXERGY] = _exergy(c, x, stores, available)
    second = (
        stores[EXERGY] - x[st.EXERGY_INITIAL] - entropy[0, exergy.HEAT_EXERGY] - entropy[0, exergy.PARAMETER_CHANGE]
    )
    second -= lines[0, ledger.COMPRESSOR] + lines[0, ledger.AUXILIARY] + lines[0, ledger.UNSOURCED]
    second += lines[0, ledger.GRID]
    for line in range(ledger.FIRST_LOSS, ledger.BALANCE_COUNT):
        second += lines[0, line]
    for line in range(exergy.LINE_COUNT):
        second += entropy[0, line]
    stores[RESIDUAL_C] = second
