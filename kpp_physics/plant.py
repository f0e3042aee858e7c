"""One plant: parameters, memory, and the steps, commands and changes that advance it."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from kpp_physics import constants, kernel, ledger, plc
from kpp_physics import coefficients as C
from kpp_physics import meters as metering
from kpp_physics import state as S
from kpp_physics.compiled import KERNEL_VERSION
from kpp_physics.observation import Observation, observe
from kpp_physics.parameters import DECLARATIONS, ParameterError, Parameters, Violation

SNAPSHOT_SCHEMA: Final = 1
_MAGIC: Final = b"KPPS"


class SimulationError(RuntimeError):
    """The plant cannot be computed any further; the text names the quantity and the time."""


class SnapshotError(ValueError):
    """A snapshot that this version cannot restore."""


class Plant:
    """A plant at standstill: PLC stopped, no air in the floaters, receiver at ambient.

    Args:
        parameters: a complete, checked set.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self._allocate()
        x = self._parts.scalars
        p = parameters
        x[S.RECEIVER_MASS] = p.ambient_pressure * p.receiver_volume / (p.gas_constant * p.ambient_temperature)
        x[S.RECEIVER_ENERGY] = x[S.RECEIVER_MASS] * (p.cp_air - p.gas_constant) * p.ambient_temperature
        x[S.WINDING_TEMPERATURE] = p.ambient_temperature
        x[S.SERVED] = -1.0
        x[S.SETPOINT] = self._coefficients[C.SPEED_SETPOINT]
        x[S.TENSION_MAX] = x[S.TENSION_MIN] = p.chain_pretension
        x[S.COLDEST] = S.EMPTY_LOW
        kernel.clear_lap(self._parts.lap)
        x[S.STORED_INITIAL] = math.fsum(self._survey().tolist())

    def _allocate(self) -> None:
        count = self.parameters.floater_count
        self._memory = np.zeros(S.size(count))
        self._parts = S.views(self._memory, count)
        self._work = np.zeros((kernel.WORK_ROWS, count))
        self._floaters = np.zeros((kernel.SURVEY_ROWS, count))
        self._stores = np.zeros(len(ledger.STORES))
        self._coefficients = C.coefficients(self.parameters)

    @property
    def time_us(self) -> int:
        """Simulated time since the start, in whole microseconds."""
        return int(self._parts.scalars[S.STEPS]) * constants.STEP_US

    @property
    def laps(self) -> int:
        """Complete laps since the start."""
        return int(self._parts.scalars[S.RECORDED_LAPS])

    @property
    def plc_state(self) -> str:
        """State of the controller, one of `plc.STATES`."""
        return plc.STATES[int(self._parts.scalars[S.PLC_STATE])]

    def step(self, n: int) -> None:
        """Advance by `n` steps of 1 ms.

        Raises:
            SimulationError: when the state is no longer one of a plant.
        """
        parts = self._parts
        fault = kernel.advance(
            self._coefficients, parts.scalars, parts.floaters, parts.ledger, parts.lap, parts.ring, self._work, n)
        if fault != kernel.OK:
            raise SimulationError(self._explain(fault))

    def _explain(self, fault: int) -> str:
        bad = [name for name, value in zip(S.SCALARS, self._parts.scalars.tolist(), strict=True)
               if not math.isfinite(value)]
        which = f" ({', '.join(bad)})" if bad else ""
        return f"at t = {self.time_us / 1e6:.3f} s {kernel.FAULTS[fault]}{which}: the plant cannot be computed further"

    def command(self, name: str, args: Mapping[str, Any]) -> None:
        """Give the controller a command; it acts from the next step on.

        Raises:
            CommandError: when it is unknown or not permitted now; the text says why and what to do.
        """
        x = self._parts.scalars
        state = int(x[S.PLC_STATE])
        at_rest = abs(float(x[S.SPEED])) < constants.REST_SPEED
        following = plc.transition(name, args, state, at_rest, self._standing_trip())
        x[S.PLC_STATE] = following
        if name == "reset":
            x[S.TRIP] = plc.NO_TRIP
        if following == plc.STOPPING:
            x[S.SETPOINT] = self._coefficients[C.SPEED_SETPOINT]

    def _standing_trip(self) -> str | None:
        x, c = self._parts.scalars, self._coefficients
        R = c[C.GAS_CONSTANT]
        cv = c[C.CP_AIR] - R
        over = x[S.TENSION_MAX] > c[C.TENSION_LIMIT]
        cause = plc.trip_cause(
            x[S.SHAFT_SPEED], c[C.RATED_SPEED], x[S.SPEED],
            R * x[S.RECEIVER_ENERGY] / (cv * c[C.RECEIVER_VOLUME]), c[C.TRIP_PRESSURE],
            constants.TENSION_TRIP_TIME if over else 0.0, 0.0, x[S.WINDING_TEMPERATURE],
            x[S.RECEIVER_ENERGY] / (x[S.RECEIVER_MASS] * cv))
        return plc.TRIPS[cause] if cause != plc.NO_TRIP else None

    def change_parameters(self, changes: Mapping[str, Any]) -> None:
        """Change parameters between two steps. What that does to the stored energy is booked as parameter_change.

        Raises:
            ParameterError: when a value is refused, or a parameter cannot change in a run.
        """
        following = self.parameters.with_changes(changes)
        refused = [
            Violation(name, value, None, f"{name} fixes the shape of the loop and cannot change in a run: "
                      "start a new run with it")
            for name, value in changes.items()
            if DECLARATIONS[name].structural and getattr(following, name) != getattr(self.parameters, name)]
        if refused:
            raise ParameterError(refused)
        before = math.fsum(self._survey().tolist())
        self.parameters = following
        self._coefficients = C.coefficients(following)
        step = math.fsum(self._survey().tolist()) - before
        books = self._parts.ledger
        books[0, ledger.PARAMETER_CHANGE], books[1, ledger.PARAMETER_CHANGE] = ledger.add(
            books[0, ledger.PARAMETER_CHANGE], books[1, ledger.PARAMETER_CHANGE], step)

    def _survey(self) -> S.Vector:
        kernel.survey(
            self._coefficients, self._parts.scalars, self._parts.floaters, self._floaters, self._stores)
        return self._stores

    def observe(self) -> Observation:
        """All that the plant shows of itself, in groups by physical part; SI units unless a name ends in a unit."""
        self._survey()
        return observe(self.parameters, self._coefficients, self._parts, self._floaters, self._stores)

    def lap_records(self, laps: int) -> tuple[list[Any], Any]:
        """Records of the last `laps` complete laps, and the record before them."""
        return metering.lap_records(self._parts.ring, self.laps, laps)

    def digest(self) -> str:
        """64-bit digest of the complete state, as 16 hexadecimal digits."""
        return hashlib.blake2b(self._memory, digest_size=8).hexdigest()

    def snapshot(self) -> bytes:
        """The complete plant as bytes, for `restore`."""
        header = json.dumps({
            "schema": SNAPSHOT_SCHEMA, "kernel": KERNEL_VERSION, "parameters": self.parameters.as_dict()}).encode()
        return _MAGIC + len(header).to_bytes(4, "little") + header + self._memory.astype("<f8").tobytes()

    @classmethod
    def restore(cls, data: bytes) -> "Plant":
        """The plant that `snapshot` was taken of, bit for bit.

        Raises:
            SnapshotError: when the bytes are no snapshot, or one of another schema or kernel version.
        """
        if data[:4] != _MAGIC or len(data) < 8:
            raise SnapshotError("these bytes are no snapshot of a plant")
        end = 8 + int.from_bytes(data[4:8], "little")
        try:
            header = json.loads(data[8:end])
            schema, version, values = header["schema"], header["kernel"], header["parameters"]
        except (ValueError, KeyError, TypeError) as error:
            raise SnapshotError(f"the snapshot's header is damaged: {error}") from error
        if schema != SNAPSHOT_SCHEMA:
            raise SnapshotError(f"the snapshot has schema {schema}, this version reads {SNAPSHOT_SCHEMA}: replay the run")
        if version != KERNEL_VERSION:
            raise SnapshotError(
                f"the snapshot was taken with kernel {str(version)[:16]}, this is {KERNEL_VERSION[:16]}: replay the run")
        plant = cls.__new__(cls)
        plant.parameters = Parameters.of(values)
        plant._allocate()
        if len(data) - end != plant._memory.nbytes:
            raise SnapshotError(f"the snapshot holds {len(data) - end} bytes of state, not {plant._memory.nbytes}")
        plant._memory[:] = np.frombuffer(data, dtype="<f8", offset=end)
        return plant
