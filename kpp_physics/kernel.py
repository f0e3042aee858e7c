"""The compiled 1 ms step of one plant, composed of the functions of the other files.

Order of a step: control; fluxes of air and heat, each moved out of one volume and into another by the same number;
exchange of water; motion of chain and shaft with the adiabatic work of the pockets; electrics; ledgers.
"""

import math

from kpp_physics import coefficients as co
from kpp_physics import constants, exergy, hypotheses, ledger, plc
from kpp_physics import state as st
from kpp_physics.air import relaxation
from kpp_physics.chain import tension
from kpp_physics.compiled import compiled, inlined
from kpp_physics.electrics import electrics
from kpp_physics.environment import close_switches, surround, take_present
from kpp_physics.faults import NOT_FINITE, OK, RECEIVER_EMPTY
from kpp_physics.generator import current_step, lag_weights, stray_torque
from kpp_physics.injection import spool_opening
from kpp_physics.mechanics import move
from kpp_physics.pockets import pockets
from kpp_physics.state import Indices, Vector
from kpp_physics.stores import take_stock
from kpp_physics.substeps import substeps
from kpp_physics.supply import air_supply
from kpp_physics.surroundings import follow


@inlined
def _control(c: Vector, x: Vector, h: float) -> float:
    """Automatic transitions and set-point; returns the torque command [N m]."""
    state = int(x[st.PLC_STATE])
    R = c[co.GAS_CONSTANT]
    pressure = R * x[st.RECEIVER_ENERGY] / ((c[co.CP_AIR] - R) * c[co.RECEIVER_VOLUME])
    nominal = c[co.SPEED_SETPOINT]
    # The compressor unloads inside a step: at its end rounding or the cold wall may have the pressure below again.
    full = pressure >= c[co.UNLOAD_PRESSURE] or x[st.COMPRESSOR_MODE] == st.COMPRESSOR_IDLE
    following = plc.next_state(state, full, x[st.SHAFT_SPEED], nominal, x[st.SPEED])
    if following != state:
        x[st.PLC_STATE] = following
        if following == plc.RUNNING:
            x[st.SPEED_INTEGRAL] = 0.0
            x[st.ARMED_LAP] = x[st.LAPS] + 1.0 + x[st.POSITION] / c[co.LOOP_LENGTH]
        state = following
    # After the transitions: a plant that has just begun to run begins its first pulse in this very step.
    state = _pulse(c, x, state, h)
    # A plant that stands or is being stopped has nothing to claim: no bubbles rise, no jet pushes.
    x[st.CLAIMS_ACTIVE] = 1.0 if state in (plc.STARTING, plc.RUNNING, plc.COASTING) else 0.0
    if state == plc.STOPPING:
        # A ramp and not a jump: the generator takes the energy of the chain as power, the brake would make it heat.
        x[st.SETPOINT] = max(0.0, x[st.SETPOINT] - nominal * h / constants.STOP_RAMP_TIME)
    else:
        x[st.SETPOINT] = nominal
    if state == plc.RUNNING and c[co.TORQUE_CONTROL] != 0.0:
        # The generator never motors: its torque fades below a tenth of the set-point.
        return float(
            min(c[co.TORQUE_SETPOINT], c[co.MAX_TORQUE]) * min(1.0, max(0.0, 10.0 * x[st.SHAFT_SPEED] / nominal))
        )
    if state in (plc.RUNNING, plc.STOPPING):
        command, x[st.SPEED_INTEGRAL] = plc.speed_control(
            x[st.SHAFT_SPEED],
            x[st.SETPOINT],
            x[st.SPEED_INTEGRAL],
            c[co.SPEED_GAIN],
            c[co.INTEGRAL_GAIN],
            c[co.MAX_TORQUE],
            h,
        )
        return command
    # Emergency stop and trip: full torque down to a fifth of the speed. Below that the brake is better: torque against
    # a shaft that hardly turns gives no power and heats the winding.
    if plc.vent_open(state) and x[st.SHAFT_SPEED] > 0.2 * nominal:
        return float(c[co.MAX_TORQUE])
    return 0.0


