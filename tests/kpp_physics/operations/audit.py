"""The audit of one plant: what section 16 of the model promises, checked after every action.

Nothing here is taken from the meters: every window between two looks is computed from the ledger's totals and from the
exergy of the stores.
"""

import math
from copy import copy
from typing import Final

import numpy as np

from kpp_physics import exergy, ledger, survey
from kpp_physics import state as st
from kpp_physics.plant import Plant
from kpp_physics.state import Vector

GATE_COP: Final = 1e-3
"""By how much a coefficient of performance may exceed 1."""

STORED: Final = 2
"""Column of the exergy of the stores in the moments."""

STORED_ROUNDING: Final = 1e-13
"""What rounding may add to the exergy of the stores, over its size: a bath of 1e13 J/K knows its exergy to 0.1 J."""

LINE_ROUNDING: Final = 1e-16
"""What rounding may take off the first law, over all that went through it: a converter far beyond its rating loses
1e15 J in a second, which no number knows to a joule."""

PLAIN_ROUNDING: Final = 1e-13
"""The same of the re-integrated first law and of exergy, whose sums are plain ones: 4e16 J in eight thousand steps are
known to a kilojoule."""

GATE_MASS: Final = 1e-12
"""What may be missing of the air, over all air that there was, and likewise of the water."""

ROUNDING: Final = 1e-9
"""What rounding may take off a loss, J; and off its total, as a share, a thousandth of it."""

LOSSES: Final = tuple(
    line
    for line in range(ledger.FIRST_LOSS, ledger.BALANCE_COUNT)
    if line not in (ledger.JET_WAKE, ledger.WATER_EXCHANGE)
)
"""Lines of the ledger that only rise."""


class GateError(AssertionError):
    """A gate is broken."""

    def __init__(self, quantity: str, value: float, gate: float) -> None:
        super().__init__(f"{quantity}: {value:.6g}, gate {gate:g}")
        self.quantity, self.value, self.gate = quantity, value, gate


