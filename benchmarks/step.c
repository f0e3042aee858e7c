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
enum { MASS, ENTHALPY, DELIVERED, VOLUME, IN_WINDOW, INGESTED };
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
    if (x < 1e-2) return x * (1 - x / 2 * (1 - x / 3 * (1 - x / 4 * (1 - x / 5 * (1 - x / 6)))));
    return -expm1(-x);
}

static double adiabatic_mean(double e, double k) {
    if (fabs(e) < 1e-3)
        return 1 + 0.5 * (k - 1) * e * (1 + (k - 2) / 3 * e * (1 + (k - 3) / 4 * e * (1 + (k - 4) / 5 * e
               * (1 + (k - 5) / 6 * e))));
    return expm1(k * log1p(e)) / (k * e);
}

static double sampled_mean(double difference, double x) {
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
    if (state == PRESSURISING && pressure >= c[CO_UNLOAD_PRESSURE]) next = STARTING;
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

static int window(Plant *p, int enabled, double *served_progress) {
    const double *c = p->c; double *x = p->x;
    int count = p->n, state = (int)x[ST_PLC_STATE], served = -1, inside = 0;
    double pitch = c[CO_PITCH], length = c[CO_WINDOW_LENGTH];
    if (state == STARTING && x[ST_SPEED] < 0.05) length = 0.5 * c[CO_STRAIGHT_LENGTH];
    double end = MIN(c[CO_WINDOW_START] + length, 0.5 * c[CO_LOOP_LENGTH]);
    int first = (int)ceil((c[CO_WINDOW_START] - x[ST_POSITION]) / pitch);
    double progress = x[ST_POSITION] + first * pitch;
    *served_progress = 0;
    while (progress < end && inside < count) {
        int i = ((first + inside) % count + count) % count;
        if (F(IN_WINDOW, i) == 0) { F(IN_WINDOW, i) = 1; F(DELIVERED, i) = 0; x[ST_WINDOW_COUNT] += 1; }
        if (F(DELIVERED, i) < c[CO_TARGET_MASS]) { served = i; *served_progress = progress; }
        inside++;
        progress = x[ST_POSITION] + (first + inside) * pitch;
    }
    if (inside != x[ST_WINDOW_COUNT])
        for (int i = 0; i < count; i++)
            if (F(IN_WINDOW, i) != 0 && ((i - first) % count + count) % count >= inside) {
                F(IN_WINDOW, i) = 0; x[ST_WINDOW_COUNT] -= 1;
                if (enabled && state == RUNNING && F(DELIVERED, i) < c[CO_TARGET_MASS]) x[ST_MISSED] += 1;
            }
    return enabled ? served : -1;
}

static int switched(Plant *p, double pressure) {
    const double *c = p->c; double *x = p->x;
    int mode = (int)x[ST_COMPRESSOR_MODE], state = (int)x[ST_PLC_STATE];
    if (!(state >= PRESSURISING && state <= COASTING)) mode = OFF;
    else if (mode == OFF) mode = pressure < c[CO_UNLOAD_PRESSURE] ? LOADED : IDLE;
    else if (mode == LOADED && pressure >= c[CO_UNLOAD_PRESSURE]) mode = IDLE;
    else if (mode == IDLE && pressure <= c[CO_LOAD_PRESSURE]) {
        mode = LOADED;
        double used = p->books[LE_COMPRESSOR] + p->books[LE_COUNT + LE_COMPRESSOR];
        if (p->lap[LAP_LOADS] == 0) {
            p->lap[LAP_FIRST_LOAD_TIME] = x[ST_STEPS] * p->h; p->lap[LAP_FIRST_LOAD_ENERGY] = used;
        }
        p->lap[LAP_LAST_LOAD_TIME] = x[ST_STEPS] * p->h; p->lap[LAP_LAST_LOAD_ENERGY] = used;
        p->lap[LAP_LOADS] += 1;
    }
    x[ST_COMPRESSOR_MODE] = mode;
    return mode;
}

static void carry(double *value, double *low, double change) {
    double term = change + *low, new = *value + term;
    *low = term - (new - *value);
    *value = new;
}

static void air_supply(Plant *p, double *missed_out, double *behind_out) {
    const double *c = p->c; double *x = p->x, *flow = p->flow, *sampled = p->samples, *destroyed = p->destroyed, h = p->h;
    double R = c[CO_GAS_CONSTANT], cp = c[CO_CP_AIR], T0 = c[CO_AMBIENT_TEMPERATURE], p0 = c[CO_AMBIENT_PRESSURE];
    double cv = cp - R, mass = x[ST_RECEIVER_MASS], energy = x[ST_RECEIVER_ENERGY], T = energy / (mass * cv);
    double pressure = mass * R * T / c[CO_RECEIVER_VOLUME], cooler = c[CO_COOLER_TEMPERATURE];
    int state = (int)x[ST_PLC_STATE], mode = switched(p, pressure);
    double kept = MIN(pressure, c[CO_RELIEF_PRESSURE]), dm = 0, dU = 0, taken = 0, work = 0;
    if (mode == LOADED) {
        taken = c[CO_COMPRESSOR_FLOW] * h;
        double middle = kept + 0.5 * taken * cp * cooler * R / (cv * c[CO_RECEIVER_VOLUME]);
        work = taken * compression(c, MAX(1, middle / p0));
        cooler = MIN(cooler, T0 + work / (taken * cp));
        dm += taken; dU += taken * cp * cooler;
        flow[LE_AIR_INTAKE] += taken;
        flow[LE_AFTERCOOLER] += work - taken * cp * (cooler - T0);
        destroyed[EX_COMPRESSOR] += work - taken * (R * T0 * log(middle / p0) + thermal(cooler, T0, cp));
    } else if (mode == IDLE) {
        work = c[CO_IDLE_FLOW] * h * compression(c, MAX(1, c[CO_UNLOAD_PRESSURE] / p0));
        flow[LE_AFTERCOOLER] += work; destroyed[EX_COMPRESSOR] += work;
    }
    flow[LE_COMPRESSOR] += work;
    double stiffness = c[CO_RECEIVER_UA] * h / (mass * cv), wall = relaxation(stiffness);
    double lost = mass * cv * (T - T0) * wall, after = T - (T - T0) * wall;
    dU -= lost; flow[LE_RECEIVER_HEAT] += lost;
    destroyed[EX_RECEIVER_WALL] += lost * (1 - 0.5 * T0 * (1 / T + 1 / after));
    double relieved = 0;
    if (pressure > c[CO_RELIEF_PRESSURE]) {
        relieved = mass * -expm1((1 - c[CO_GAS_EXPONENT]) * log(c[CO_RELIEF_PRESSURE] / pressure));
        dm -= relieved; dU -= relieved * cp * T;
        flow[LE_AIR_VENTED] += relieved; flow[LE_VENT] += relieved * cp * (T - T0);
    }
    double progress; int served = window(p, state == STARTING || state == RUNNING, &progress);
    x[ST_SERVED] = served; x[ST_SERVED_FLOW] = 0;
    x[ST_SPOOL] += ((served >= 0) - x[ST_SPOOL]) * c[CO_SPOOL_RELAXATION];
    double charge = 0, missed = 0, behind = 0, leaving = T;
    if (served >= 0) {
        double z, cosine, sine;
        place(progress, c[CO_STRAIGHT_LENGTH], c[CO_RADIUS], &z, &cosine, &sine);
        behind = p0 + c[CO_SPECIFIC_WEIGHT] * (c[CO_WATER_DEPTH] + x[ST_LEVEL] - z);
        double q = behind / pressure, b = c[CO_VALVE_CRITICAL_RATIO], psi = 1;
        if (q >= 1) psi = 0;
        else if (q > b) {
            double root = (MIN(q, 0.999) - b) / (1 - b);
            psi = sqrt(1 - root * root);
            if (q > 0.999) psi *= (1 - q) / (1 - 0.999);
        }
        charge = x[ST_SPOOL] * h * (pressure * c[CO_VALVE_CONDUCTANCE] * 1.185 * sqrt(293.15 / T) * psi);
        if (charge > 1e-3 * mass) {
            double share = pressure <= behind ? 0 : -expm1((1 - c[CO_GAS_EXPONENT]) * log(behind / pressure));
            charge = MIN(charge, mass * share);
        }
        double missing = c[CO_TARGET_MASS] - F(DELIVERED, served);
        if (charge >= missing) { charge = missing; F(DELIVERED, served) = c[CO_TARGET_MASS]; x[ST_PULSES] += 1; }
        else F(DELIVERED, served) += charge;
        double caught = charge * c[CO_CAPTURE_EFFICIENCY];
        missed = charge - caught;
        leaving -= 0.5 * T * R / cv * charge / mass;
        if (charge > 0) {
            double middle = pressure * (1 - 0.5 * cp / cv * charge / mass);
            destroyed[EX_VALVE] += charge * (R * T0 * log(MAX(1, middle / behind)));
            double mixed = F(MASS, served);
            if (mixed > 0 && caught > 0) {
                double first = F(ENTHALPY, served) / (mixed * cp);
                double last = (mixed * first + caught * leaving) / (mixed + caught);
                destroyed[EX_POCKET_MIXING] += T0 * cp * (mixed * log(last / first) + caught * log(last / leaving));
            }
            if (missed > 0) {
                flow[LE_AIR_VENTED] += missed; flow[LE_VENT] += missed * cp * (leaving - T0);
                destroyed[EX_VENT] += missed * (thermal(leaving, T0, cp) + R * T0 * log(behind / p0));
            }
        }
        F(MASS, served) += caught; F(ENTHALPY, served) += caught * cp * leaving;
        x[ST_SERVED_FLOW] = charge / h;
        dm -= charge; dU -= charge * cp * leaving;
        flow[LE_AIR_VALVE] += charge;
    }
    carry(&x[ST_RECEIVER_MASS], &x[ST_RECEIVER_MASS_LOW], dm);
    carry(&x[ST_RECEIVER_ENERGY], &x[ST_RECEIVER_ENERGY_LOW], dU);
    double end_T = x[ST_RECEIVER_ENERGY] / (x[ST_RECEIVER_MASS] * cv);
    double end_p = x[ST_RECEIVER_ENERGY] * R / (cv * c[CO_RECEIVER_VOLUME]), mean = 0.5 * (after + end_T);
    if (mode == LOADED) {
        work = 0.5 * (taken * compression(c, MAX(1, kept / p0)) + taken * compression(c, MAX(1, end_p / p0)));
        destroyed[EX_RECEIVER_MIXING] += taken * (thermal(cooler, mean, cp) * T0 / mean);
    }
    sampled[LE_COMPRESSOR] += work;
    sampled[LE_AFTERCOOLER] += work - taken * cp * (cooler - T0);
    sampled[LE_RECEIVER_HEAT] += c[CO_RECEIVER_UA] * sampled_mean(T - T0, stiffness) * h;
    sampled[LE_VENT] += (relieved + missed) * cp * (mean - T0);
    *missed_out = missed; *behind_out = behind;
}

static int pockets(Plant *p, int vent) {
    const double *c = p->c; double *x = p->x, h = p->h;
    int count = p->n, active = 0;
    double pitch = c[CO_PITCH], straight = c[CO_STRAIGHT_LENGTH], radius = c[CO_RADIUS], weight = c[CO_SPECIFIC_WEIGHT];
    double depth = c[CO_WATER_DEPTH] + x[ST_LEVEL], p0 = c[CO_AMBIENT_PRESSURE], k = c[CO_GAS_EXPONENT], cp = c[CO_CP_AIR];
    double R = c[CO_GAS_CONSTANT], T0 = c[CO_AMBIENT_TEMPERATURE], rho = c[CO_WATER_DENSITY], full = c[CO_FLOATER_VOLUME];
    double aspect = c[CO_BUCKET_ASPECT], Tw = c[CO_WATER_TEMPERATURE], UA = c[CO_POCKET_UA], position = x[ST_POSITION];
    double quarter = 0.5 * PI * radius, heat = 0, sampled_heat = 0, heat_loss = 0, vented = 0, lost = 0, sampled_vent = 0;
    double vent_loss = 0, expelled = 0, ingested = 0, coldest = 1e300;
    int first = (int)ceil((-quarter - position) / pitch) - 1, last = (int)floor((straight + quarter - position) / pitch) + 1;
    x[ST_JET_FLOW] = 0;
    if (last - first >= count) last = first + count - 1;
    int i = (first % count + count) % count;
    for (int j = first; j <= last; j++) {
        double m = F(MASS, i), before = F(VOLUME, i);
        if (m != 0 || before != 0) {
            double volume = 0;
            if (m != 0) {
                double progress = position + j * pitch, z, cosine, sine;
                place(progress, straight, radius, &z, &cosine, &sine);
                double roof = p0 + weight * (depth - z), H = F(ENTHALPY, i), rate = m * cp;
                double q = m < 1e-3 ? 0 : (rate * Tw - H) * relaxation(UA * h / rate);
                if (q != 0) {
                    heat_loss += q * (0.5 * rate * (1 / H + 1 / (H + q)) - 1 / Tw);
                    sampled_heat += UA * sampled_mean(Tw - H / rate, UA * h / rate);
                }
                H += q; heat += q;
                volume = k * H / roof;
                double kept = vent ? (m > 1e-9 ? exp(-h / 1.0) : 0) : 1;
                double limit = full * (sine == 0 ? 1 : tilt_capacity(cosine, sine, aspect));
                if (volume * kept > limit || kept < 1) {
                    double room = MIN(volume * kept, limit), T = H / rate;
                    kept = room / volume;
                    double m_kept = m * kept, H_kept = H * kept, gone = m - m_kept;
                    vented += gone; lost += (H - H_kept) - cp * T0 * gone; sampled_vent += gone * cp * (T - T0);
                    vent_loss += gone * (thermal(T, T0, cp) + R * T0 * log(roof / p0));
                    volume = room; m = m_kept; H = H_kept;
                }
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
    p->samples[LE_HEAT_FROM_WATER] += h * sampled_heat; p->samples[LE_VENT] += sampled_vent;
    p->destroyed[EX_POCKET_HEAT] += T0 * heat_loss; p->destroyed[EX_VENT] += vent_loss;
    p->destroyed[EX_HEAT_EXERGY] += heat * (1 - T0 / Tw);
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

static double end_speed(const Motion *m, double guess, double *u) {
    double low = -INFINITY, high = INFINITY, change = guess - m->start, inertia = m->mass / m->h, u_mean = *u;
    for (int n = 0; n < 80; n++) {
        double mean = m->start + 0.5 * change, end = m->start + change, sensitivity = 0;
        if (m->on != 0)
            for (int j = 0; j < 30; j++) {
                double rel = mean - u_mean, mi = 2 * m->mw / m->h;
                double residual = mi * (u_mean - m->u0) - drag(rel, m->k) + drag(u_mean, m->kw) + 0;
                double coupling = 2 * m->k * fabs(rel), slope = mi + coupling + 2 * m->kw * fabs(u_mean);
                double next = u_mean - residual / slope, moved = fabs(next - u_mean);
                sensitivity = coupling / slope; u_mean = next;
                if (moved <= 1e-16 * fabs(u_mean) + 1e-20) break;
            }
        double rel = mean - u_mean;
        double residual = inertia * change - m->driving + m->linear * mean + m->quadratic * mean * fabs(mean)
            + drag(rel, m->k) + dry(end, m->dry, m->scale) + dry(end, m->second, m->second_scale);
        double slope = inertia + 0.5 * m->linear + m->quadratic * fabs(mean) + m->k * fabs(rel) * (1 - sensitivity)
            + dry_slope(end, m->dry, m->scale) + dry_slope(end, m->second, m->second_scale);
        if (residual > 0) high = change; else low = change;
        double newton = change - residual / slope;
        if (!(low <= newton && newton <= high)) newton = 0.5 * (low + high);
        double correction = newton - change;
        change = newton; u_mean += 0.5 * sensitivity * correction;
        if (fabs(correction) <= 1e-16 * fabs(m->start + change) + 1e-20) break;
    }
    *u = u_mean;
    return m->start + change;
}

static void lock(Plant *p, double mass, double J, double ratio, double eta) {
    double *x = p->x, slip = x[ST_SHAFT_SPEED] - ratio * x[ST_SPEED];
    double impulse = -slip / (1 / J + ratio * ratio / (eta * mass)), dv = -ratio * impulse / (eta * mass), dw = impulse / J;
    double turned = ratio * (x[ST_SPEED] + 0.5 * dv);
    p->flow[LE_CLUTCH] += -0.5 * slip * impulse;
    p->flow[LE_GEARBOX] += J * dw * turned * (1 / eta - 1);
    x[ST_SPEED] += dv; x[ST_SHAFT_SPEED] = ratio * x[ST_SPEED];
}

static void sample(Plant *p, double v, double u, double w, double exchanged, double brake) {
    const double *c = p->c; double *x = p->x, *s = p->samples, half = 0.5 * p->h;
    double ratio = c[CO_SHAFT_PER_CHAIN], eta = c[CO_GEARBOX_EFFICIENCY];
    for (int n = 0; n < 2; n++) {
        double pull = drag(v - u, c[CO_DRAG_COEFFICIENT]), rub = dry(v, c[CO_FRICTION_FORCE], 1e-3) * v;
        s[LE_DRAG_LOCAL] += half * pull * (v - u);
        s[LE_DRAG_BULK] += half * drag(u, c[CO_BULK_COEFFICIENT]) * u;
        s[LE_CHAIN_FRICTION] += half * rub;
        s[LE_BRAKE] += half * dry(v, brake, 1e-3) * v;
        s[LE_WATER_EXCHANGE] += 0.25 * exchanged * v * v;
        s[LE_GEARBOX] += half * (c[CO_NOLOAD_COEFFICIENT] * v * v + x[ST_CLUTCH_TORQUE] * ratio * v * (1 / eta - 1));
        s[LE_FLYWHEEL_WINDAGE] += half * c[CO_WINDAGE_COEFFICIENT] * w * w * fabs(w);
        s[LE_GENERATOR_IRON] += half * w * (dry(w, c[CO_IRON_HYSTERESIS_TORQUE], 0.05) + c[CO_IRON_EDDY_COEFFICIENT] * w);
        s[LE_GENERATOR_MECHANICAL] += half * c[CO_MECHANICAL_COEFFICIENT] * w * w;
        v = x[ST_SPEED]; u = x[ST_COFLOW]; w = x[ST_SHAFT_SPEED];
    }
    s[LE_CLUTCH] += p->flow[LE_CLUTCH];
}

static void move(Plant *p, int active, double brake) {
    const double *c = p->c; double *x = p->x, *flow = p->flow, h = p->h, air = 0;
    for (int i = 0; i < p->n; i++) air += F(VOLUME, i);
    double mass = c[CO_DRY_MASS] + c[CO_WATER_DENSITY] * (p->n * c[CO_FLOATER_VOLUME] - air);
    double ratio = c[CO_SHAFT_PER_CHAIN], eta = c[CO_GEARBOX_EFFICIENCY], J = c[CO_SHAFT_INERTIA], referred = ratio / eta;
    double noload = c[CO_NOLOAD_COEFFICIENT], hyst = c[CO_IRON_HYSTERESIS_TORQUE], eddy = c[CO_IRON_EDDY_COEFFICIENT];
    double mech = c[CO_MECHANICAL_COEFFICIENT], windage = c[CO_WINDAGE_COEFFICIENT], friction = c[CO_FRICTION_FORCE];
    double kd = c[CO_DRAG_COEFFICIENT], kw = c[CO_BULK_COEFFICIENT], torque = x[ST_TORQUE];
    double tr = torque / c[CO_RATED_TORQUE], stray = c[CO_STRAY_TORQUE] * tr * tr, ingested = flow[LE_WATER_INGESTED];
    double start_v = x[ST_SPEED], start_w = x[ST_SHAFT_SPEED], start_u = x[ST_COFLOW], rest = h, braking = 0;
    double bw = 0, dw_ = 0, ew = 0, fw = 0, brw = 0, sw = 0, impulse = 0, turned = 0, travel = 0;
    double force = 0, drag_force = 0, iron = 0, w_mean = 0;
    int locked = x[ST_LOCKED] != 0;
    x[ST_H1_FORCE] = x[ST_AIRLIFT] = x[ST_BUBBLE_VOID] = x[ST_JET_FORCE] = 0;
    if (x[ST_SHAFT_SPEED] < ratio * x[ST_SPEED]) { lock(p, mass, J, ratio, eta); locked = 1; }
    for (int part = 0; part < 4; part++) {
        if (part > 0)
            for (int a = 0; a < active; a++) {
                double z; int i = (int)W(W_INDEX, a);
                place(W(W_PROGRESS, a), c[CO_STRAIGHT_LENGTH], c[CO_RADIUS], &z, &W(W_COSINE, a), &W(W_SINE, a));
                W(W_PRESSURE, a) = c[CO_AMBIENT_PRESSURE] + c[CO_SPECIFIC_WEIGHT] * (c[CO_WATER_DEPTH] + x[ST_LEVEL] - z);
                W(W_VOLUME, a) = c[CO_GAS_EXPONENT] * F(ENTHALPY, i) / W(W_PRESSURE, a);
            }
        double v0 = x[ST_SPEED], w0 = x[ST_SHAFT_SPEED], u0 = x[ST_COFLOW], step = rest;
        braking = ingested * v0 / h;
        double v1 = v0 + x[ST_ACCELERATION] * step, w1 = w0, u = u0, clutch = 0;
        int final = 0, ends = 0;
        for (int attempt = 0; attempt < 4; attempt++) {
            for (int pass = 0; pass < 2; pass++) {
                double ds = 0.5 * (v0 + v1) * step;
                force = mean_buoyancy(p, active, ds);
                double driving = 1.0 * force + 0 + 0 - braking;
                Motion m = locked
                    ? (Motion){v0, mass + J * ratio * referred, driving - referred * (torque + stray),
                               noload + referred * ratio * (eddy + mech), referred * ratio * ratio * windage,
                               friction + brake, 1e-3, referred * hyst, 0.05 / ratio, kd, c[CO_COFLOW_ON], u0, kw,
                               c[CO_COFLOW_MASS], step}
                    : (Motion){v0, mass, driving, noload, 0, friction + brake, 1e-3, 0, 1, kd, c[CO_COFLOW_ON], u0, kw,
                               c[CO_COFLOW_MASS], step};
                v1 = end_speed(&m, v1, &u);
            }
            if (locked) {
                w1 = ratio * v1; w_mean = 0.5 * (w0 + w1);
                clutch = J * (w1 - w0) / step + torque + stray + mech * w_mean + (dry(w1, hyst, 0.05) + eddy * w_mean)
                    + windage * w_mean * fabs(w_mean);
                if (clutch >= 0 || final) break;
                locked = 0;
                continue;
            }
            clutch = 0;
            Motion m = {w0, J, -torque - stray, eddy + mech, windage, hyst, 0.05, 0, 1, 0, 0, 0, 0, 1, step};
            double none = 0;
            w1 = end_speed(&m, w1, &none);
            double overtake = ratio * v1 - w1;
            if (overtake <= 0 || ends) break;
            double gap = w0 - ratio * v0;
            if (gap <= 1e-12 * fabs(w0)) { locked = 1; final = 1; continue; }
            step *= gap / (gap + overtake);
            v1 = v0 + (v1 - v0) * gap / (gap + overtake);
            ends = 1;
        }
        double ds = 0.5 * (v0 + v1) * step;
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
        bw += force * ds; dw_ += drag_force * 0.5 * (v0 + v1) * step;
        flow[LE_DRAG_LOCAL] += drag_force * rel * step;
        flow[LE_DRAG_BULK] += drag(u, kw) * u * step;
        ew += braking * ds; fw += dry(v1, friction, 1e-3) * ds; brw += dry(v1, brake, 1e-3) * ds;
        flow[LE_GEARBOX] += noload * 0.5 * (v0 + v1) * ds + clutch * (ratio * ds) * (1 / eta - 1);
        flow[LE_FLYWHEEL_WINDAGE] += windage * w_mean * fabs(w_mean) * angle;
        flow[LE_GENERATOR_IRON] += iron * angle;
        flow[LE_GENERATOR_MECHANICAL] += mech * w_mean * angle;
        flow[LE_GENERATOR_STRAY] += stray * angle;
        sw += (torque + stray + iron + mech * w_mean) * angle;
        impulse += clutch * step; turned += angle; travel += ds; rest -= step;
        if (ends) { lock(p, mass, J, ratio, eta); locked = 1; }
        if (rest <= 1e-12 * h) break;
    }
    x[ST_LOCKED] = locked; x[ST_ACCELERATION] = (x[ST_SPEED] - start_v) / h; x[ST_CLUTCH_TORQUE] = impulse / h;
    double expelled = flow[LE_WATER_EXPELLED];
    flow[LE_WATER_EXCHANGE] += ew + 0.5 * (expelled - ingested) * start_v * start_v;
    flow[LE_BUOYANCY] += bw; flow[LE_DRAG] += dw_; flow[LE_CHAIN_FRICTION] += fw; flow[LE_BRAKE] += brw;
    flow[LE_SHAFT] += sw; flow[LE_SHAFT_ANGLE] += turned; flow[LE_CHAIN_TRAVEL] += travel;
    x[ST_POSITION] += travel;
    x[ST_BUOYANCY_FORCE] = force; x[ST_SHELL_FORCE] = 0; x[ST_DRAG_FORCE] = drag_force; x[ST_EXCHANGE_FORCE] = braking;
    x[ST_FRICTION_FORCE] = dry(x[ST_SPEED], friction, 1e-3); x[ST_BRAKE_FORCE] = dry(x[ST_SPEED], brake, 1e-3);
    x[ST_PTO_FORCE] = referred * x[ST_CLUTCH_TORQUE] + noload * travel / h;
    x[ST_SHAFT_TORQUE] = torque + stray + iron + mech * w_mean;
    sample(p, start_v, start_u, start_w, expelled + ingested, brake);
}

static double stage(const double *c, double load) {
    return 0.5 * c[CO_CONVERTER_RATING] * (c[CO_CONVERTER_C0] + c[CO_CONVERTER_C1] * load + c[CO_CONVERTER_C2] * load * load);
}

static void electrics(Plant *p, double start, double wanted, double mean, double mean_square, double start_w) {
    const double *c = p->c; double *x = p->x, *flow = p->flow, *s = p->samples, h = p->h;
    double mechanical = x[ST_TORQUE] * flow[LE_SHAFT_ANGLE], end = x[ST_CURRENT], R = c[CO_RESISTANCE], L = c[CO_INDUCTANCE];
    double alpha = c[CO_CURRENT_BANDWIDTH], copper = 1.5 * R * mean_square * h;
    double magnetic = 0.75 * L * (end - start) * (end + start), terminal = 0, squares = 0, stray = 0, loads = 0;
    int moving = fabs(start - wanted) > 0.01 * fabs(wanted), intervals = moving ? 1 + (int)(8.0 * alpha * h) : 1;
    double share = moving ? exp(-alpha * h / intervals) : 0, off = start - wanted, rise = (x[ST_SHAFT_SPEED] - start_w) / intervals;
    for (int n = 0; n <= intervals; n++) {
        double current = intervals == 1 && n == 1 ? end : wanted + off;
        off *= share;
        double weight = (n == 0 || n == intervals ? 0.5 : 1.0) / intervals, torque = c[CO_TORQUE_PER_CURRENT] * current;
        double speed = start_w + n * rise, t = torque / c[CO_RATED_TORQUE];
        terminal += weight * (torque * speed - 1.5 * R * current * current);
        squares += weight * current * current;
        stray += weight * speed * (c[CO_STRAY_TORQUE] * t * t);
        loads += weight * stage(c, fabs(current) / c[CO_RATED_CURRENT]);
    }
    terminal -= 1.5 * L * 0.5 * (start + end) * (end - start) / h;
    s[LE_GENERATOR_STRAY] += stray * h;
    x[ST_DUMP_POWER] = x[ST_CHOPPER_POWER] = 0;
    if (x[ST_CONVERTER_ON] != 0) {
        double f = x[ST_GRID_FREQUENCY], V = c[CO_GRID_VOLTAGE], rating = c[CO_CONVERTER_RATING];
        if (x[ST_BREAKER] != 0 && (f < 47.5 || f > 51.5 || fabs(V - 1) > 0.15)) { x[ST_BREAKER] = 0; x[ST_SYNC_ERROR] = 1; }
        if (x[ST_BREAKER] == 0) {
            x[ST_SYNC_ERROR] *= 1 - h / (0.1 + 0.5 * h);
            if (fabs(f - 50) * x[ST_SYNC_ERROR] <= 0.2 && fabs(V - 1) <= 0.05 && 180 * x[ST_SYNC_ERROR] <= 15)
                x[ST_BREAKER] = 1;
        }
        double power = (mechanical - copper - magnetic) / h, machine = stage(c, fabs(mean) / c[CO_RATED_CURRENT]);
        double dc = power - machine, before = x[ST_DC_ENERGY], drawn = dc;
        double reference = 0.5 * c[CO_DC_CAPACITANCE] * c[CO_DC_VOLTAGE] * c[CO_DC_VOLTAGE];
        if (c[CO_DC_CAPACITANCE] > 0) drawn += (before - reference) * -expm1(-h / 0.02) / h;
        drawn = MAX(drawn, MIN(0, dc) - 0.1 * rating);
        double highest = x[ST_BREAKER] != 0 ? INFINITY : 0, reduction = MIN(0, -(f - 50.2) / (c[CO_FREQUENCY_DROOP] * 50));
        if (reduction < 0) highest = MIN(highest, MAX(0, dc) * MAX(0, 1 + reduction));
        drawn = MIN(drawn, highest);
        double energy = before + (dc - drawn) * h, chopped = MAX(0, energy - reference * 1.1 * 1.1);
        x[ST_DC_ENERGY] = energy - chopped;
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

static int one_step(Plant *p) {
    const double *c = p->c; double *x = p->x, h = p->h, command, missed, behind;
    memset(p->flow, 0, LE_COUNT * sizeof(double));
    memset(p->samples, 0, LE_BALANCE_COUNT * sizeof(double));
    memset(p->destroyed, 0, EX_COUNT * sizeof(double));
    x[ST_GRID_FREQUENCY] = c[CO_GRID_FREQUENCY]; x[ST_LOAD_POWER] = c[CO_LOAD_POWER];
    control(p, &command);
    int state = (int)x[ST_PLC_STATE];
    air_supply(p, &missed, &behind);
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
    move(p, active, braked ? c[CO_BRAKE_FORCE] : 0);
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
    if (x[ST_POSITION] >= c[CO_LOOP_LENGTH]) {
        x[ST_POSITION] -= c[CO_LOOP_LENGTH]; x[ST_LAPS] += 1;
        if (x[ST_LAPS] > x[ST_RECORDED_LAPS]) {
            x[ST_RECORDED_LAPS] = x[ST_LAPS];
            for (int line = 0; line < LE_COUNT; line++) p->lap[line] = p->books[line] + p->books[LE_COUNT + line];
            p->lap[LAP_TIME] = (x[ST_STEPS] + 1) * h; p->lap[LAP_PULSES] = x[ST_PULSES]; p->lap[LAP_MISSED] = x[ST_MISSED];
            memcpy(p->ring + ((int)x[ST_LAPS] % LAP_RING) * LAP_WIDTH, p->lap, LAP_WIDTH * sizeof(double));
            memset(p->lap, 0, LAP_WIDTH * sizeof(double));
            p->lap[LAP_TENSION_MAX] = p->lap[LAP_PRESSURE_MAX] = -1e300;
            p->lap[LAP_TENSION_MIN] = p->lap[LAP_PRESSURE_MIN] = p->lap[LAP_COLDEST] = 1e300;
        }
    }
    x[ST_STEPS] += 1;
    return isfinite(x[ST_SPEED] + x[ST_SHAFT_SPEED] + x[ST_COFLOW] + x[ST_RECEIVER_ENERGY] + x[ST_POSITION] + x[ST_CURRENT]
                    + x[ST_WINDING_TEMPERATURE]) && x[ST_RECEIVER_MASS] > 0;
}

/* Advance a plant by so many steps; 0 when its state is no longer one of a plant. */
int kpp_steps(const double *c, double *memory, double *work, int floaters, int steps) {
    Plant p = {.c = c, .x = memory, .work = work, .n = floaters, .h = c[CO_STEP]};
    p.f = p.x + ST_COUNT; p.books = p.f + 6 * floaters; p.lap = p.books + 3 * LE_COUNT; p.sampled = p.lap + LAP_WIDTH;
    p.entropy = p.sampled + 2 * LE_BALANCE_COUNT; p.ring = p.entropy + 2 * EX_COUNT;
    p.flow = p.books + 2 * LE_COUNT; p.samples = p.sampled + LE_BALANCE_COUNT; p.destroyed = p.entropy + EX_COUNT;
    double a = c[CO_CURRENT_BANDWIDTH] * p.h;
    p.end = exp(-a); p.mean = -expm1(-a) / a; p.square = -expm1(-2 * a) / (2 * a);
    p.winding = relaxation(p.h / (c[CO_WINDING_HEAT_CAPACITY] * c[CO_WINDING_THERMAL_RESISTANCE]));
    for (int n = 0; n < steps; n++) if (!one_step(&p)) return 0;
    return 1;
}