@inlined
def _pulse(c: Vector, x: Vector, state: int, h: float) -> int:
    """H3 physical: run for t_on, coast for t_off, and again; a coast that was commanded stays. Returns the state."""
    if state not in (plc.RUNNING, plc.COASTING):
        x[st.H3_TIME] = x[st.MANUAL_PULSES] = 0.0
    if state != plc.COASTING:
        x[st.H3_COAST] = 0.0
    pulsing = c[co.H3_MODE] == hypotheses.PHYSICAL
    if (pulsing and state == plc.RUNNING) or x[st.H3_COAST] != 0.0:
        x[st.H3_TIME] += h
        length = c[co.H3_ON_TIME] if state == plc.RUNNING else c[co.H3_OFF_TIME]
        if x[st.H3_TIME] >= length + 0.5 * h or not pulsing:
            # What the last step ran over counts for the next part: the period has no drift. After a live change of its
            # length a part may have run over by far, and the next must not pay for that.
            x[st.H3_TIME] = min(x[st.H3_TIME] - length, 1.5 * h) if pulsing else 0.0
            state = plc.COASTING if state == plc.RUNNING else plc.RUNNING
            x[st.H3_COAST] = 1.0 if state == plc.COASTING else 0.0
            x[st.PLC_STATE] = state
    return state


@inlined
def _watch(c: Vector, x: Vector, f: Vector, flow: Vector, lap: Vector, h: float) -> None:
    """Chain tension at its interval, and the trips.

    Slack and receiver temperature are armed in running after the first lap. Filling a receiver from ambient heats its
    air above the limit by itself (the first law allows no less: 293 K to about 380 K), so a plant could never start.
    """
    travelled = x[st.LAPS] + x[st.POSITION] / c[co.LOOP_LENGTH]
    armed = x[st.PLC_STATE] == plc.RUNNING and travelled >= x[st.ARMED_LAP]
    # The tension costs a walk around the loop, and a trip may take twenty milliseconds: every fifth step is enough.
    if x[st.STEPS] % constants.TENSION_INTERVAL == 0.0:
        claims = x[st.CLAIMS_ACTIVE] != 0.0
        duty = c[co.H3_DUTY] if claims else 1.0
        paid = duty * (1.0 - c[co.H1_DRAG_RELIEF]) if claims else 1.0
        high, low = tension(
            f[st.VOLUME],
            f[st.INGESTED],
            x[st.POSITION],
            x[st.SPEED],
            x[st.ACCELERATION],
            paid * x[st.DRAG_FORCE] - x[st.H1_FORCE] - x[st.JET_FORCE],
            duty * x[st.FRICTION_FORCE],
            x[st.BRAKE_FORCE],
            x[st.PTO_FORCE],
            c[co.PITCH],
            c[co.STRAIGHT_LENGTH],
            c[co.RADIUS],
            c[co.FLOATER_DRY_MASS],
            c[co.WATER_DENSITY],
            c[co.FLOATER_VOLUME],
            (1.0 + c[co.BUOYANCY_GAIN] if claims else 1.0) * c[co.SPECIFIC_WEIGHT],
            c[co.SHELL_FORCE],
            c[co.PRETENSION],
            h,
        )
        x[st.TENSION_MAX], x[st.TENSION_MIN] = high, low
        lap[st.LAP_TENSION_MAX] = max(lap[st.LAP_TENSION_MAX], high)
        lap[st.LAP_TENSION_MIN] = min(lap[st.LAP_TENSION_MIN], low)
        # In divided steps STEPS is whole only in the first part, so that this adds up to the time that has passed.
        lasted = constants.TENSION_INTERVAL * c[co.STEP]
        x[st.TENSION_TIME] = x[st.TENSION_TIME] + lasted if high > c[co.TENSION_LIMIT] else 0.0
        x[st.SLACK_TIME] = x[st.SLACK_TIME] + lasted if armed and low < 0.0 else 0.0
    flow[ledger.TENSION_PEAK_TIME] += x[st.TENSION_MAX] * h
    R = c[co.GAS_CONSTANT]
    cv = c[co.CP_AIR] - R
    pressure = R * x[st.RECEIVER_ENERGY] / (cv * c[co.RECEIVER_VOLUME])
    lap[st.LAP_PRESSURE_MAX] = max(lap[st.LAP_PRESSURE_MAX], pressure)
    lap[st.LAP_PRESSURE_MIN] = min(lap[st.LAP_PRESSURE_MIN], pressure)
    if x[st.PLC_STATE] != plc.TRIPPED:
        # Not armed means a temperature that trips nothing, not one that is not looked at: one call for all causes.
        air = x[st.RECEIVER_ENERGY] / (x[st.RECEIVER_MASS] * cv) if armed else 0.0
        cause = plc.trip_cause(
            x[st.SHAFT_SPEED],
            c[co.RATED_SPEED],
            x[st.SPEED],
            pressure,
            c[co.TRIP_PRESSURE],
            x[st.TENSION_TIME],
            x[st.SLACK_TIME],
            x[st.WINDING_TEMPERATURE],
            air,
        )
        if cause != plc.NO_TRIP:
            x[st.TRIP] = cause
            x[st.PLC_STATE] = plc.TRIPPED


