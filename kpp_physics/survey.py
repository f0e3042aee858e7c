"""What an observer computes of a plant without changing it: floaters, stored energy and exergy, residuals."""

import math

from kpp_physics import coefficients as co
from kpp_physics import exergy, ledger
from kpp_physics import state as st
from kpp_physics.compiled import compiled
from kpp_physics.state import Vector
from kpp_physics.stores import pocket_exergy, roof, take_stock, total

# Rows of the floater survey.
SURVEY_POSITION, SURVEY_HEIGHT, SURVEY_FILL, SURVEY_MASS, SURVEY_TEMPERATURE = range(5)
SURVEY_ROWS = 5

# Behind the stored energies: their sum, the residual of the books, stored exergy, the other residuals; then the stored
# exergy by store.
STORED, RESIDUAL_A, EXERGY, RESIDUAL_B, RESIDUAL_C = range(ledger.STORE_COUNT, ledger.STORE_COUNT + 5)
EXERGY_PARTS = ledger.STORE_COUNT + 5
STORES_WIDTH = EXERGY_PARTS + ledger.EXERGY_COUNT


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
        stores: filled, `ledger.STORES` [J], then [J] STORED to RESIDUAL_C, then `ledger.EXERGY_STORES` [J].
        lines: filled, [2, lines]: totals [J], and rates over the last step [W].
    """
    for i in range(f.shape[1]):
        s = x[st.POSITION] + i * c[co.PITCH]
        pressure, z = roof(c, x, s)
        m = f[st.MASS, i]
        held = math.nan
        if m > 0.0:
            _, held = pocket_exergy(c, m, f[st.ENTHALPY, i], f[st.STIFFNESS, i], pressure)
        floaters[SURVEY_POSITION, i] = s - c[co.LOOP_LENGTH] if s >= c[co.LOOP_LENGTH] else s
        floaters[SURVEY_HEIGHT, i] = z
        floaters[SURVEY_FILL, i] = f[st.VOLUME, i] / c[co.FLOATER_VOLUME]
        floaters[SURVEY_MASS, i] = m
        floaters[SURVEY_TEMPERATURE, i] = held
    available = stores[EXERGY_PARTS:]
    take_stock(c, x, f, stores, available)
    stores[STORED] = total(stores, ledger.STORE_COUNT)
    stores[EXERGY] = total(available, ledger.EXERGY_COUNT)
    balance, low = ledger.add(stores[STORED], 0.0, -x[st.STORED_INITIAL])
    independent = stores[STORED] - x[st.STORED_INITIAL] - books[0, ledger.REFERENCE]
    # R_A = stored - stored(0) - in + out with compensation; R_B the same with the lines from samples.
    for line in range(ledger.COUNT):
        sign = -1.0 if line < ledger.INPUT_COUNT else 1.0
        if line < ledger.BALANCE_COUNT:
            balance, low = ledger.add(balance, low, sign * books[0, line])
            balance, low = ledger.add(balance, low, sign * books[1, line])
            independent += sign * sampled[0, line]
        lines[0, line] = books[0, line] + books[1, line]
        # The last row has the whole step's bookings, those of a divided step scaled up to it: over the step they are
        # powers.
        lines[1, line] = books[2, line] / c[co.STEP]
    stores[RESIDUAL_A] = balance + low
    stores[RESIDUAL_B] = independent
    # R_C: exergy that is stored, less what came in, plus what went out or was destroyed.
    second = stores[EXERGY] - x[st.EXERGY_INITIAL]
    second -= entropy[0, exergy.HEAT_EXERGY] + entropy[0, exergy.ENVIRONMENT] + entropy[0, exergy.DEAD_STATE]
    second -= lines[0, ledger.COMPRESSOR] + lines[0, ledger.AUXILIARY] + lines[0, ledger.UNSOURCED]
    second += lines[0, ledger.GRID]
    for line in range(ledger.FIRST_LOSS, ledger.BALANCE_COUNT):
        second += lines[0, line]
    for line in range(exergy.LINE_COUNT):
        second += entropy[0, line]
    stores[RESIDUAL_C] = second
