/* The plant's whole step in C, as a floor for the compiled kernel: control, air supply, pockets, motion, electrics, trips,
 * chain tension, all three ledgers, lap records. The same arithmetic in the same order as kpp_physics for a plant without
 * options and hypotheses (point pockets, infinite bath, even number of floaters); it works on the kernel's own memory, so
 * that the benchmark can compare every number of the state afterwards. indices.h is written by the benchmark. */
#include <math.h>
#include <string.h>
#include "indices.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
static const double PI = 3.141592653589793;
enum { STOPPED, PRESSURISING, STARTING, RUNNING, COASTING, STOPPING, EMERGENCY_STOP, TRIPPED };
enum { MASS, ENTHALPY, DELIVERED, VOLUME, IN_WINDOW, INGESTED, STIFFNESS };
enum { OFF, IDLE, LOADED };
enum { W_INDEX, W_PROGRESS, W_PRESSURE, W_VOLUME, W_COSINE, W_SINE, W_FORCE };

typedef struct {
    const double *c;
    double *x, *f, *books, *lap, *sampled, *entropy, *ring, *work;
    double *flow, *samples, *destroyed;
    int n;
    double h, end, mean, square, winding;
} Plant;
#define F(row, i) (p->f[(row) * p->n + (i)])
#define W(row, i) (p->work[(row) * p->n + (i)])

static double relaxation(double x) {
    if (x < 1e-2) return x * (1 - x * 0.5 * (1 - x * (1.0 / 3) * (1 - x * 0.25 * (1 - x * 0.2 * (1 - x * (1.0 / 6))))));
    return -expm1(-x);
}

static double adiabatic_mean(double e, double k) {
    if (fabs(e) < 1e-3)
        return 1 + 0.5 * (k - 1) * e * (1 + (k - 2) / 3 * e * (1 + (k - 3) / 4 * e * (1 + (k - 4) / 5 * e
               * (1 + (k - 5) / 6 * e))));
    return expm1(k * log1p(e)) / (k * e);
}

static double sampled_mean(double difference, double x, double share) {
    if (x < 0.25) return difference * (1 - share * (0.5 + x * (1.0 / 12)));
    int intervals = 1 + (int)(4 * x);
    double part = x / intervals, lost = relaxation(part), total = 0;
    for (int i = 0; i < intervals; i++) {
        double following = difference - difference * lost;
        total += 0.5 * (difference + following) - part / 12 * (difference - following);
        difference = following;
    }
    return total / intervals;
}

static void place(double x, double straight, double radius, double *z, double *c, double *s) {
    if (x < 0) { double a = x / radius; *s = sin(a); *z = radius + radius * *s; *c = cos(a); return; }
    if (x < straight) { *z = radius + x; *c = 1; *s = 0; return; }
    double a = (x - straight) / radius;
    *s = sin(a); *z = radius + straight + radius * *s; *c = cos(a);
}

static double over_end(double d, double radius) { return d < 0 ? d : radius * sin(d / radius); }

static double mean_slope(double x, double ds, double c, double s, double straight, double radius) {
    double end = x + ds;
    if (x >= 0 && x < straight && end >= 0 && end <= straight) return 1;
    if ((x < 0 && end <= 0) || (x >= straight && end >= straight)) {
        double half = 0.5 * ds / radius, q = half * half, sh, ch, ratio;
        if (fabs(half) < 1e-2) {
            sh = half * (1 - q / 6 * (1 - q / 20 * (1 - q / 42)));
            ch = 1 - q / 2 * (1 - q / 12 * (1 - q / 30));
            ratio = 1 - q / 6 * (1 - q / 20 * (1 - q / 42));
        } else { sh = sin(half); ch = cos(half); ratio = sh / half; }
        return (c * ch - s * sh) * ratio;
    }
    if (x < 0 || end < 0) return (over_end(-x, radius) - over_end(-end, radius)) / ds;
    return (over_end(end - straight, radius) - over_end(x - straight, radius)) / ds;
}

static double tilt_capacity(double c, double s, double aspect) {
    if (c <= 0) return 0;
    double o = aspect * fabs(s);
    return o <= c ? 1 - 0.5 * o / c : 0.5 * c / o;
}

static double thermal(double T, double T0, double cp) {
    double x = (T - T0) / T0;
    if (fabs(x) < 1e-3) return cp * T0 * x * x * (0.5 - x * (1.0 / 3 - x * (0.25 - x / 5)));
    return cp * T0 * (x - log1p(x));
}

static double compression(const double *c, double ratio) {
    if (c[CO_COMPRESSOR_ISOTHERMAL] != 0) return c[CO_COMPRESSOR_WORK_FACTOR] * log(ratio);
    return c[CO_COMPRESSOR_WORK_FACTOR] * expm1(c[CO_GAS_EXPONENT] * log(ratio));
}

static double dry(double v, double force, double scale) {
    double x = v / scale;
    return x > 20 ? force : x < -20 ? -force : force * tanh(x);
}

static double dry_slope(double v, double force, double scale) {
    double x = v / scale;
    if (fabs(x) > 20) return 0;
    double t = tanh(x);
    return force / scale * (1 - t * t);
}

static double drag(double v, double k) { return k * v * fabs(v); }

static void control(Plant *p, double *command) {
    const double *c = p->c; double *x = p->x;
    int state = (int)x[ST_PLC_STATE], next = state;
    double R = c[CO_GAS_CONSTANT], nominal = c[CO_SPEED_SETPOINT];
    double pressure = R * x[ST_RECEIVER_ENERGY] / ((c[CO_CP_AIR] - R) * c[CO_RECEIVER_VOLUME]);
    if (state == PRESSURISING && (pressure >= c[CO_UNLOAD_PRESSURE] || x[ST_COMPRESSOR_MODE] == IDLE)) next = STARTING;
    if (state == STARTING && x[ST_SHAFT_SPEED] >= 0.5 * nominal) next = RUNNING;
    if (state == STOPPING && x[ST_SPEED] < 0.05) next = STOPPED;
    if (next != state) {
        x[ST_PLC_STATE] = next;
        if (next == RUNNING) {
            x[ST_SPEED_INTEGRAL] = 0;
            x[ST_ARMED_LAP] = x[ST_LAPS] + 1 + x[ST_POSITION] / c[CO_LOOP_LENGTH];
        }
        state = next;
    }
    if (state != RUNNING && state != COASTING) x[ST_H3_TIME] = x[ST_MANUAL_PULSES] = 0;
    if (state != COASTING) x[ST_H3_COAST] = 0;
    x[ST_CLAIMS_ACTIVE] = state == STARTING || state == RUNNING || state == COASTING;
    if (state == STOPPING) x[ST_SETPOINT] = MAX(0, x[ST_SETPOINT] - nominal * p->h / 30);
    else x[ST_SETPOINT] = nominal;
    *command = 0;
    if (state == RUNNING || state == STOPPING) {
        double e = x[ST_SHAFT_SPEED] - x[ST_SETPOINT], limit = c[CO_MAX_TORQUE];
        double wanted = c[CO_SPEED_GAIN] * e + x[ST_SPEED_INTEGRAL];
        *command = MIN(MAX(wanted, 0), limit);
        if (!((wanted > limit && e > 0) || (wanted < 0 && e < 0)))
            x[ST_SPEED_INTEGRAL] = x[ST_SPEED_INTEGRAL] + c[CO_INTEGRAL_GAIN] * e * p->h;
    } else if (state >= EMERGENCY_STOP && x[ST_SHAFT_SPEED] > 0.2 * nominal) *command = c[CO_MAX_TORQUE];
}

static int window(Plant *p, int enabled, double *served_progress, double *lasts, int *waits) {
    const double *c = p->c; double *x = p->x;
    int count = p->n, state = (int)x[ST_PLC_STATE], served = -1, inside = 0;
    double pitch = c[CO_PITCH], length = c[CO_WINDOW_LENGTH];
    if (state == STARTING && x[ST_SPEED] < 0.05) length = 0.5 * c[CO_STRAIGHT_LENGTH];
    double end = MIN(c[CO_WINDOW_START] + length, 0.5 * c[CO_LOOP_LENGTH]);
    double way = MAX(0, x[ST_SPEED]) * p->h, v = x[ST_SPEED];
    int first = (int)ceil((c[CO_WINDOW_START] - way - x[ST_POSITION]) / pitch);
    double progress = x[ST_POSITION] + first * pitch;
    *served_progress = *waits = 0;
    while (progress < end && inside < count) {
        int i = ((first + inside) % count + count) % count;
        if (F(IN_WINDOW, i) == 0) { F(IN_WINDOW, i) = 1; F(DELIVERED, i) = 0; x[ST_WINDOW_COUNT] += 1; }
        if (F(DELIVERED, i) < c[CO_TARGET_MASS]) { *waits = served >= 0; served = i; *served_progress = progress; }
        inside++;
        progress = x[ST_POSITION] + (first + inside) * pitch;
    }
    if (inside != x[ST_WINDOW_COUNT])
        for (int i = 0; i < count; i++)
            if (F(IN_WINDOW, i) != 0 && ((i - first) % count + count) % count >= inside) {
                F(IN_WINDOW, i) = 0; x[ST_WINDOW_COUNT] -= 1;
                if (enabled && state == RUNNING && F(DELIVERED, i) < c[CO_TARGET_MASS]) x[ST_MISSED] += 1;
            }
    *lasts = 0;
    if (!enabled || served < 0) return -1;
    double left = p->h;
    if (way > 0) left = MIN(MIN(p->h, (*served_progress + way - c[CO_WINDOW_START]) / v), (end - *served_progress) / v);
    if (left > 1e-6 * p->h) *lasts = left;
    return served;
}