@inlined
def _turn_lap(c: Vector, x: Vector, f: Vector, books: Vector, lap: Vector, ring: Vector, h: float) -> None:
    """Wrap the position; when a lap is completed for the first time, keep its record and begin the next."""
    # The position stays within the loop, where it keeps its digits; whole laps are counted apart. A chain that swings
    # over the start and back completes no lap twice: only a new highest number is recorded.
    if x[st.POSITION] < 0.0:
        x[st.POSITION] += c[co.LOOP_LENGTH]
        x[st.LAPS] -= 1.0
    elif x[st.POSITION] >= c[co.LOOP_LENGTH]:
        x[st.POSITION] -= c[co.LOOP_LENGTH]
        x[st.LAPS] += 1.0
        if x[st.LAPS] > x[st.RECORDED_LAPS]:
            x[st.RECORDED_LAPS] = x[st.LAPS]
            for line in range(ledger.COUNT):
                lap[line] = books[0, line] + books[1, line]
            lap[st.LAP_TIME] = (x[st.STEPS] + h / c[co.STEP]) * c[co.STEP]
            lap[st.LAP_PULSES] = x[st.PULSES]
            lap[st.LAP_MISSED] = x[st.MISSED]
            take_stock(c, x, f, lap[st.LAP_STORES : st.LAP_EXERGY], lap[st.LAP_EXERGY : st.LAP_WIDTH])
            record = int(x[st.LAPS]) % st.LAP_RING
            # Number by number: to copy one array into another, numba would take memory in case they overlap.
            for number in range(st.LAP_WIDTH):
                ring[record, number] = lap[number]
            _begin_lap(lap)


@inlined
def _begin_lap(lap: Vector) -> None:
    """Clear what belongs to one lap alone."""
    lap[:] = 0.0
    lap[st.LAP_TENSION_MAX] = st.EMPTY_HIGH
    lap[st.LAP_TENSION_MIN] = st.EMPTY_LOW
    lap[st.LAP_PRESSURE_MAX] = st.EMPTY_HIGH
    lap[st.LAP_PRESSURE_MIN] = st.EMPTY_LOW
    lap[st.LAP_COLDEST] = st.EMPTY_LOW


@inlined
def _auxiliaries(c: Vector, x: Vector, flow: Vector, samples: Vector, h: float) -> None:
    """Book the plant's own consumption and the pump of H2: paid for, and all of it heat."""
    auxiliary = c[co.AUXILIARY_POWER] * h
    if c[co.H2_MODE] == hypotheses.PHYSICAL and x[st.CLAIMS_ACTIVE] != 0.0:
        auxiliary += c[co.H2_PUMP_POWER] * h
    for line in (ledger.AUXILIARY, ledger.AUXILIARY_HEAT):
        flow[line] += auxiliary
        samples[line] += auxiliary


@inlined
def _book(x: Vector, books: Vector, sampled: Vector, entropy: Vector) -> None:
    """Add the step to the totals, once all of it is booked; nothing is ever taken out of a total again."""
    flow = books[2]
    flow[ledger.UNSOURCED] = (
        flow[ledger.UNSOURCED_H1]
        + flow[ledger.UNSOURCED_H2]
        + flow[ledger.UNSOURCED_H3]
        + flow[ledger.UNSOURCED_JET]
        + flow[ledger.UNSOURCED_RECOVERY]
    )
    for line in range(ledger.COUNT):
        books[0, line], books[1, line] = ledger.add(books[0, line], books[1, line], flow[line])
    for line in range(ledger.BALANCE_COUNT):
        sampled[0, line] += sampled[1, line]
    for line in range(exergy.COUNT):
        entropy[0, line] += entropy[1, line]
    for line in range(exergy.LINE_COUNT):
        x[st.ENTROPY_LOW] = min(x[st.ENTROPY_LOW], entropy[1, line])


@inlined
def _verdict(x: Vector) -> int:
    """OK, or the fault of a plant that cannot be computed further: a value that is not finite, or no air to divide by.

    A sum is finite only if all its terms are: one question instead of seven.
    """
    if not math.isfinite(
        x[st.SPEED]
        + x[st.SHAFT_SPEED]
        + x[st.COFLOW]
        + x[st.RECEIVER_ENERGY]
        + x[st.POSITION]
        + x[st.CURRENT]
        + x[st.WINDING_TEMPERATURE]
    ):
        return NOT_FINITE
    if x[st.RECEIVER_MASS] <= 0.0 or x[st.RECEIVER_ENERGY] <= 0.0:
        return RECEIVER_EMPTY
    return OK


