"""The compressor and its aftercooler: when it is loaded, what it takes in, and what that costs."""

import math

from kpp_physics import coefficients as co
from kpp_physics import exergy, ledger, plc
from kpp_physics import state as st
from kpp_physics.air import compression_work
from kpp_physics.compiled import inlined
from kpp_physics.state import Vector


@inlined
def enable(c: Vector, x: Vector, pressure: float) -> int:
    """Mode of the compressor at the beginning of a step, kept: whether it works at all."""
    # A compressor that is switched on loads at once, also inside its band: `pressurising` ends at p_unload.
    mode = int(x[st.COMPRESSOR_MODE])
    if not plc.compressor_enabled(int(x[st.PLC_STATE])):
        mode = st.COMPRESSOR_OFF
    elif mode == st.COMPRESSOR_OFF:
        mode = st.COMPRESSOR_LOADED if pressure < c[co.UNLOAD_PRESSURE] else st.COMPRESSOR_IDLE
    x[st.COMPRESSOR_MODE] = mode
    return mode


@inlined
def _loaded_share(c: Vector, start: float, end: float, mode: int) -> float:
    """Share of a step in which the compressor is loaded [-]: it switches when the pressure is there, not a step later.

    A small receiver crosses a good part of its band in a step, and whole steps would widen the band at both its ends.

    Args:
        start: energy of the air in the receiver at the start of the step [J].
        end: at its end if the compressor stays in its mode [J].
        mode: loaded or idle.
    """
    # U = p V cv/R in a rigid vessel: pressures are compared as energies, whatever the temperature.
    energy = (c[co.CP_AIR] - c[co.GAS_CONSTANT]) * c[co.RECEIVER_VOLUME] / c[co.GAS_CONSTANT]
    if mode == st.COMPRESSOR_LOADED:
        limit = energy * c[co.UNLOAD_PRESSURE]
        if start >= limit:  # a lower pressure was set
            return 0.0
        # Linear in the step: intake and cooling hardly change within it.
        return (limit - start) / (end - start) if end >= limit else 1.0
    limit = energy * c[co.LOAD_PRESSURE]
    if start <= limit:
        return 1.0
    return (limit - end) / (start - end) if end <= limit else 0.0


@inlined
def _note_load(x: Vector, lap: Vector, time: float, used: float) -> None:
    """Keep when the compressor was loaded [s], and its energy until then [J], for the means over load cycles."""
    if lap[st.LOADS] == 0.0:
        lap[st.FIRST_LOAD_TIME] = time
        lap[st.FIRST_LOAD_ENERGY] = used
    lap[st.LAST_LOAD_TIME] = time
    lap[st.LAST_LOAD_ENERGY] = used
    lap[st.LOADS] += 1.0
    x[st.COMPRESSOR_MODE] = st.COMPRESSOR_LOADED


@inlined
def _work(c: Vector, pressure: float, taken: float, recovered: float) -> float:
    """Electric work to compress `taken` kg, of which `recovered` kg come from the suction buffer [J]."""
    factor, exponent, isothermal = c[co.COMPRESSOR_WORK_FACTOR], c[co.GAS_EXPONENT], c[co.COMPRESSOR_ISOTHERMAL]
    ratio = max(1.0, pressure / c[co.AMBIENT_PRESSURE])  # into a vacuum it sucks for nothing, but earns nothing
    work = (taken - recovered) * compression_work(ratio, factor, exponent, isothermal)
    if recovered > 0.0:
        # Recovered air comes at the hood's pressure, and needs the less work the deeper the hood is.
        ratio = max(1.0, pressure / c[co.RECOVERY_PRESSURE])
        work += recovered * compression_work(ratio, factor, exponent, isothermal)
    return work


@inlined
def _cooled(c: Vector, energy: float, taken: float, recovered: float) -> tuple[float, float, float]:
    """Compress `taken` kg into a receiver that holds `energy` J.

    Returns:
        Electric work [J], temperature behind the aftercooler [K], and the pressure against which it works [Pa].
    """
    # T_c = min(T0 + dT_ac, T0 + e_c/cp): the first by the cooler, the second without one (decision 13).
    cp, T0 = c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE]
    per_energy = c[co.GAS_CONSTANT] / ((cp - c[co.GAS_CONSTANT]) * c[co.RECEIVER_VOLUME])
    cooler = c[co.COOLER_TEMPERATURE]
    # The work varies as ln p or a power of p: its mean over the step is that at the middle to second order.
    middle = per_energy * (energy + 0.5 * taken * cp * cooler)
    work = _work(c, middle, taken, recovered)
    if taken * cp * (cooler - T0) > work:  # a cooler cannot heat what a low pressure left cold
        cooler = T0 + work / (taken * cp)
        middle = per_energy * (energy + 0.5 * taken * cp * cooler)
        work = _work(c, middle, taken, recovered)
        cooler = min(cooler, T0 + work / (taken * cp))
    return work, cooler, middle


@inlined
def _idle(c: Vector, flow: Vector, sampled: Vector, destroyed: Vector, lasts: float) -> float:
    """Compressor that runs idle for some time [s]; returns its electric work [J]."""
    # f_idle P_el(p_unload), all of it lost as heat: no air is delivered.
    work = _work(c, c[co.UNLOAD_PRESSURE], c[co.IDLE_FLOW] * lasts, 0.0)
    flow[ledger.AFTERCOOLER] += work
    sampled[ledger.AFTERCOOLER] += work
    destroyed[exergy.COMPRESSOR] += work
    return float(work)