static int enabled(Plant *p, double pressure) {
    const double *c = p->c; double *x = p->x;
    int mode = (int)x[ST_COMPRESSOR_MODE], state = (int)x[ST_PLC_STATE];
    if (!(state >= PRESSURISING && state <= COASTING)) mode = OFF;
    else if (mode == OFF) mode = pressure < c[CO_UNLOAD_PRESSURE] ? LOADED : IDLE;
    x[ST_COMPRESSOR_MODE] = mode;
    return mode;
}

static double loaded_share(const double *c, double start, double end, int mode) {
    double energy = (c[CO_CP_AIR] - c[CO_GAS_CONSTANT]) * c[CO_RECEIVER_VOLUME] / c[CO_GAS_CONSTANT], limit;
    if (mode == LOADED) {
        limit = energy * c[CO_UNLOAD_PRESSURE];
        if (start >= limit) return 0;
        return end >= limit ? (limit - start) / (end - start) : 1;
    }
    limit = energy * c[CO_LOAD_PRESSURE];
    if (start <= limit) return 1;
    return end <= limit ? (limit - end) / (start - end) : 0;
}

static void note_load(Plant *p, double time, double used) {
    if (p->lap[LAP_LOADS] == 0) { p->lap[LAP_FIRST_LOAD_TIME] = time; p->lap[LAP_FIRST_LOAD_ENERGY] = used; }
    p->lap[LAP_LAST_LOAD_TIME] = time; p->lap[LAP_LAST_LOAD_ENERGY] = used;
    p->lap[LAP_LOADS] += 1;
    p->x[ST_COMPRESSOR_MODE] = LOADED;
}

static void carry(double *value, double *low, double change) {
    double term = change + *low, new = *value + term;
    *low = term - (new - *value);
    *value = new;
}

static double relative_gain(double gain) { return fabs(gain) < 1e-4 ? 0.5 * gain * (1 + 1 / (1 + gain)) : log1p(gain); }

static double mixing_loss(double T, double incoming, double T0, double cp) { return thermal(incoming, T, cp) * T0 / T; }

static double discharge_integral(double q) {
    if (q < 1e-3) return q * q * (0.5 + q * (1.0 / 6 + q * (1.0 / 12 + q / 20)));
    return q + (1 - q) * log1p(-q);
}

/* What leaves through the relief valve; the pairs of intervals are those of the kernel's re-integration. */
static void relieve(Plant *p, double mass, double energy, double *relieved, double *blown) {
    const double *c = p->c; enum { NODES = 64 };
    double R = c[CO_GAS_CONSTANT], cp = c[CO_CP_AIR], cv = cp - R, T0 = c[CO_AMBIENT_TEMPERATURE], p0 = c[CO_AMBIENT_PRESSURE];
    double pressure = energy * R / (cv * c[CO_RECEIVER_VOLUME]), limit = c[CO_RELIEF_PRESSURE];
    *relieved = *blown = 0;
    if (pressure <= limit) return;
    double T = energy / (mass * cv), enthalpy = 0;
    *relieved = mass * -expm1((1 - c[CO_GAS_EXPONENT]) * log(limit / pressure));
    *blown = energy * (1 - limit / pressure);
    p->flow[LE_AIR_VENTED] += *relieved;
    p->flow[LE_VENT] += *blown - *relieved * cp * T0;
    double specific = cp * log(T / T0) - R * log(pressure / p0), end = 1 - *relieved / mass;
    p->destroyed[EX_RELIEF] += *blown - *relieved * (cp * T0 + T0 * specific);
    for (int node = 0; node <= NODES; node++) {
        double weight = node == 0 || node == NODES ? 1 : node % 2 ? 4 : 2, left = 1 + (end - 1) * node / NODES;
        enthalpy += weight * exp(R / cv * log(left));
    }
    enthalpy *= cp * T / (3.0 * NODES);
    p->samples[LE_VENT] += *relieved * (enthalpy - cp * T0);
}

static double work_of(const double *c, double pressure, double taken) {
    return taken * compression(c, MAX(1, pressure / c[CO_AMBIENT_PRESSURE]));
}

static double cooled(const double *c, double energy, double m, double *cooler, double *middle) {
    double cp = c[CO_CP_AIR], T0 = c[CO_AMBIENT_TEMPERATURE];
    double per_energy = c[CO_GAS_CONSTANT] / ((cp - c[CO_GAS_CONSTANT]) * c[CO_RECEIVER_VOLUME]);
    *cooler = c[CO_COOLER_TEMPERATURE];
    *middle = per_energy * (energy + 0.5 * m * cp * *cooler);
    double work = work_of(c, *middle, m);
    if (m * cp * (*cooler - T0) > work) {
        *cooler = T0 + work / (m * cp);
        *middle = per_energy * (energy + 0.5 * m * cp * *cooler);
        work = work_of(c, *middle, m);
        *cooler = MIN(*cooler, T0 + work / (m * cp));
    }
    return work;
}

static double idle(Plant *p, double lasts) {
    double work = work_of(p->c, p->c[CO_UNLOAD_PRESSURE], p->c[CO_IDLE_FLOW] * lasts);
    p->flow[LE_AFTERCOOLER] += work; p->samples[LE_AFTERCOOLER] += work; p->destroyed[EX_COMPRESSOR] += work;
    return work;
}

static double load(Plant *p, double mass, double energy, double lasts, double *taken, double *brought, double *seen) {
    const double *c = p->c; double *flow = p->flow, *sampled = p->samples, *destroyed = p->destroyed, cooler, middle;
    double R = c[CO_GAS_CONSTANT], cp = c[CO_CP_AIR], cv = cp - R, T0 = c[CO_AMBIENT_TEMPERATURE], p0 = c[CO_AMBIENT_PRESSURE];
    double per_energy = R / (cv * c[CO_RECEIVER_VOLUME]), m = c[CO_COMPRESSOR_FLOW] * lasts;
    double work = cooled(c, energy, m, &cooler, &middle);
    *taken = m; *brought = m * cp * cooler;
    destroyed[EX_COMPRESSOR] += work - m * (R * T0 * log(middle / p0) + thermal(cooler, T0, cp));
    double half = (energy + 0.5 * *brought) / ((mass + 0.5 * m) * cv);
    destroyed[EX_RECEIVER_MIXING] += m * mixing_loss(half, cooler, T0, cp);
    flow[LE_AIR_INTAKE] += m;
    flow[LE_AFTERCOOLER] += work - m * cp * (cooler - T0);
    *seen = 0.5 * (work_of(c, per_energy * energy, m) + work_of(c, per_energy * (energy + *brought), m));
    sampled[LE_AFTERCOOLER] += *seen - m * cp * (cooler - T0);
    return work;
}

/* `start` is the energy at the beginning of the step; the compressor comes last if it may have to switch. */
static void compress(Plant *p, int mode, double start, double mass, double energy, double *taken, double *brought) {
    const double *c = p->c; double h = p->h, work = 0, seen = 0, end = energy, cooler, middle, resampled;
    *taken = *brought = 0;
    if (mode == OFF) return;
    if (mode == LOADED) {
        double m = c[CO_COMPRESSOR_FLOW] * h;
        end = energy + m * c[CO_CP_AIR] * c[CO_COOLER_TEMPERATURE];
        if (end >= (c[CO_CP_AIR] - c[CO_GAS_CONSTANT]) * c[CO_RECEIVER_VOLUME] / c[CO_GAS_CONSTANT] * c[CO_UNLOAD_PRESSURE]) {
            cooled(c, energy, m, &cooler, &middle);
            end = energy + m * c[CO_CP_AIR] * cooler;
        }
    }
    double share = loaded_share(c, start, end, mode);
    if (mode == IDLE && share < 1) work = seen = idle(p, (1 - share) * h);
    if (mode == IDLE && share > 0)
        note_load(p, (p->x[ST_STEPS] + (1 - share)) * h, p->books[LE_COMPRESSOR] + p->books[LE_COUNT + LE_COMPRESSOR] + work);
    if (share > 0) { work += load(p, mass, energy, share * h, taken, brought, &resampled); seen += resampled; }
    if (mode == LOADED && share < 1) {
        p->x[ST_COMPRESSOR_MODE] = IDLE;
        double rest = idle(p, (1 - share) * h);
        work += rest; seen += rest;
    }
    p->flow[LE_COMPRESSOR] += work; p->samples[LE_COMPRESSOR] += seen;
}

static double cool(Plant *p, double mass, double energy) {
    const double *c = p->c; double T0 = c[CO_AMBIENT_TEMPERATURE], capacity = mass * (c[CO_CP_AIR] - c[CO_GAS_CONSTANT]);
    double stiffness = c[CO_RECEIVER_UA] * p->h / capacity, difference = energy / capacity - T0;
    double share = relaxation(stiffness), lost = capacity * difference * share;
    p->flow[LE_RECEIVER_HEAT] += lost;
    p->samples[LE_RECEIVER_HEAT] += c[CO_RECEIVER_UA] * sampled_mean(difference, stiffness, share) * p->h;
    p->destroyed[EX_RECEIVER_WALL] += lost + T0 * capacity * relative_gain(-lost / energy);
    return lost;
}

static double valve(const double *c, double pressure, double T, double q) {
    double b = c[CO_VALVE_CRITICAL_RATIO], psi = 1;
    if (q > b) {
        psi = 0;
        if (q < 1) {
            double root = (MIN(q, 0.999) - b) / (1 - b);
            psi = sqrt(1 - root * root);
            if (q > 0.999) psi *= (1 - q) / (1 - 0.999);
        }
    }
    return pressure * c[CO_VALVE_CONDUCTANCE] * 1.185 * sqrt(293.15 / T) * psi;
}