@inlined
def _one_step(
    c: Vector,
    x: Vector,
    f: Vector,
    books: Vector,
    lap: Vector,
    sampled: Vector,
    entropy: Vector,
    ring: Vector,
    work: Vector,
    series: Vector,
    end: float,
    mean: float,
    square: float,
    winding_relaxation: float,
    h: float,
) -> int:
    """One step of one plant; arguments as for `advance`."""
    flow, samples, destroyed = books[2], sampled[1], entropy[1]
    # The last step's numbers stand until here: observation and snapshots read them between two steps.
    flow[:] = 0.0
    samples[:] = 0.0
    destroyed[:] = 0.0
    # The surroundings first: all that follows sees the same pressure and temperatures for the whole step, and the work
    # that their change does on the stored air is booked before anything else touches that air.
    follow_grid(c, x, series)
    surround(c, x, f, flow, samples, destroyed, h)
    close_switches(c, x, flow, samples, destroyed)
    command = _control(c, x, h)
    state = int(x[st.PLC_STATE])
    # Air goes from the receiver to the pockets: what leaves here stands in x[INFLOW...], and enters there the same
    # number.
    missed, behind = air_supply(c, x, f, flow, samples, destroyed, books, lap, h)
    active = pockets(c, x, f, flow, samples, destroyed, lap, work, plc.vent_open(state), missed, behind, h)
    _auxiliaries(c, x, flow, samples, h)

    # The current follows its command in microseconds and no motion of a step changes that, so it is known before the
    # motion; its copper loss and what it feeds are booked after it, with the speed that the shaft then has.
    start_current, start_speed = x[st.CURRENT], x[st.SHAFT_SPEED]
    mean_current = mean_square = wanted = 0.0
    enabled = plc.converter_enabled(state, abs(x[st.SPEED]) < constants.REST_SPEED)
    if enabled or start_current > constants.CURRENT_ZERO:
        x[st.CONVERTER_ON] = 1.0
        wanted = command / c[co.TORQUE_PER_CURRENT] if enabled else 0.0
        x[st.CURRENT], mean_current, mean_square = current_step(start_current, wanted, end, mean, square)
    else:
        x[st.CONVERTER_ON] = 0.0
        x[st.CURRENT] = 0.0
    x[st.CURRENT_SLOPE] = (x[st.CURRENT] - start_current) / h
    x[st.TORQUE] = c[co.TORQUE_PER_CURRENT] * mean_current

    # The loss scales with the square of the current, whose mean is not that of the mean while the current moves.
    effective = c[co.TORQUE_PER_CURRENT] * math.sqrt(mean_square)
    stray = stray_torque(effective, c[co.RATED_TORQUE], c[co.STRAY_TORQUE])
    brake = c[co.BRAKE_FORCE] if plc.brake_set(state) else 0.0
    # Pockets before motion: the buoyancy is that of the air which is there now, and the motion takes its work from
    # them.
    fault = move(c, x, f, flow, samples, work, active, brake, stray, h)
    # The step counts even so: the message names the time at which the plant could not be computed any further.
    # NOT_FINITE takes precedence: a solver that met a value that is not a number has not converged either.
    if fault != OK:
        x[st.STEPS] += h / c[co.STEP]
        return fault if math.isfinite(x[st.SPEED] + x[st.SHAFT_SPEED] + x[st.COFLOW] + x[st.CURRENT]) else NOT_FINITE
    electrics(c, x, flow, samples, start_current, wanted, mean_current, mean_square, start_speed, winding_relaxation, h)
    _watch(c, x, f, flow, lap, h)
    _book(x, books, sampled, entropy)
    # After the books, so that the record of a lap holds the step that completed it.
    _turn_lap(c, x, f, books, lap, ring, h)
    x[st.STEPS] += h / c[co.STEP]
    return _verdict(x)