@inlined
def _load(
    c: Vector,
    x: Vector,
    flow: Vector,
    sampled: Vector,
    destroyed: Vector,
    mass: float,
    energy: float,
    lasts: float,
) -> tuple[float, float, float, float]:
    """Compressor that is loaded for some time [s], and its aftercooler.

    Returns:
        Air that enters the receiver [kg] and its energy [J]; electric work, and the same re-integrated [J].
    """
    R, cp, T0, p0 = c[co.GAS_CONSTANT], c[co.CP_AIR], c[co.AMBIENT_TEMPERATURE], c[co.AMBIENT_PRESSURE]
    cv = cp - R
    per_energy = R / (cv * c[co.RECEIVER_VOLUME])
    taken = c[co.COMPRESSOR_FLOW] * lasts
    recovered = min(taken, x[st.RECOVERED_FLOW] * lasts)
    work, cooler, middle = _cooled(c, energy, taken, recovered)
    brought = taken * cp * cooler
    # Destroyed: work and exergy of the recovered air, less the exergy of the air behind the cooler.
    # What the air can do behind the cooler: its pressure at T0, and its temperature at p0.
    minimum = R * T0 * math.log(middle / p0) + exergy.thermal_exergy(cooler, T0, cp)
    destroyed[exergy.COMPRESSOR] += work - taken * minimum + recovered * c[co.RECOVERY_WORK]
    destroyed[exergy.RECOVERY] -= recovered * c[co.RECOVERY_WORK]
    half = (energy + 0.5 * brought) / ((mass + 0.5 * taken) * cv)  # the receiver's temperature when half is in
    destroyed[exergy.RECEIVER_MIXING] += taken * exergy.mixing_loss(half, cooler, T0, cp)
    flow[ledger.AIR_INTAKE] += taken
    flow[ledger.AIR_RECOVERED] += recovered
    # First law: what the work did not leave in the air as cp (T_c - T0) goes away as heat, motor losses included.
    flow[ledger.AFTERCOOLER] += work - taken * cp * (cooler - T0)
    # For the second ledger: the work at the pressures of both ends, trapezoid.
    start, end = per_energy * energy, per_energy * (energy + brought)
    seen = 0.5 * (_work(c, start, taken, recovered) + _work(c, end, taken, recovered))
    sampled[ledger.AFTERCOOLER] += seen - taken * cp * (cooler - T0)
    return taken, brought, work, seen


@inlined
def compress(
    c: Vector,
    x: Vector,
    flow: Vector,
    sampled: Vector,
    destroyed: Vector,
    books: Vector,
    lap: Vector,
    mode: int,
    start: float,
    mass: float,
    energy: float,
    h: float,
) -> tuple[float, float]:
    """Compressor and aftercooler over one step.

    Args:
        mode: at the beginning of the step.
        start: energy of the air in the receiver then [J].
        mass, energy: of the air there now [kg, J]: after the rest of the step if the compressor is to switch in it.

    Returns:
        Air that enters the receiver [kg] and its energy [J].
    """
    # Off takes nothing at all, not even idle power.
    if mode == st.COMPRESSOR_OFF:
        return 0.0, 0.0
    end = energy
    if mode == st.COMPRESSOR_LOADED:
        taken = c[co.COMPRESSOR_FLOW] * h
        end = energy + taken * c[co.CP_AIR] * c[co.COOLER_TEMPERATURE]  # at most; worth knowing close to the limit
        capacity = (c[co.CP_AIR] - c[co.GAS_CONSTANT]) * c[co.RECEIVER_VOLUME] / c[co.GAS_CONSTANT]
        if end >= capacity * c[co.UNLOAD_PRESSURE]:
            cooler = _cooled(c, energy, taken, min(taken, x[st.RECOVERED_FLOW] * h))[1]
            end = energy + taken * c[co.CP_AIR] * cooler
    # Idle comes first in a step that ends loaded, and last in one that begins so.
    share = _loaded_share(c, start, end, mode)
    free = c[co.RECOVERY_CLAIMED]
    taken = brought = work = seen = 0.0
    if mode == st.COMPRESSOR_IDLE and share < 1.0:
        work = seen = _idle(c, flow, sampled, destroyed, (1.0 - share) * h)
    if mode == st.COMPRESSOR_IDLE and share > 0.0:
        # The meter's reading at the instant of loading, inside the step: means over load cycles begin and end there.
        used = books[0, ledger.COMPRESSOR] + books[1, ledger.COMPRESSOR] + (1.0 - free) * work
        _note_load(x, lap, (x[st.STEPS] + (1.0 - share) * h / c[co.STEP]) * c[co.STEP], used)
    if share > 0.0:
        taken, brought, loaded, resampled = _load(c, x, flow, sampled, destroyed, mass, energy, share * h)
        work += loaded
        seen += resampled
    if mode == st.COMPRESSOR_LOADED and share < 1.0:
        x[st.COMPRESSOR_MODE] = st.COMPRESSOR_IDLE
        idle = _idle(c, flow, sampled, destroyed, (1.0 - share) * h)
        work += idle
        seen += idle
    # What a claimed recovery saves is not metered, and is energy without a source.
    flow[ledger.COMPRESSOR] += work - free * work
    flow[ledger.UNSOURCED_RECOVERY] += free * work
    sampled[ledger.COMPRESSOR] += seen - free * seen
    sampled[ledger.UNSOURCED] += free * seen
    return taken, brought