static double no_further(const double *c, double charge, double mass, double pressure, double behind) {
    if (charge * c[CO_CP_AIR] * pressure > mass * (c[CO_CP_AIR] - c[CO_GAS_CONSTANT]) * (pressure - behind))
        return MIN(charge, pressure <= behind ? 0 : mass * -expm1((1 - c[CO_GAS_EXPONENT]) * log(behind / pressure)));
    return charge;
}

/* Let air into the served floater; returns what leaves the receiver and whether the pulse is complete. */
static int fill(Plant *p, int served, double progress, double mass, double energy, double opening, double lasts,
                double *charge_out, double *taken, double *missed) {
    const double *c = p->c; double *x = p->x, *flow = p->flow, *destroyed = p->destroyed, z, cosine, sine;
    double R = c[CO_GAS_CONSTANT], cp = c[CO_CP_AIR], cv = cp - R, T0 = c[CO_AMBIENT_TEMPERATURE], p0 = c[CO_AMBIENT_PRESSURE];
    double T = energy / (mass * cv), pressure = energy * R / (cv * c[CO_RECEIVER_VOLUME]);
    *charge_out = *taken = *missed = 0;
    if (F(MASS, served) == 0) F(STIFFNESS, served) = 0;
    place(progress, c[CO_STRAIGHT_LENGTH], c[CO_RADIUS], &z, &cosine, &sine);
    double behind = p0 + c[CO_SPECIFIC_WEIGHT] * (c[CO_WATER_DEPTH] + x[ST_LEVEL] - z);
    double charge = no_further(c, lasts * (opening * valve(c, pressure, T, behind / pressure)), mass, pressure, behind);
    if (charge > 0) {
        double left = 1 - 0.5 * charge / mass, middle = pressure * pow(left, cp / cv), cooled = T * pow(left, R / cv);
        charge = no_further(c, lasts * (opening * valve(c, middle, cooled, behind / middle)), mass, pressure, behind);
    }
    double missing = c[CO_TARGET_MASS] - F(DELIVERED, served);
    int complete = charge >= missing;
    double lasted = complete && charge > 0 ? lasts * missing / charge : lasts;
    if (complete) { charge = missing; F(DELIVERED, served) = c[CO_TARGET_MASS]; } else F(DELIVERED, served) += charge;
    if (charge <= 0) return complete;
    double share = charge / mass, fallen = mass * discharge_integral(share);
    *charge_out = charge; *taken = -energy * expm1(cp / cv * log1p(-share));
    double leaving = *taken / (charge * cp), caught = charge * c[CO_CAPTURE_EFFICIENCY];
    *missed = charge - caught;
    destroyed[EX_VALVE] += R * T0 * (charge * log(pressure / behind) - cp / cv * fallen);
    if (*missed > 0) {
        double mean_log = log(T / T0) - R / cv * fallen / charge, end = T * exp(R / cv * log1p(-share));
        flow[LE_AIR_VENTED] += *missed; flow[LE_VENT] += *missed * cp * (leaving - T0);
        p->samples[LE_VENT] += *missed * cp * (0.5 * (T + end) - T0);
        destroyed[EX_VENT] += *missed * (cp * (leaving - T0) - cp * T0 * mean_log + R * T0 * log(behind / p0));
    }
    x[ST_INFLOW] = caught; x[ST_INFLOW_TIME] = lasted; x[ST_INFLOW_LATE] = progress < c[CO_WINDOW_START];
    x[ST_INFLOW_TEMPERATURE] = leaving; x[ST_INFLOW_START] = T; x[ST_INFLOW_SHARE] = share;
    flow[LE_AIR_VALVE] += charge;
    return complete;
}

/* How far the closed valve opens in a share of a step, at its end and in its mean. */
static double spool(const Plant *p, double share, double *mean) {
    double opened = p->c[CO_SPOOL_RELAXATION], constant = (1 - p->c[CO_SPOOL_MEAN]) / opened;
    *mean = p->c[CO_SPOOL_MEAN];
    if (share == 1) return opened;
    opened = 1 - pow(1 - opened, share);
    *mean = 1 - opened * constant / share;
    return opened;
}

static double closing(const Plant *p, double at, double share) {
    if (share == 1) return at - at * p->c[CO_SPOOL_RELAXATION];
    return share > 0 ? at * pow(1 - p->c[CO_SPOOL_RELAXATION], share) : at;
}

static void air_supply(Plant *p) {
    const double *c = p->c; double *x = p->x;
    double R = c[CO_GAS_CONSTANT], mass = x[ST_RECEIVER_MASS], energy = x[ST_RECEIVER_ENERGY], progress;
    double capacity = (c[CO_CP_AIR] - R) * c[CO_RECEIVER_VOLUME] / R;
    double relieved, blown, taken, brought, charge, left, missed, lasts;
    int state = (int)x[ST_PLC_STATE], mode = enabled(p, energy / capacity);
    relieve(p, mass, energy, &relieved, &blown);
    double dm = -relieved, dU = -blown;
    int odd = fmod(x[ST_STEPS], 2) != 0;
    double most = c[CO_COMPRESSOR_FLOW] * p->h * c[CO_CP_AIR] * c[CO_COOLER_TEMPERATURE];
    int last = odd || mode == IDLE || energy + most >= capacity * c[CO_UNLOAD_PRESSURE];
    if (!last) {
        compress(p, mode, energy - blown, mass + dm, energy + dU, &taken, &brought);
        dm += taken; dU += brought;
    }
    if (!odd) dU -= cool(p, mass + dm, energy + dU);
    int waits, served = window(p, state == STARTING || state == RUNNING, &progress, &lasts, &waits);
    x[ST_SERVED] = x[ST_FILLED] = served; x[ST_SERVED_FLOW] = x[ST_INFLOW] = 0;
    double opening = 0, before = p->h, mean;
    if (served >= 0 && lasts > 0) before = progress < c[CO_WINDOW_START] ? p->h - lasts : 0;
    x[ST_SPOOL] = closing(p, x[ST_SPOOL], before / p->h);
    if (before < p->h) {
        spool(p, lasts / p->h, &mean);
        opening = x[ST_SPOOL] + (1 - x[ST_SPOOL]) * mean;
    }
    if (served >= 0 && lasts > 0) {
        int complete = fill(p, served, progress, mass + dm, energy + dU, opening, lasts, &charge, &left, &missed);
        x[ST_SERVED_FLOW] = charge / p->h;
        double opened = waits ? p->h - before : charge > 0 ? x[ST_INFLOW_TIME] : lasts;
        if (opened > 0) x[ST_SPOOL] += (1 - x[ST_SPOOL]) * spool(p, opened / p->h, &mean);
        x[ST_SPOOL] = closing(p, x[ST_SPOOL], MAX(0, p->h - before - opened) / p->h);
        dm -= charge; dU -= left;
        if (complete) x[ST_PULSES] += 1;
    }
    if (odd) dU -= cool(p, mass + dm, energy + dU);
    if (last) {
        compress(p, mode, energy - blown, mass + dm, energy + dU, &taken, &brought);
        dm += taken; dU += brought;
    }
    carry(&x[ST_RECEIVER_MASS], &x[ST_RECEIVER_MASS_LOW], dm);
    carry(&x[ST_RECEIVER_ENERGY], &x[ST_RECEIVER_ENERGY_LOW], dU);
}

/* One part of the inflow: its mean temperature, and the mean of ln(T/T0) in it. */
static double part_of_inflow(const Plant *p, int part, int parts, double exponent, double T0, double *mean_log) {
    const double *x = p->x;
    double first = x[ST_INFLOW_SHARE] * part / parts, last = x[ST_INFLOW_SHARE] * (part + 1) / parts, start = x[ST_INFLOW_START];
    if (last < 1e-3) {
        double linear = 0.5 * (first + last), square = (first * first + first * last + last * last) / 6;
        *mean_log = log(start / T0) - exponent * (linear + square);
        return start * (1 - exponent * linear + exponent * (exponent - 1) * square);
    }
    double high = 1 - first, low = 1 - last, gamma = 1 + exponent;
    *mean_log = log(start / T0) - exponent * (1 - (high * log(high) - (low > 0 ? low * log(low) : 0)) / (high - low));
    return start / gamma * (pow(high, gamma) - pow(low, gamma)) / (high - low);
}

static double mixing(double mass, double H, double entering, double incoming, double mean_log, double T0, double cp) {
    double last = (H + entering * cp * incoming) / ((mass + entering) * cp), gained = entering * (log(last / T0) - mean_log);
    if (mass <= 0) return gained;
    double held = H / (mass * cp);
    return gained + mass * log1p(entering * (incoming - held) / ((mass + entering) * held));
}

static double filling_excess(double mass, double start, double excess, double incoming, double exchange) {
    double limit = incoming / (1 + exchange);
    return limit + (excess - limit) * exp((1 + exchange) * log(start / mass));
}

static double heat_while_filling(double mass, double H, double caught, double incoming, double Tw, double UA, double cp,
                                 double duration, double *seen, double *crossed) {
    *seen = *crossed = 0;
    if (caught <= 0 || duration <= 0 || mass <= 1e-3) return 0;
    double start = MAX(mass - caught, 1e-3), inside = incoming - Tw;
    double enough = H - (mass - start) * cp * incoming - start * cp * Tw, excess = enough / (start * cp);
    double exchange = UA * duration / (cp * caught), last = filling_excess(mass, start, excess, inside, exchange);
    double middle = filling_excess(0.5 * (start + mass), start, excess, inside, exchange);
    double made = excess * excess / (Tw + excess), weight = UA * (duration * (mass - start) / caught) / 6;
    made += 4 * middle * middle / (Tw + middle); made += last * last / (Tw + last);
    *seen = -weight * (excess + 4 * middle + last); *crossed = weight * made / Tw;
    return mass * cp * last - enough - (mass - start) * cp * inside;
}

