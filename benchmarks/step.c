/* The hot path of the plant's step in C: heat, spill and exchange of water of the pockets on the up run and the top arc,
 * and the sum of their mean buoyancy forces (a discrete gradient), twice a step. The same arithmetic as
 * kpp_physics/pockets.py, air.py and geometry.py for a point pocket; the benchmark compares the sums of both. */
#include <math.h>

enum { MASS, ENTHALPY, VOLUME };

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

static void place(double x, double straight, double radius, double *z, double *c, double *s) {
    if (x < straight) { *z = radius + x; *c = 1; *s = 0; return; }
    double angle = (x - straight) / radius;
    *s = sin(angle); *c = cos(angle); *z = radius + straight + radius * *s;
}

static double mean_slope(double x, double ds, double c, double s, double straight, double radius) {
    if (x < straight && x + ds <= straight) return 1;
    if (x >= straight) {
        double half = 0.5 * ds / radius, q = half * half;
        double sh = half * (1 - q / 6 * (1 - q / 20 * (1 - q / 42)));
        double ch = 1 - q / 2 * (1 - q / 12 * (1 - q / 30));
        return (c * ch - s * sh) * (1 - q / 6 * (1 - q / 20 * (1 - q / 42)));
    }
    return (radius * sin((x + ds - straight) / radius) - (x - straight)) / ds;
}

static double capacity(double c, double s, double aspect) {
    if (c <= 0) return 0;
    double o = aspect * fabs(s);
    return o <= c ? 1 - 0.5 * o / c : 0.5 * c / o;
}

/* p: R/cp, cp, T_w, UA, p0, rho g, depth, straight, radius, pitch, floater volume, aspect, step. */
double kpp_pocket_steps(const double *p, double *f, double *work, int count, double position, double ds, int steps) {
    double k = p[0], cp = p[1], tw = p[2], ua = p[3], p0 = p[4], weight = p[5], depth = p[6];
    double straight = p[7], radius = p[8], pitch = p[9], full = p[10], aspect = p[11], h = p[12], sum = 0;
    double *m = f, *H = f + count, *V = f + 2 * count;
    double *where = work, *pressure = where + count, *air = pressure + count, *cosine = air + count;
    double *sine = cosine + count, *force = sine + count, *index = force + count;
    for (int n = 0; n < steps; n++) {
        int active = 0;
        for (int i = 0; i < count; i++) {
            double before = V[i], volume = 0;
            if (m[i] == 0 && before == 0) continue;
            if (m[i] != 0) {
                double x = position + i * pitch, z, c, s;
                place(x, straight, radius, &z, &c, &s);
                double here = p0 + weight * (depth - z);
                double q = m[i] < 1e-3 ? 0 : (m[i] * cp * tw - H[i]) * relaxation(ua * h / (m[i] * cp));
                double energy = H[i] + q;
                double limit = full * (s == 0 ? 1 : capacity(c, s, aspect));
                volume = k * energy / here;
                if (volume > limit) {
                    m[i] *= limit / volume; energy *= limit / volume; volume = limit;
                }
                H[i] = energy;
                if (m[i] != 0) {
                    index[active] = i; where[active] = x; pressure[active] = here; air[active] = volume;
                    cosine[active] = c; sine[active] = s; active++;
                }
            }
            sum += volume - before;
            V[i] = volume;
        }
        for (int pass = 0; pass < 2; pass++) {
            double total = 0;
            for (int a = 0; a < active; a++) {
                double slope = mean_slope(where[a], ds, cosine[a], sine[a], straight, radius);
                double e = -weight * slope * ds / pressure[a];
                force[a] = weight * air[a] * slope * adiabatic_mean(e, k);
                total += force[a];
            }
            sum += total;
        }
        for (int a = 0; a < active; a++) H[(int)index[a]] -= force[a] * ds;
        position += ds;
    }
    return sum;
}