class Audit:
    """Follows one plant; `look` raises GateError."""

    def __init__(self, plant: Plant) -> None:
        self.worst: dict[str, float] = {}
        self.begin(plant)

    def begin(self, plant: Plant) -> None:
        """Begin with the plant's ledgers as they are: at its start, or after a fork that opened new ones."""
        plant._survey()
        x = plant._parts.scalars
        self.laps = plant.laps
        self.moments = np.zeros((0, 6))
        self.losses = self._losses(plant)
        lines = plant._lines[0]
        self.air = _air(plant) - float(lines[ledger.AIR_INTAKE] - lines[ledger.AIR_VENTED])
        moved = lines[ledger.WATER_EXPELLED] - lines[ledger.WATER_INGESTED]
        self.water = _displaced(plant) - float(moved)
        self.claimed = bool(lines[ledger.UNSOURCED] != 0.0)
        self.lowest = float(x[st.ENTROPY_LOW])
        self._note(plant)

    def copy(self) -> "Audit":
        """For a plant that returns to this moment later."""
        return copy(self)

    def expect_claims(self) -> None:
        """From now on energy without a source may appear."""
        self.claimed = True

    @staticmethod
    def _losses(plant: Plant) -> Vector:
        lines = plant._lines[0]
        jets = lines[ledger.JET_WAKE] + lines[ledger.WATER_EXCHANGE]
        return np.concatenate((lines[list(LOSSES)], [jets], plant._parts.entropy[0, : exergy.LINE_COUNT]))

    def _note(self, plant: Plant) -> None:
        lines = plant._lines[0]
        moment = (
            lines[ledger.GRID],
            lines[ledger.COMPRESSOR] + lines[ledger.AUXILIARY],
            plant._stores[survey.EXERGY],
            lines[ledger.ENVIRONMENT_EXERGY],
            lines[ledger.HEAT_EXERGY],
            lines[ledger.UNSOURCED],
        )
        self.moments = np.vstack((self.moments, moment))

    def _hold(self, quantity: str, value: float, gate: float) -> None:
        if not value <= self.worst.get(quantity, -math.inf):
            self.worst[quantity] = value
        if not value <= gate:
            raise GateError(quantity, value, gate)

    def look(self, plant: Plant) -> None:
        """Check everything that must hold now."""
        plant._survey()
        x, lines, stores = plant._parts.scalars, plant._lines[0], plant._stores
        for name, array in (("state", x), ("floaters", plant._parts.floaters), ("ledger", lines), ("stores", stores)):
            if not np.isfinite(array).all():
                raise GateError(f"{name} not finite", math.nan, 0.0)
        scale = float(lines[ledger.COMPRESSOR]) + float(x[st.ENERGY_SCALE])
        turned_over = float(np.abs(lines[: ledger.BALANCE_COUNT]).sum())
        residual = max(0.0, abs(float(stores[survey.RESIDUAL_A])) - LINE_ROUNDING * turned_over)
        self._hold("R_A", residual / scale, ledger.GATE_A)
        residual = max(0.0, abs(float(stores[survey.RESIDUAL_B])) - PLAIN_ROUNDING * turned_over)
        self._hold("R_B", residual / scale, ledger.GATE_B)
        residual = max(0.0, abs(float(stores[survey.RESIDUAL_C])) - PLAIN_ROUNDING * turned_over)
        self._hold("R_C", residual / scale, ledger.GATE_C)
        self._fall(plant)
        held, intake, vented = _air(plant), float(lines[ledger.AIR_INTAKE]), float(lines[ledger.AIR_VENTED])
        self._hold("air", abs(self.air + intake - vented - held) / (abs(self.air) + intake), GATE_MASS)
        expelled, ingested = float(lines[ledger.WATER_EXPELLED]), float(lines[ledger.WATER_INGESTED])
        whole = plant.parameters.water_density * plant.parameters.floater_volume * plant.parameters.floater_count
        gap = abs(self.water + expelled - ingested - _displaced(plant))
        self._hold("water", gap / (expelled + ingested + whole), GATE_MASS)
        if not self.claimed:
            self._hold("unsourced", abs(float(lines[ledger.UNSOURCED])), 0.0)
        self._note(plant)
        self._windows(scale)
        if plant.laps != self.laps:
            self.laps = plant.laps
            self._laps(plant)

    def _fall(self, plant: Plant) -> None:
        """No loss falls."""
        now = self._losses(plant)
        fallen = self.losses - now
        allowed = ROUNDING + 1e-3 * ROUNDING * np.abs(now)
        names = [ledger.LINES[line] for line in LOSSES] + ["jet_wake + water_exchange"]
        names += [f"destroyed_{name}" for name in exergy.LINES]
        for name, value, gate in zip(names, fallen.tolist(), allowed.tolist(), strict=True):
            self._hold(f"fall of {name}", value, gate)
        low = float(plant._parts.scalars[st.ENTROPY_LOW])
        if low < self.lowest:
            self.lowest = low
            self._hold("destroyed in one step", -low, 1e-6)
        self.losses = now

    def _windows(self, scale: float) -> None:
        """Every window that ends now: export and gain of the stores against all that came from anywhere."""
        gained = self.moments[-1] - self.moments[:-1]
        self._cop("cop", gained, 1e-9 * scale + STORED_ROUNDING * float(np.abs(self.moments[:, STORED]).max()))

    def _laps(self, plant: Plant) -> None:
        """Every window of complete laps that ends with the last one."""
        ring, laps = plant._parts.ring, plant.laps
        rows = [ring[lap % st.LAP_RING] for lap in range(laps - min(laps, st.LAP_RING - 1), laps + 1)]
        moments = np.array(
            [
                (
                    row[ledger.GRID],
                    row[ledger.COMPRESSOR] + row[ledger.AUXILIARY],
                    row[st.LAP_EXERGY : st.LAP_WIDTH].sum(),
                    row[ledger.ENVIRONMENT_EXERGY],
                    row[ledger.HEAT_EXERGY],
                    row[ledger.UNSOURCED],
                )
                for row in rows
            ]
        )
        self._cop("cop of laps", moments[-1] - moments[:-1], 0.0)

    def _cop(self, name: str, gained: Vector, rounding: float) -> None:
        self._hold(name, float(cops(gained, rounding).max()), 1.0 + GATE_COP)


def cops(gained: Vector, rounding: float = 0.0) -> Vector:
    """Coefficients of performance of windows; 0 for those with energy without a source.

    Args:
        gained: a row a window: exported and imported energy, gain of the stored exergy, exergy from surroundings and
            with heat, energy without a source [J].
        rounding: what rounding may add to what was got [J].
    """
    exported, imported, stored, environment, heat, unsourced = gained.T
    got = exported + np.maximum(0.0, stored) - rounding
    taken = imported + np.maximum(0.0, -stored) + environment + np.maximum(0.0, heat)
    counts = (unsourced == 0.0) & (got > 0.0)
    return np.where(counts, got / np.maximum(taken, 1e-300), 0.0)


def _air(plant: Plant) -> float:
    x = plant._parts.scalars
    return float(x[st.RECEIVER_MASS] + x[st.RECEIVER_MASS_LOW] + math.fsum(plant._parts.floaters[st.MASS]))


def _displaced(plant: Plant) -> float:
    return float(plant.parameters.water_density * math.fsum(plant._parts.floaters[st.VOLUME]))