static double heat_from_water(double mass, double H, double Tw, double UA, double cp, double h, double *seen) {
    *seen = 0;
    if (mass < 1e-3) return 0;
    double capacity = mass * cp, x = UA * h / capacity, share = relaxation(x), difference = Tw - H / capacity;
    *seen = UA * h * sampled_mean(difference, x, share);
    return capacity * difference * share;
}

static int pockets(Plant *p, int vent) {
    const double *c = p->c; double *x = p->x, h = p->h;
    int count = p->n, active = 0, served = (int)x[ST_FILLED];
    double pitch = c[CO_PITCH], straight = c[CO_STRAIGHT_LENGTH], radius = c[CO_RADIUS], weight = c[CO_SPECIFIC_WEIGHT];
    double depth = c[CO_WATER_DEPTH] + x[ST_LEVEL], p0 = c[CO_AMBIENT_PRESSURE], k = c[CO_GAS_EXPONENT], cp = c[CO_CP_AIR];
    double R = c[CO_GAS_CONSTANT], T0 = c[CO_AMBIENT_TEMPERATURE], rho = c[CO_WATER_DENSITY], full = c[CO_FLOATER_VOLUME];
    double aspect = c[CO_BUCKET_ASPECT], Tw = c[CO_WATER_TEMPERATURE], UA = c[CO_POCKET_UA], position = x[ST_POSITION];
    double quarter = 0.5 * PI * radius, speed = x[ST_SPEED], inflow = x[ST_INFLOW];
    double heat = 0, sampled_heat = 0, heat_loss = 0, vented = 0, lost = 0, sampled_vent = 0;
    double vent_loss = 0, expelled = 0, ingested = 0, coldest = 1e300;
    int first = (int)ceil((-quarter - position) / pitch) - 1, last = (int)floor((straight + quarter - position) / pitch) + 1;
    x[ST_JET_FLOW] = 0;
    if (last - first >= count) last = first + count - 1;
    int i = (first % count + count) % count;
    for (int j = first; j <= last; j++) {
        double m = F(MASS, i), before = F(VOLUME, i), mass = m, vented_before = vented;
        int filling = i == served && inflow > 0;
        if (m != 0 || before != 0 || filling) {
            double volume = 0;
            if (m != 0 || filling) {
                double progress = position + j * pitch, z, cosine, sine, limit = full, widening = 0;
                place(progress, straight, radius, &z, &cosine, &sine);
                double roof = p0 + weight * (depth - z), H = F(ENTHALPY, i);
                if (sine != 0) {
                    double z2, cosine2, sine2, until = sine * speed < 0 ? h : 0.5 * h;
                    place(progress + speed * until, straight, radius, &z2, &cosine2, &sine2);
                    limit *= tilt_capacity(cosine2, sine2, aspect);
                    if (until == h) widening = (limit - full * tilt_capacity(cosine, sine, aspect)) / h;
                }
                double final = limit, elapsed = 0, warming = 1;
                int parts = 0, split = 0;
                if (filling) {
                    double most = limit * roof / (R * x[ST_INFLOW_TEMPERATURE]);
                    double share = m + inflow < 0.8 * most ? 0.05 : 0.0025;
                    double room = MAX(MIN(m + inflow, most), share * inflow);
                    parts = MIN(400, 1 + (int)(inflow / (share * room)));
                }
                double remaining = inflow * x[ST_INFLOW_TEMPERATURE];
                if (m >= 1e-3 && k * H > 0.8 * limit * roof && !vent) {
                    if (Tw * m * cp - H > 0)
                        warming = MIN(400, 1 + (int)(relaxation(UA * h / (m * cp)) * (Tw * m * cp - H) / (0.0025 * H)));
                    split = !filling && k * H > limit * roof;
                }
                int late = filling && x[ST_INFLOW_LATE] != 0, phases = parts + (int)warming + split;
                for (int turn = 0; turn < phases; turn++) {
                    int phase = !late ? turn : turn >= warming ? turn - (int)warming : parts;
                    double q, seen, lasted;
                    if (phase < parts) {
                        double entering = inflow / parts, mean_log;
                        double incoming = part_of_inflow(p, phase, parts, R / (cp - R), T0, &mean_log);
                        if (phase == parts - 1) incoming = remaining / entering;
                        remaining -= entering * incoming;
                        double made = cp * mixing(m, H, entering, incoming, mean_log, T0, cp), crossed;
                        m += entering; H += entering * cp * incoming;
                        lasted = x[ST_INFLOW_TIME] / parts;
                        q = heat_while_filling(m, H, entering, incoming, Tw, UA, cp, lasted, &seen, &crossed);
                        made += m * cp * relative_gain(q / H) - q / Tw;
                        crossed = MAX(0, MIN(crossed, made));
                        p->destroyed[EX_POCKET_MIXING] += T0 * (made - crossed);
                        heat_loss += crossed + q / Tw;
                    } else {
                        lasted = (filling ? h - x[ST_INFLOW_TIME] : h) / warming;
                        if (split && (turn == 0 || turn == (int)warming)) lasted *= 0.5;
                        q = heat_from_water(m, H, Tw, UA, cp, lasted, &seen);
                        if (q != 0) heat_loss += m * cp * relative_gain(q / H);
                    }
                    elapsed += lasted; sampled_heat += seen;
                    double rate = m * cp;
                    if (q != 0) { H += q; heat += q; }
                    volume = k * H / roof;
                    if (widening > 0) limit = final - widening * MAX(0, h - elapsed);
                    double kept = vent ? (m > 1e-9 ? exp(-h / 1.0) : 0) : 1;
                    if ((volume * kept > limit && !(split && turn == (int)warming)) || kept < 1) {
                        double room = MIN(volume * kept, limit), T = H / rate;
                        kept = room / volume;
                        double m_kept = m * kept, H_kept = H * kept, gone = m - m_kept;
                        vented += gone; lost += (H - H_kept) - cp * T0 * gone; sampled_vent += gone * cp * (T - T0);
                        vent_loss += gone * (thermal(T, T0, cp) + R * T0 * log(roof / p0));
                        volume = room; m = m_kept; H = H_kept;
                    }
                    if (m == 0 && turn >= parts - 1 && !late) break;
                }
                x[ST_RECEIVER_MASS_LOW] += (filling ? inflow : 0) - (m - mass) - (vented - vented_before);
                F(MASS, i) = m; F(ENTHALPY, i) = H;
                if (m != 0) {
                    W(W_INDEX, active) = i; W(W_PROGRESS, active) = progress; W(W_PRESSURE, active) = roof;
                    W(W_VOLUME, active) = volume; W(W_COSINE, active) = cosine; W(W_SINE, active) = sine;
                    active++;
                    if (m >= 1e-3) coldest = MIN(coldest, H / (m * cp));
                }
            }
            double change = rho * (volume - before);
            F(VOLUME, i) = volume;
            if (change >= 0) { expelled += change; F(INGESTED, i) = 0; }
            else { ingested -= change; F(INGESTED, i) = -change; }
        } else if (F(INGESTED, i) != 0) F(INGESTED, i) = 0;
        if (++i == count) i = 0;
    }
    p->flow[LE_HEAT_FROM_WATER] += heat; p->flow[LE_AIR_VENTED] += vented; p->flow[LE_VENT] += lost;
    p->flow[LE_WATER_EXPELLED] += expelled; p->flow[LE_WATER_INGESTED] += ingested;
    p->samples[LE_HEAT_FROM_WATER] += sampled_heat; p->samples[LE_VENT] += sampled_vent;
    p->destroyed[EX_POCKET_HEAT] += T0 * (heat_loss - heat / Tw); p->destroyed[EX_VENT] += vent_loss;
    p->destroyed[EX_HEAT_EXERGY] += heat * (1 - T0 / Tw); p->flow[LE_HEAT_EXERGY] += heat * (1 - T0 / Tw);
    x[ST_COLDEST] = coldest; p->lap[LAP_COLDEST] = MIN(p->lap[LAP_COLDEST], coldest);
    return active;
}

static double mean_buoyancy(Plant *p, int active, double ds) {
    const double *c = p->c;
    double straight = c[CO_STRAIGHT_LENGTH], radius = c[CO_RADIUS], weight = c[CO_SPECIFIC_WEIGHT], total = 0;
    for (int a = 0; a < active; a++) {
        double slope = mean_slope(W(W_PROGRESS, a), ds, W(W_COSINE, a), W(W_SINE, a), straight, radius);
        double e = -weight * slope * ds / W(W_PRESSURE, a);
        double force = weight * W(W_VOLUME, a) * slope * adiabatic_mean(e, c[CO_GAS_EXPONENT]);
        W(W_FORCE, a) = force; total += force;
    }
    return total;
}

typedef struct { double start, mass, driving, linear, quadratic, dry, scale, second, second_scale, k, on, u0, kw, mw, h; } Motion;
enum { PASSES = 120, PARTS = 8, ATTEMPTS = 8 };
static const double RESIDUAL = 1e-9, ROUNDING = 4e-16, TINY = 1e-250;

static int mean_coflow(double *u, double u0, double speed, double k, double kw, double mw, double h, double *sensitivity) {
    int settled = 0;
    double estimate = *u;
    *sensitivity = 0;
    for (int j = 0; j < PASSES; j++) {
        double rel = speed - estimate, inertia = 2 * mw / h;
        double residual = inertia * (estimate - u0) - drag(rel, k) + drag(estimate, kw);
        double coupling = 2 * k * fabs(rel), slope = inertia + coupling + 2 * kw * fabs(estimate);
        double next = estimate - residual / slope, moved = fabs(next - estimate);
        *sensitivity = coupling / slope; estimate = next;
        settled = moved <= 1e-13 * fabs(estimate) + 1e-20;
        if (moved <= 1e-16 * fabs(estimate) + 1e-20) break;
    }
    *u = estimate;
    return settled;
}