@inlined
def _divide(c: Vector, spool: tuple[float, float], parts: int) -> tuple[float, float, float, float, float]:
    """Fit what depends on the length of a step to one part of several.

    Args:
        spool: the coefficients of the valve's spool for the whole step.

    Returns:
        Length of the part [s]; weights of the current (`lag_weights`); relaxation of the winding.
    """
    h = c[co.STEP] / parts
    # Each time from those of the whole step, and not from the last division.
    c[co.SPOOL_RELAXATION], c[co.SPOOL_MEAN] = spool
    if parts > 1:
        c[co.SPOOL_RELAXATION], c[co.SPOOL_MEAN] = spool_opening(c, 1.0 / parts)
    end, mean, square = lag_weights(c[co.CURRENT_BANDWIDTH], h)
    return h, end, mean, square, relaxation(h / (c[co.WINDING_HEAT_CAPACITY] * c[co.WINDING_THERMAL_RESISTANCE]))


@inlined
def follow_grid(c: Vector, x: Vector, series: Vector) -> None:
    """Grid frequency and load at the beginning of the step, from their series if they follow one."""
    time = x[st.STEPS] * c[co.STEP]
    x[st.GRID_FREQUENCY] = follow(series, 0, time, c[co.GRID_FREQUENCY])
    x[st.LOAD_POWER] = follow(series, 1, time, c[co.LOAD_POWER])


@compiled("void(float64[:,::1], float64[::1], int64[::1], float64[:,::1], int64, int64[::1], float64[::1], int64[::1])")
def advance(
    coefficients: Vector,
    memory: Vector,
    counts: Indices,
    work: Vector,
    n: int,
    faults: Indices,
    series: Vector,
    series_ends: Indices,
) -> None:
    """Advance independent plants by n steps each, in place.

    Args:
        coefficients: one row of `coefficients.NAMES` a plant; what depends on the surroundings is filled.
        memory: the memories of all plants (`state.views`), one after the other.
        counts: floaters of each plant.
        work: scratch (`buoyancy.work_array`); carries nothing from step to step.
        n: number of steps.
        series: tables of the time series (`surroundings.table`) of all plants, one after the other.
        series_ends: where each plant's table ends, after a leading 0.
        faults: filled: OK, or the number of a fault (`faults.TEXTS`) after which that plant's memory must not be used.
    """
    offset = 0
    for b in range(counts.shape[0]):
        count = counts[b]
        c = coefficients[b]
        at = offset
        x = memory[at : at + st.SCALAR_COUNT]
        at += st.SCALAR_COUNT
        f = memory[at : at + st.FLOATER_ROWS * count].reshape((st.FLOATER_ROWS, count))
        at += st.FLOATER_ROWS * count
        books = memory[at : at + 3 * ledger.COUNT].reshape((3, ledger.COUNT))
        at += 3 * ledger.COUNT
        lap = memory[at : at + st.LAP_WIDTH]
        at += st.LAP_WIDTH
        sampled = memory[at : at + 2 * ledger.BALANCE_COUNT].reshape((2, ledger.BALANCE_COUNT))
        at += 2 * ledger.BALANCE_COUNT
        entropy = memory[at : at + 2 * exergy.COUNT].reshape((2, exergy.COUNT))
        at += 2 * exergy.COUNT
        ring = memory[at : at + st.LAP_RING * st.LAP_WIDTH].reshape((st.LAP_RING, st.LAP_WIDTH))
        offset = at + st.LAP_RING * st.LAP_WIDTH
        # Coefficients are derived again for every call; what follows the surroundings is part of the state, not of
        # them.
        take_present(c, x)
        spool = c[co.SPOOL_RELAXATION], c[co.SPOOL_MEAN]
        divided = 1
        h, end, mean, square, winding_relaxation = _divide(c, spool, divided)
        surroundings = series[series_ends[b] : series_ends[b + 1]]
        faults[b] = OK
        for _ in range(n):
            # Decided from the state alone, so that it does not matter how many steps a call has.
            parts = substeps(c, x)
            if parts != divided:
                divided = parts
                h, end, mean, square, winding_relaxation = _divide(c, spool, divided)
            for _ in range(parts):
                faults[b] = _one_step(
                    c, x, f, books, lap, sampled, entropy, ring, work, surroundings, end, mean, square,
                    winding_relaxation, h,
                )  # fmt: skip
                if faults[b] != OK:
                    break
            if faults[b] != OK:
                break
            if parts > 1:  # the powers that are shown are those of the last part
                for line in range(ledger.COUNT):
                    books[2, line] *= parts
        # The caller's row is as it was: the next call divides from the same numbers.
        c[co.SPOOL_RELAXATION], c[co.SPOOL_MEAN] = spool


@compiled("void(float64[::1])")
def clear_lap(lap: Vector) -> None:
    """Begin the record of a lap."""
    _begin_lap(lap)
