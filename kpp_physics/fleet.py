"""Many independent plants with their own parameters, advanced by one call of the kernel."""

from collections.abc import Sequence

import numpy as np

from kpp_physics import coefficients as co
from kpp_physics import faults, kernel, surroundings
from kpp_physics import state as st
from kpp_physics.buoyancy import work_array
from kpp_physics.observation import Observation
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant, SimulationError


class Fleet:
    """Plants that share nothing but the call; each computes the bits that it would compute alone.

    Args:
        plants: the plants to begin with, cold and stopped or in any other state; they are copied.
    """

    def __init__(self, plants: Sequence[Plant]) -> None:
        self.parameters: list[Parameters] = [plant.parameters for plant in plants]
        memories = [plant.memory() for plant in plants]
        self._ends = np.cumsum([0, *(len(memory) // 8 for memory in memories)])
        self._memory = np.frombuffer(b"".join(memories), dtype=np.float64).copy()
        self._coefficients = np.array([co.coefficients(each) for each in self.parameters])
        self._counts = np.array([each.floater_count for each in self.parameters])
        # One scratch for all, as wide as the largest plant needs: it carries nothing from plant to plant.
        self._work = work_array(int(max(self._counts, default=1)))
        self._faults = np.zeros(len(plants), dtype=np.int64)
        self._take_series()

    def _take_series(self) -> None:
        tables = [surroundings.table(each.series) for each in self.parameters]
        self._series = np.concatenate([*tables, np.zeros(0)])
        self._series_ends = np.cumsum([0, *(len(table) for table in tables)])

    @classmethod
    def of(cls, parameters: Sequence[Parameters]) -> "Fleet":
        """Cold plants, each with its controller started."""
        plants = [Plant(each) for each in parameters]
        for plant in plants:
            plant.command("start", {})
        return cls(plants)

    def __len__(self) -> int:
        return len(self.parameters)

    def step(self, n: int) -> None:
        """Advance every plant by `n` steps of 1 ms.

        Raises:
            SimulationError: when a plant cannot be computed any further; it names the plant.
        """
        kernel.advance(
            self._coefficients,
            self._memory,
            self._counts,
            self._work,
            n,
            self._faults,
            self._series,
            self._series_ends,
        )
        if self._faults.any():
            i = int(np.flatnonzero(self._faults)[0])
            raise SimulationError(f"plant {i}: {faults.TEXTS[int(self._faults[i])]}")

    def _row(self, i: int) -> st.Vector:
        return self._memory[self._ends[i] : self._ends[i + 1]]

    def plant(self, i: int) -> Plant:
        """A copy of plant `i`, to observe, command or continue alone."""
        return Plant(self.parameters[i], self._row(i).tobytes())

    def replace(self, i: int, plant: Plant) -> None:
        """Put a plant back after a command or a change; its floater count must be the same.

        Raises:
            ValueError: when it has another number of floaters.
        """
        if plant.parameters.floater_count != self.parameters[i].floater_count:
            raise ValueError(f"plant {i} has {self.parameters[i].floater_count} floaters: a copy of it must as well")
        self.parameters[i] = plant.parameters
        self._coefficients[i] = co.coefficients(plant.parameters)
        # Parameters of another plant bring other series.
        self._take_series()
        self._row(i)[:] = np.frombuffer(plant.memory(), dtype=np.float64)

    def observe(self, i: int) -> Observation:
        """What plant `i` shows of itself."""
        return self.plant(i).observe()

    def digest(self, i: int) -> str:
        """64-bit digest of the complete state of plant `i`; equal to that of a single plant in that state."""
        row = self._row(i)
        start = len(row) - st.LAP_RING * st.LAP_WIDTH
        followed = self.parameters[i].series
        own = surroundings.digest(surroundings.table(followed)) if followed else b""
        return st.digest(row[:start], st.ring_digest(row[start:]) + own)