static int end_speed(const Motion *m, double *v1, double *u) {
    double low = 0, high = 0, change = *v1 - m->start, inertia = m->mass / m->h, before = INFINITY;
    int bracketed = 0, converged = 0, settled = 1;
    for (int n = 0; n < PASSES; n++) {
        double mean = m->start + 0.5 * change, end = m->start + change, sensitivity = 0;
        if (m->on != 0) settled = mean_coflow(u, m->u0, mean, m->k, m->kw, m->mw, m->h, &sensitivity);
        double rel = mean - *u, first = dry(end, m->dry, m->scale), second = dry(end, m->second, m->second_scale);
        double water = drag(rel, m->k), losses = m->linear * mean + m->quadratic * mean * fabs(mean);
        double residual = inertia * change - m->driving + losses + water + first + second;
        double slope = inertia + 0.5 * m->linear + m->quadratic * fabs(mean) + m->k * fabs(rel) * (1 - sensitivity)
            + dry_slope(end, m->dry, m->scale) + dry_slope(end, m->second, m->second_scale);
        double reach = residual / inertia * (1 + RESIDUAL);
        if (!bracketed) { low = MIN(change, change - reach); high = MAX(change, change - reach); bracketed = 1; }
        else if (residual > 0) high = change;
        else low = change;
        double scale = fabs(inertia * change) + fabs(m->driving) + fabs(losses) + fabs(water) + fabs(first) + fabs(second);
        double correction = -residual / slope;
        double least = ROUNDING * ROUNDING * fabs(end);
        converged = settled && (fabs(residual) <= RESIDUAL * scale + TINY || fabs(correction) <= least);
        if (converged && (fabs(residual) <= ROUNDING * scale || fabs(correction) <= ROUNDING * fabs(end) + 1e-20)) break;
        if (!(low <= change + correction && change + correction <= high) || fabs(correction) > 0.5 * before)
            correction = 0.5 * (low + high) - change;
        before = fabs(correction);
        change += correction;
        *u += 0.5 * sensitivity * correction;
    }
    *v1 = m->start + change;
    return converged;
}

static void lock(Plant *p, double mass, double J, double ratio, double eta) {
    double *x = p->x, slip = x[ST_SHAFT_SPEED] - ratio * x[ST_SPEED];
    double impulse = -slip / (1 / J + ratio * ratio / (eta * mass)), dv = -ratio * impulse / (eta * mass), dw = impulse / J;
    double loss = -0.5 * slip * impulse, transmitted = J * dw * (ratio * (x[ST_SPEED] + 0.5 * dv)) * (1 / eta - 1);
    p->flow[LE_CLUTCH] += loss; p->samples[LE_CLUTCH] += loss;
    p->flow[LE_GEARBOX] += transmitted; p->samples[LE_GEARBOX] += transmitted;
    x[ST_SPEED] += dv; x[ST_SHAFT_SPEED] = ratio * x[ST_SPEED];
}

static void sample(Plant *p, double v, double u, double w, double exchanged) {
    const double *c = p->c; double *x = p->x, *s = p->samples, half = 0.5 * p->h;
    double ratio = c[CO_SHAFT_PER_CHAIN], eta = c[CO_GEARBOX_EFFICIENCY];
    for (int n = 0; n < 2; n++) {
        double pull = drag(v - u, c[CO_DRAG_COEFFICIENT]), load = x[ST_CLUTCH_TORQUE] * ratio * fabs(v) * (1 / eta - 1);
        s[LE_DRAG_LOCAL] += half * pull * (v - u);
        s[LE_DRAG_BULK] += half * drag(u, c[CO_BULK_COEFFICIENT]) * u;
        s[LE_WATER_EXCHANGE] += 0.25 * exchanged * v * v;
        s[LE_GEARBOX] += half * (c[CO_NOLOAD_COEFFICIENT] * v * v + load);
        s[LE_FLYWHEEL_WINDAGE] += half * c[CO_WINDAGE_COEFFICIENT] * w * w * fabs(w);
        s[LE_GENERATOR_IRON] += half * w * (dry(w, c[CO_IRON_HYSTERESIS_TORQUE], 0.05) + c[CO_IRON_EDDY_COEFFICIENT] * w);
        s[LE_GENERATOR_MECHANICAL] += half * c[CO_MECHANICAL_COEFFICIENT] * w * w;
        v = x[ST_SPEED]; u = x[ST_COFLOW]; w = x[ST_SHAFT_SPEED];
    }
}

static void refresh(Plant *p, int active) {
    const double *c = p->c;
    for (int a = 0; a < active; a++) {
        double z;
        place(W(W_PROGRESS, a), c[CO_STRAIGHT_LENGTH], c[CO_RADIUS], &z, &W(W_COSINE, a), &W(W_SINE, a));
        W(W_PRESSURE, a) = c[CO_AMBIENT_PRESSURE] + c[CO_SPECIFIC_WEIGHT] * (c[CO_WATER_DEPTH] + p->x[ST_LEVEL] - z);
        W(W_VOLUME, a) = c[CO_GAS_EXPONENT] * F(ENTHALPY, (int)W(W_INDEX, a)) / W(W_PRESSURE, a);
    }
}

/* The part of a step that ends in rest, or where friction fades: its length, 0 if there is none. */
static double rest_step(Plant *p, int active, double v0, double v1, double mass, double ingested, double constant, double linear,
                        double quadratic, double rub, double u0, double step, double *u, double *force) {
    const double *c = p->c; double mean = 0.5 * (v0 + v1), part = step, sensitivity;
    *u = u0;
    for (int n = 0; n < PASSES; n++) {
        *force = mean_buoyancy(p, active, mean * part);
        if (c[CO_COFLOW_ON] != 0)
            mean_coflow(u, u0, mean, c[CO_DRAG_COEFFICIENT], c[CO_BULK_COEFFICIENT], c[CO_COFLOW_MASS], part, &sensitivity);
        double pull = *force + constant - linear * mean - quadratic * mean * fabs(mean) - rub;
        pull -= drag(mean - *u, c[CO_DRAG_COEFFICIENT]);
        double next = (mass * (v1 - v0) + ingested * v0) / pull;
        if (!(0 < next && next <= step * (1 + RESIDUAL))) return 0;
        next = MIN(next, step);
        double change = fabs(next - part);
        part = next;
        if (change <= ROUNDING * step) return part;
    }
    return 0;
}

static int move(Plant *p, int active, double brake, double stray) {
    const double *c = p->c; double *x = p->x, *flow = p->flow, *s = p->samples, h = p->h, air = 0;
    for (int i = 0; i < p->n; i++) air += F(VOLUME, i);
    double mass = c[CO_DRY_MASS] + c[CO_WATER_DENSITY] * (p->n * c[CO_FLOATER_VOLUME] - air);
    double ratio = c[CO_SHAFT_PER_CHAIN], eta = c[CO_GEARBOX_EFFICIENCY], J = c[CO_SHAFT_INERTIA];
    double noload = c[CO_NOLOAD_COEFFICIENT], hyst = c[CO_IRON_HYSTERESIS_TORQUE], eddy = c[CO_IRON_EDDY_COEFFICIENT];
    double mech = c[CO_MECHANICAL_COEFFICIENT], windage = c[CO_WINDAGE_COEFFICIENT], friction = c[CO_FRICTION_FORCE];
    double kd = c[CO_DRAG_COEFFICIENT], kw = c[CO_BULK_COEFFICIENT], torque = x[ST_TORQUE], all = friction + brake;
    double ingested = flow[LE_WATER_INGESTED];
    double start_v = x[ST_SPEED], start_w = x[ST_SHAFT_SPEED], start_u = x[ST_COFLOW], rest = h, braking = 0;
    double bw = 0, dw_ = 0, ew = 0, fw = 0, brw = 0, sw = 0, impulse = 0, pulled = 0, turned = 0, travel = 0;
    double force = 0, drag_force = 0, iron = 0, w_mean = 0, rubbed = 0;
    int locked = x[ST_LOCKED] != 0, backwards = x[ST_SPEED] < 0;
    double transfer = backwards ? 2 - 1 / eta : 1 / eta; /* chain force over clutch torque times ratio */
    x[ST_H1_FORCE] = x[ST_AIRLIFT] = x[ST_BUBBLE_VOID] = x[ST_JET_FORCE] = 0;
    for (int part = 0; part < PARTS; part++) {
        if (part > 0) refresh(p, active);
        double v0 = x[ST_SPEED], w0 = x[ST_SHAFT_SPEED], u0 = x[ST_COFLOW], step = rest;
        if (v0 != 0) backwards = v0 < 0;
        double v1 = v0 + x[ST_ACCELERATION] * step, w1 = w0, u = u0, clutch = 0;
        int final = 0, ends = 0, stops = 0, back = 0, found = 0;
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            transfer = backwards ? 2 - 1 / eta : 1 / eta;
            double referred = ratio * transfer;
            braking = ingested * v0 / h;
            stops = 0;
            Motion m = {v0, mass, 0, noload, 0, all, 1e-3, 0, 1, kd, c[CO_COFLOW_ON], u0, kw, c[CO_COFLOW_MASS], step};
            double constant = 0;
            if (locked) {
                m.mass += J * ratio * referred; constant -= referred * torque;
                m.linear += referred * ratio * (eddy + mech); m.quadratic = referred * ratio * ratio * windage;
                m.second = referred * (hyst + stray); m.second_scale = 0.05 / ratio;
            }
            for (int pass = 0; pass < 2; pass++) {
                double ds = 0.5 * (v0 + v1) * step;
                force = mean_buoyancy(p, active, ds);
                m.driving = force + constant - braking;
                found = end_speed(&m, &v1, &u);
                if (fabs(0.5 * (v0 + v1) * step - ds) <= 1e-9) break;
            }
            if (!found) return 0;
            double fading = all > 0 ? 4 * 1e-3 : 0;
            if (locked && m.second > 0) fading = MAX(fading, 4 * m.second_scale);
            int outside = fabs(v0) > fading * (1 + RESIDUAL);
            if ((all > 0 && v0 * v1 < 0) || (outside && fabs(v1) < fading)) {
                double edge = outside ? copysign(fading, v0) : 0, rub = dry(v0, all, 1e-3) + dry(edge, m.second, m.second_scale);
                step = rest_step(p, active, v0, edge, m.mass, part == 0 ? ingested : 0, constant, m.linear, m.quadratic, rub, u0,
                                 step, &u, &force);
                if (step == 0) return 0;
                v1 = edge; braking = part == 0 ? ingested * v0 / step : 0; stops = 1;
            } else if (v0 == 0 && v1 < 0 && !backwards && !back) { backwards = back = 1; continue; }
            if (locked) {
                w1 = ratio * v1; w_mean = 0.5 * (w0 + w1);
                clutch = J * (w1 - w0) / step + torque + mech * w_mean + (dry(w1, hyst + stray, 0.05) + eddy * w_mean)
                    + windage * w_mean * fabs(w_mean);
                if (clutch >= 0 || final) { found = 1; break; }
                locked = found = 0; step = rest;
                continue;
            }
            clutch = 0;
            Motion shaft = {w0, J, -torque, eddy + mech, windage, hyst + stray, 0.05, 0, 1, 0, 0, 0, 0, 1, step};
            double none = 0;
            found = end_speed(&shaft, &w1, &none);
            if (!found) return 0;
            double overtake = ratio * v1 - w1;
            if (overtake <= 0 || (ends && !stops)) { ends = ends && !stops; break; }
            found = 0;
            double gap = w0 - ratio * v0;
            if (gap <= 1e-12 * fabs(w0) + 1e-30) { locked = final = 1; step = rest; continue; }
            step *= gap / (gap + overtake);
            v1 = v0 + (v1 - v0) * gap / (gap + overtake);
            ends = 1;
        }
        if (!found) return 0;
        double ds = 0.5 * (v0 + v1) * step, rubbing = stops ? v0 : v1;
        w_mean = 0.5 * (w0 + w1);
        double angle = w_mean * step, rel = 0.5 * (v0 + v1) - u;
        drag_force = drag(rel, kd);
        for (int a = 0; a < active; a++) {
            F(ENTHALPY, (int)W(W_INDEX, a)) -= W(W_FORCE, a) * ds;
            W(W_PROGRESS, a) += ds;
        }
        x[ST_SPEED] = v1; x[ST_SHAFT_SPEED] = w1;
        if (c[CO_COFLOW_ON] != 0) x[ST_COFLOW] = 2 * u - u0;
        iron = dry(w1, hyst, 0.05) + eddy * w_mean;
        rubbed = dry(w1, stray, 0.05);
        bw += force * ds; dw_ += drag_force * 0.5 * (v0 + v1) * step;
        flow[LE_DRAG_LOCAL] += drag_force * rel * step;
        flow[LE_DRAG_BULK] += drag(u, kw) * u * step;
        ew += braking * ds;
        s[LE_CHAIN_FRICTION] += 0.5 * step * (dry(v0, friction, 1e-3) * v0 + dry(v1, friction, 1e-3) * v1);
        s[LE_BRAKE] += 0.5 * step * (dry(v0, brake, 1e-3) * v0 + dry(v1, brake, 1e-3) * v1);
        s[LE_GENERATOR_STRAY] += 0.5 * step * (dry(w0, stray, 0.05) * w0 + rubbed * w1);
        fw += dry(rubbing, friction, 1e-3) * ds; brw += dry(rubbing, brake, 1e-3) * ds;
        flow[LE_GEARBOX] += noload * 0.5 * (v0 + v1) * ds + clutch * (ratio * ds) * (transfer - 1);
        flow[LE_FLYWHEEL_WINDAGE] += windage * w_mean * fabs(w_mean) * angle;
        flow[LE_GENERATOR_IRON] += iron * angle;
        flow[LE_GENERATOR_MECHANICAL] += mech * w_mean * angle;
        flow[LE_GENERATOR_STRAY] += rubbed * angle;
        sw += (torque + rubbed + iron + mech * w_mean) * angle;
        impulse += clutch * step; pulled += ratio * transfer * clutch * step;
        turned += angle; travel += ds; rest -= step;
        if (ends) { lock(p, mass, J, ratio, 1 / transfer); locked = 1; }
        if (rest <= 1e-12 * h) break;
    }
    if (rest > 1e-12 * h) return 0;
    x[ST_LOCKED] = locked; x[ST_ACCELERATION] = (x[ST_SPEED] - start_v) / h; x[ST_CLUTCH_TORQUE] = impulse / h;
    double expelled = flow[LE_WATER_EXPELLED];
    flow[LE_WATER_EXCHANGE] += ew + 0.5 * (expelled - ingested) * start_v * start_v;
    flow[LE_BUOYANCY] += bw; flow[LE_DRAG] += dw_; flow[LE_CHAIN_FRICTION] += fw; flow[LE_BRAKE] += brw;
    flow[LE_SHAFT] += sw; flow[LE_SHAFT_ANGLE] += turned; flow[LE_CHAIN_TRAVEL] += travel;
    x[ST_POSITION] += travel;
    x[ST_BUOYANCY_FORCE] = force; x[ST_SHELL_FORCE] = 0; x[ST_DRAG_FORCE] = drag_force; x[ST_EXCHANGE_FORCE] = braking;
    x[ST_FRICTION_FORCE] = dry(x[ST_SPEED], friction, 1e-3); x[ST_BRAKE_FORCE] = dry(x[ST_SPEED], brake, 1e-3);
    x[ST_PTO_FORCE] = pulled / h + noload * travel / h;
    x[ST_SHAFT_TORQUE] = torque + rubbed + iron + mech * w_mean;
    sample(p, start_v, start_u, start_w, expelled + ingested);
    return 1;
}

static double stage(const double *c, double load) {
    return 0.5 * c[CO_CONVERTER_RATING] * (c[CO_CONVERTER_C0] + c[CO_CONVERTER_C1] * load + c[CO_CONVERTER_C2] * load * load);
}

static void electrics(Plant *p, double start, double wanted, double mean, double mean_square, double start_w) {
    const double *c = p->c; double *x = p->x, *flow = p->flow, *s = p->samples, h = p->h;
    double mechanical = x[ST_TORQUE] * flow[LE_SHAFT_ANGLE], end = x[ST_CURRENT], R = c[CO_RESISTANCE], L = c[CO_INDUCTANCE];
    double alpha = c[CO_CURRENT_BANDWIDTH], copper = 1.5 * R * mean_square * h;
    double magnetic = 0.75 * L * (end - start) * (end + start), terminal = 0, squares = 0, loads = 0;
    int moving = fabs(start - wanted) > 0.001 * fabs(wanted), intervals = moving ? 1 + (int)(32.0 * alpha * h) : 1;
    double share = moving ? exp(-alpha * h / intervals) : 0, off = start - wanted, rise = (x[ST_SHAFT_SPEED] - start_w) / intervals;
    for (int n = 0; n <= intervals; n++) {
        double current = intervals == 1 && n == 1 ? end : wanted + off;
        off *= share;
        double weight = (n == 0 || n == intervals ? 0.5 : 1.0) / intervals, torque = c[CO_TORQUE_PER_CURRENT] * current;
        double speed = start_w + n * rise;
        terminal += weight * (torque * speed - 1.5 * R * current * current);
        squares += weight * current * current;
        loads += weight * stage(c, fabs(current) / c[CO_RATED_CURRENT]);
    }
    terminal -= 1.5 * L * 0.5 * (start + end) * (end - start) / h;
    x[ST_DUMP_POWER] = x[ST_CHOPPER_POWER] = 0;
    if (x[ST_CONVERTER_ON] != 0) {
        double f = x[ST_GRID_FREQUENCY], V = c[CO_GRID_VOLTAGE], rating = c[CO_CONVERTER_RATING];
        if (x[ST_BREAKER] != 0 && (f < 47.5 || f > 51.5 || fabs(V - 1) > 0.15)) { x[ST_BREAKER] = 0; x[ST_SYNC_ERROR] = 1; }
        if (x[ST_BREAKER] == 0) {
            x[ST_SYNC_ERROR] *= 1 - h / (0.1 + 0.5 * h);
            if (fabs(f - 50) * x[ST_SYNC_ERROR] <= 0.2 && fabs(V - 1) <= 0.05 && 180 * x[ST_SYNC_ERROR] <= 15
                && f >= 47.5 && f <= 51.5)
                x[ST_BREAKER] = 1;
        }
        double power = (mechanical - copper - magnetic) / h, rated = c[CO_RATED_CURRENT];
        double machine = 0.5 * c[CO_CONVERTER_RATING] * (c[CO_CONVERTER_C0] + c[CO_CONVERTER_C1] * (fabs(mean) / rated) + 0.0);
        machine += 0.5 * c[CO_CONVERTER_RATING] * c[CO_CONVERTER_C2] * mean_square / (rated * rated);
        double dc = power - machine, before = x[ST_DC_ENERGY], drawn = dc;
        double reference = 0.5 * c[CO_DC_CAPACITANCE] * c[CO_DC_VOLTAGE] * c[CO_DC_VOLTAGE];
        if (c[CO_DC_CAPACITANCE] > 0) drawn += (before - reference) * -expm1(-h / 0.02) / h;
        drawn = MAX(drawn, MIN(0, dc) - 0.1 * rating);
        double highest = x[ST_BREAKER] != 0 ? INFINITY : 0, reduction = MIN(0, -(f - 50.2) / (c[CO_FREQUENCY_DROOP] * 50));
        if (reduction < 0) highest = MIN(highest, MAX(0, dc) * MAX(0, 1 + reduction));
        drawn = MIN(drawn, highest);
        double change = (dc - drawn) * h, chopped = MAX(0, before + change - reference * 1.1 * 1.1);
        carry(&x[ST_DC_ENERGY], &x[ST_DC_ENERGY_LOW], change - chopped);
        chopped /= h;
        double grid = stage(c, fabs(drawn) / rating), out = drawn - grid, dumped = MIN(MAX(out, 0), c[CO_DUMP_LOAD_POWER]);
        x[ST_GENERATOR_POWER] = power; x[ST_DC_POWER] = dc; x[ST_DUMP_POWER] = dumped; x[ST_CHOPPER_POWER] = chopped;
        flow[LE_CONVERTER] += (machine + grid) * h; flow[LE_CHOPPER] += chopped * h; flow[LE_DUMP_LOAD] += dumped * h;
        flow[LE_GRID] += (out - dumped) * h;
        double sd = terminal - loads - (x[ST_DC_ENERGY] - before) / h - chopped, sl = stage(c, fabs(sd) / rating);
        s[LE_GENERATOR_COPPER] += 1.5 * R * squares * h; s[LE_CONVERTER] += (loads + sl) * h;
        s[LE_CHOPPER] += chopped * h; s[LE_DUMP_LOAD] += dumped * h; s[LE_GRID] += (sd - sl - dumped) * h;
    } else {
        copper = mechanical - magnetic; s[LE_GENERATOR_COPPER] += copper;
        x[ST_GENERATOR_POWER] = x[ST_DC_POWER] = x[ST_BREAKER] = 0; x[ST_SYNC_ERROR] = 1;
    }
    flow[LE_GENERATOR_COPPER] += copper;
    double T = x[ST_WINDING_TEMPERATURE];
    x[ST_WINDING_TEMPERATURE] = T + (c[CO_AMBIENT_TEMPERATURE] + copper / h * c[CO_WINDING_THERMAL_RESISTANCE] - T) * p->winding;
}

static void tension(Plant *p, double *highest, double *lowest) {
    const double *c = p->c; double *x = p->x, straight = c[CO_STRAIGHT_LENGTH], radius = c[CO_RADIUS], pitch = c[CO_PITCH];
    double half = straight + PI * radius, top = straight + 0.5 * PI * radius, bottom = 2 * half - 0.5 * PI * radius;
    double own = x[ST_DRAG_FORCE] / p->n, T = 0, integral = 0, last = 0, high = -1e300, low = 1e300;
    int first = (int)ceil(-x[ST_POSITION] / pitch), top_done = 0, bottom_done = 0;
    for (int j = first; j < first + p->n; j++) {
        double s = x[ST_POSITION] + j * pitch, z, cosine, sine;
        if (!top_done && s >= top) {
            integral += T * (top - last); last = top;
            T += x[ST_PTO_FORCE] + x[ST_BRAKE_FORCE] + 0.5 * x[ST_FRICTION_FORCE];
            high = MAX(high, T); low = MIN(low, T); top_done = 1;
        }
        if (!bottom_done && s >= bottom) {
            integral += T * (bottom - last); last = bottom; T += 0.5 * x[ST_FRICTION_FORCE];
            high = MAX(high, T); low = MIN(low, T); bottom_done = 1;
        }
        integral += T * (s - last); last = s;
        int i = (j % p->n + p->n) % p->n;
        if (s < half) place(s, straight, radius, &z, &cosine, &sine);
        else { place(s - half, straight, radius, &z, &cosine, &sine); cosine = -cosine; }
        double force = (c[CO_SPECIFIC_WEIGHT] * F(VOLUME, i) + c[CO_SHELL_FORCE]) * cosine - own
            - F(INGESTED, i) * x[ST_SPEED] / p->h;
        T += (c[CO_FLOATER_DRY_MASS] + c[CO_WATER_DENSITY] * (c[CO_FLOATER_VOLUME] - F(VOLUME, i))) * x[ST_ACCELERATION] - force;
        high = MAX(high, T); low = MIN(low, T);
    }
    if (!bottom_done) {
        integral += T * (bottom - last); last = bottom; T += 0.5 * x[ST_FRICTION_FORCE];
        high = MAX(high, T); low = MIN(low, T);
    }
    integral += T * (2 * half - last);
    double shift = c[CO_PRETENSION] - integral / (2 * half);
    *highest = high + shift; *lowest = low + shift;
}

static void watch(Plant *p) {
    const double *c = p->c; double *x = p->x, *lap = p->lap;
    int armed = x[ST_PLC_STATE] == RUNNING && x[ST_LAPS] + x[ST_POSITION] / c[CO_LOOP_LENGTH] >= x[ST_ARMED_LAP];
    if (fmod(x[ST_STEPS], 5) == 0) {
        double high, low;
        tension(p, &high, &low);
        x[ST_TENSION_MAX] = high; x[ST_TENSION_MIN] = low;
        lap[LAP_TENSION_MAX] = MAX(lap[LAP_TENSION_MAX], high); lap[LAP_TENSION_MIN] = MIN(lap[LAP_TENSION_MIN], low);
        x[ST_TENSION_TIME] = high > c[CO_TENSION_LIMIT] ? x[ST_TENSION_TIME] + 5 * p->h : 0;
        x[ST_SLACK_TIME] = armed && low < 0 ? x[ST_SLACK_TIME] + 5 * p->h : 0;
    }
    p->flow[LE_TENSION_PEAK_TIME] += x[ST_TENSION_MAX] * p->h;
    double R = c[CO_GAS_CONSTANT], cv = c[CO_CP_AIR] - R, pressure = R * x[ST_RECEIVER_ENERGY] / (cv * c[CO_RECEIVER_VOLUME]);
    lap[LAP_PRESSURE_MAX] = MAX(lap[LAP_PRESSURE_MAX], pressure);
    lap[LAP_PRESSURE_MIN] = MIN(lap[LAP_PRESSURE_MIN], pressure);
    if (x[ST_PLC_STATE] != TRIPPED) {
        double T = armed ? x[ST_RECEIVER_ENERGY] / (x[ST_RECEIVER_MASS] * cv) : 0;
        int cause = x[ST_SHAFT_SPEED] > 1.15 * c[CO_RATED_SPEED] ? 1 : fabs(x[ST_SPEED]) > 3 ? 2
            : pressure > c[CO_TRIP_PRESSURE] ? 3 : x[ST_TENSION_TIME] >= 0.1 ? 4 : x[ST_SLACK_TIME] >= 0.5 ? 5
            : x[ST_WINDING_TEMPERATURE] > 423.15 ? 6 : T > 363.15 ? 7 : 0;
        if (cause) { x[ST_TRIP] = cause; x[ST_PLC_STATE] = TRIPPED; }
    }
}

/* Energy and exergy of every store at the end of a lap. */
static void take_stock(Plant *p, double *energy, double *available) {
    const double *c = p->c; double *x = p->x, straight = c[CO_STRAIGHT_LENGTH], radius = c[CO_RADIUS];
    double R = c[CO_GAS_CONSTANT], cp = c[CO_CP_AIR], cv = cp - R, T0 = c[CO_AMBIENT_TEMPERATURE], p0 = c[CO_AMBIENT_PRESSURE];
    double half = straight + PI * radius, heights = 0, stored = 0, air = 0, held = 0;
    for (int i = 0; i < p->n; i++) {
        double s = x[ST_POSITION] + i * c[CO_PITCH], z, cosine, sine, m = F(MASS, i), H = F(ENTHALPY, i);
        if (s >= c[CO_LOOP_LENGTH]) s -= c[CO_LOOP_LENGTH];
        place(s < half ? s : s - half, straight, radius, &z, &cosine, &sine);
        if (s >= half) z = 2 * radius + straight - z;
        heights += z; stored += H - m * cp * T0; air += F(VOLUME, i);
        double roof = p0 + c[CO_SPECIFIC_WEIGHT] * (c[CO_WATER_DEPTH] + x[ST_LEVEL] - z);
        if (m > 0) held += m * (thermal(H / (m * cp), T0, cp) + R * T0 * log(roof / p0));
    }
    double mass = c[CO_DRY_MASS] + c[CO_WATER_DENSITY] * (c[CO_FLOATER_COUNT] * c[CO_FLOATER_VOLUME] - air);
    energy[STORED_CHAIN] = 0.5 * mass * x[ST_SPEED] * x[ST_SPEED];
    energy[STORED_SHAFT] = 0.5 * c[CO_SHAFT_INERTIA] * x[ST_SHAFT_SPEED] * x[ST_SHAFT_SPEED];
    energy[STORED_WATER] = 0.5 * c[CO_COFLOW_MASS] * x[ST_COFLOW] * x[ST_COFLOW];
    energy[STORED_SHELL] = -c[CO_SHELL_FORCE] * heights;
    energy[STORED_MAGNETIC] = 0.75 * c[CO_INDUCTANCE] * x[ST_CURRENT] * x[ST_CURRENT];
    energy[STORED_DC_LINK] = x[ST_DC_ENERGY] + x[ST_DC_ENERGY_LOW];
    energy[STORED_SURFACE] = -0.5 * c[CO_SPECIFIC_WEIGHT] * c[CO_SURFACE_AREA] * x[ST_LEVEL] * x[ST_LEVEL];
    double low = x[ST_RECEIVER_ENERGY_LOW] - x[ST_RECEIVER_MASS_LOW] * cp * T0;
    energy[STORED_RECEIVER] = x[ST_RECEIVER_ENERGY] - x[ST_RECEIVER_MASS] * cp * T0 + low;
    energy[STORED_POCKETS] = stored;
    energy[STORED_BATH] = x[ST_BATH_ENERGY] + x[ST_BATH_ENERGY_LOW];
    memcpy(available, energy, STORED_COUNT * sizeof(double));
    double volume = c[CO_RECEIVER_VOLUME], T = x[ST_RECEIVER_ENERGY] / (x[ST_RECEIVER_MASS] * cv);
    double pressure = x[ST_RECEIVER_ENERGY] * R / (cv * volume);
    available[STORED_RECEIVER] = x[ST_RECEIVER_MASS] * (thermal(T, T0, cp) + R * T0 * log(pressure / p0)) - (pressure - p0) * volume;
    available[STORED_POCKETS] = held;
    available[STORED_BATH] = available[STORED_COUNT] = 0;
}

static int one_step(Plant *p) {
    const double *c = p->c; double *x = p->x, h = p->h, command;
    memset(p->flow, 0, LE_COUNT * sizeof(double));
    memset(p->samples, 0, LE_BALANCE_COUNT * sizeof(double));
    memset(p->destroyed, 0, EX_COUNT * sizeof(double));
    x[ST_GRID_FREQUENCY] = c[CO_GRID_FREQUENCY]; x[ST_LOAD_POWER] = c[CO_LOAD_POWER];
    if (x[ST_AMBIENT_PRESSURE] != c[CO_AMBIENT_PRESSURE_SET] || x[ST_AMBIENT_TEMPERATURE] != c[CO_AMBIENT_TEMPERATURE_SET]
        || x[ST_WATER_TEMPERATURE] != c[CO_WATER_TEMPERATURE_SET]) return 0; /* settled surroundings only */
    control(p, &command);
    int state = (int)x[ST_PLC_STATE];
    air_supply(p);
    int active = pockets(p, state >= EMERGENCY_STOP);
    double auxiliary = c[CO_AUXILIARY_POWER] * h;
    p->flow[LE_AUXILIARY] += auxiliary; p->flow[LE_AUXILIARY_HEAT] += auxiliary;
    p->samples[LE_AUXILIARY] += auxiliary; p->samples[LE_AUXILIARY_HEAT] += auxiliary;
    double start = x[ST_CURRENT], start_w = x[ST_SHAFT_SPEED], mean = 0, square = 0, wanted = 0;
    int enabled = state >= EMERGENCY_STOP ? !(fabs(x[ST_SPEED]) < 5e-3) : state >= STARTING && state <= STOPPING;
    if (enabled || start > 1e-6) {
        x[ST_CONVERTER_ON] = 1;
        wanted = enabled ? command / c[CO_TORQUE_PER_CURRENT] : 0;
        double off = start - wanted;
        x[ST_CURRENT] = wanted + off * p->end; mean = wanted + off * p->mean;
        square = wanted * wanted + 2 * wanted * off * p->mean + off * off * p->square;
    } else x[ST_CONVERTER_ON] = x[ST_CURRENT] = 0;
    x[ST_CURRENT_SLOPE] = (x[ST_CURRENT] - start) / h;
    x[ST_TORQUE] = c[CO_TORQUE_PER_CURRENT] * mean;
    int braked = state == STOPPED || state == PRESSURISING || state >= EMERGENCY_STOP;
    double load = c[CO_TORQUE_PER_CURRENT] * sqrt(square) / c[CO_RATED_TORQUE], stray = c[CO_STRAY_TORQUE] * load * load;
    if (!move(p, active, braked ? c[CO_BRAKE_FORCE] : 0, stray)) return 0;
    electrics(p, start, wanted, mean, square, start_w);
    watch(p);
    for (int line = 0; line < LE_COUNT; line++) {
        double *total = p->books + line, *low = total + LE_COUNT, term = p->flow[line], new = *total + term;
        *low = fabs(*total) >= fabs(term) ? *low + ((*total - new) + term) : *low + ((term - new) + *total);
        *total = new;
    }
    for (int line = 0; line < LE_BALANCE_COUNT; line++) p->sampled[line] += p->samples[line];
    for (int line = 0; line < EX_COUNT; line++) p->entropy[line] += p->destroyed[line];
    for (int line = 0; line < EX_LINE_COUNT; line++) x[ST_ENTROPY_LOW] = MIN(x[ST_ENTROPY_LOW], p->destroyed[line]);
    if (x[ST_POSITION] < 0) { x[ST_POSITION] += c[CO_LOOP_LENGTH]; x[ST_LAPS] -= 1; }
    else if (x[ST_POSITION] >= c[CO_LOOP_LENGTH]) {
        x[ST_POSITION] -= c[CO_LOOP_LENGTH]; x[ST_LAPS] += 1;
        if (x[ST_LAPS] > x[ST_RECORDED_LAPS]) {
            x[ST_RECORDED_LAPS] = x[ST_LAPS];
            for (int line = 0; line < LE_COUNT; line++) p->lap[line] = p->books[line] + p->books[LE_COUNT + line];
            p->lap[LAP_TIME] = (x[ST_STEPS] + 1) * h; p->lap[LAP_PULSES] = x[ST_PULSES]; p->lap[LAP_MISSED] = x[ST_MISSED];
            take_stock(p, p->lap + LAP_ENERGY_RECEIVER, p->lap + LAP_EXERGY_RECEIVER);
            memcpy(p->ring + ((int)x[ST_LAPS] % LAP_RING) * LAP_WIDTH, p->lap, LAP_WIDTH * sizeof(double));
            memset(p->lap, 0, LAP_WIDTH * sizeof(double));
            p->lap[LAP_TENSION_MAX] = p->lap[LAP_PRESSURE_MAX] = -1e300;
            p->lap[LAP_TENSION_MIN] = p->lap[LAP_PRESSURE_MIN] = p->lap[LAP_COLDEST] = 1e300;
        }
    }
    x[ST_STEPS] += 1;
    return isfinite(x[ST_SPEED] + x[ST_SHAFT_SPEED] + x[ST_COFLOW] + x[ST_RECEIVER_ENERGY] + x[ST_POSITION] + x[ST_CURRENT]
                    + x[ST_WINDING_TEMPERATURE]) && x[ST_RECEIVER_MASS] > 0 && x[ST_RECEIVER_ENERGY] > 0;
}

/* Parts of the coming step: the floor is that of plants whose pockets fill slowly, in whole steps. */
static int substeps(const Plant *p) {
    const double *c = p->c, *x = p->x;
    double ahead = fmod(c[CO_WINDOW_START] - x[ST_POSITION], c[CO_PITCH]);
    if (ahead < 0) ahead += c[CO_PITCH];
    int enters = ahead <= 2 * x[ST_SPEED] * p->h;
    if (x[ST_SERVED] < 0 && !enters) return 1;
    double R = c[CO_GAS_CONSTANT], pressure = x[ST_RECEIVER_ENERGY] * R / ((c[CO_CP_AIR] - R) * c[CO_RECEIVER_VOLUME]);
    double charge = pressure * c[CO_VALVE_CONDUCTANCE] * 1.185 * p->h;
    if (!enters) charge = MIN(charge, 2 * x[ST_SERVED_FLOW] * p->h);
    double behind = c[CO_AMBIENT_PRESSURE] + c[CO_SPECIFIC_WEIGHT] * c[CO_WATER_DEPTH];
    double capacity = c[CO_FLOATER_VOLUME] * behind / (R * c[CO_AMBIENT_TEMPERATURE]);
    double share = charge / MIN(MIN(c[CO_TARGET_MASS], capacity), x[ST_RECEIVER_MASS]);
    double sonic = x[ST_SPOOL] * (pressure * c[CO_VALVE_CONDUCTANCE] * 1.185), decay = 0;
    if (x[ST_SERVED_FLOW] > 0 && x[ST_SERVED_FLOW] < sonic) {
        double y = x[ST_SERVED_FLOW] / sonic;
        decay = sonic * p->h / x[ST_RECEIVER_MASS] * sqrt(1 - y * y) / (y * (1 - c[CO_VALVE_CRITICAL_RATIO]));
    }
    int parts = 1;
    while ((share > (c[CO_JET_MODE] == 1 ? 1.0 / 256 : 1.0 / 128) * parts || decay > 0.25 * parts) && parts < 64) parts *= 2;
    return parts;
}

/* Advance a plant by so many steps; 0 when its state is no longer one of a plant, or a step is to be divided. */
int kpp_steps(const double *c, double *memory, double *work, int floaters, int steps) {
    Plant p = {.c = c, .x = memory, .work = work, .n = floaters, .h = c[CO_STEP]};
    p.f = p.x + ST_COUNT; p.books = p.f + 7 * floaters; p.lap = p.books + 3 * LE_COUNT; p.sampled = p.lap + LAP_WIDTH;
    p.entropy = p.sampled + 2 * LE_BALANCE_COUNT; p.ring = p.entropy + 2 * EX_COUNT;
    p.flow = p.books + 2 * LE_COUNT; p.samples = p.sampled + LE_BALANCE_COUNT; p.destroyed = p.entropy + EX_COUNT;
    double a = c[CO_CURRENT_BANDWIDTH] * p.h;
    p.end = exp(-a); p.mean = -expm1(-a) / a; p.square = -expm1(-2 * a) / (2 * a);
    p.winding = relaxation(p.h / (c[CO_WINDING_HEAT_CAPACITY] * c[CO_WINDING_THERMAL_RESISTANCE]));
    for (int n = 0; n < steps; n++) if (substeps(&p) > 1 || !one_step(&p)) return 0;
    return 1;
}
