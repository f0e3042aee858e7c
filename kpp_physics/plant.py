"""One plant: parameters, memory, and the steps, commands and changes that advance it."""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from kpp_physics import coefficients as co
from kpp_physics import (
    constants,
    cross_checks,
    environment,
    faults,
    kernel,
    ledger,
    plc,
    rebuilding,
    surroundings,
    survey,
)
from kpp_physics import meters as metering
from kpp_physics import state as st
from kpp_physics.buoyancy import work_array
from kpp_physics.compiled import KERNEL_VERSION, interpreted
from kpp_physics.observation import LapView, Observation, controller, lap_view, observe
from kpp_physics.parameters import BUILT, DECLARATIONS, LOOP, ParameterError, Parameters, Violation

SNAPSHOT_SCHEMA: Final = 3
_MAGIC: Final = b"KPPS"

STORE_ROUNDING: Final = 1e-12
"""Difference of a store before and after a change, over its size, that rounding explains."""


class SimulationError(RuntimeError):
    """The plant cannot be computed any further; the text names the quantity and the time."""


class SnapshotError(ValueError):
    """A snapshot that this version cannot restore."""


class Plant:
    """A plant at standstill: PLC stopped, no air in the floaters, receiver at ambient.

    Args:
        parameters: a complete, checked set.
        memory: the bytes of another plant's memory, to continue from there instead.
    """

    def __init__(self, parameters: Parameters, memory: bytes | None = None) -> None:
        count = parameters.floater_count
        self.parameters = parameters
        self._memory = np.zeros(st.size(count))
        # Everything the compiled step reads or fills is made once, here: the step itself takes no memory.
        self._counts = np.array([count])
        self._faults = np.zeros(1, dtype=np.int64)
        self._parts = st.views(self._memory, count)
        self._work = work_array(count)
        # What observing fills; it is no part of the state.
        self._floaters = np.zeros((survey.SURVEY_ROWS, count))
        self._stores = np.zeros(survey.STORES_WIDTH)
        self._lines = np.zeros((2, ledger.COUNT))
        self._coefficients = co.coefficients(parameters)
        # Both kept for as long as a lap lasts: meters and the ring of lap records change only when one is complete.
        self._lap_view: LapView | None = None
        self._ring_start = st.ring_start(count)
        self._ring_digest: tuple[int, bytes] | None = None
        self._checks = cross_checks.warnings(parameters)
        self._take_series()
        if memory is None:
            self._stand_cold()
        elif len(memory) != self._memory.nbytes:
            raise SnapshotError(f"the snapshot holds {len(memory)} bytes of state, not {self._memory.nbytes}")
        else:
            self._memory[:] = np.frombuffer(memory, dtype="<f8")
            environment.take_present(self._coefficients, self._parts.scalars)

    def _take_series(self) -> None:
        """The time series of the parameters as the kernel reads them."""
        self._series = surroundings.table(self.parameters.series)
        self._series_ends = np.array([0, len(self._series)])
        self._series_digest = surroundings.digest(self._series) if self.parameters.series else b""

    def _stand_cold(self) -> None:
        x, p = self._parts.scalars, self.parameters
        environment.settle(x, p)
        environment.take_present(self._coefficients, x)
        # Air at ambient pressure and temperature: it has no exergy, and a plant cannot begin with any.
        x[st.RECEIVER_MASS] = p.ambient_pressure * p.receiver_volume / (p.gas_constant * p.ambient_temperature)
        x[st.RECEIVER_ENERGY] = x[st.RECEIVER_MASS] * (p.cp_air - p.gas_constant) * p.ambient_temperature
        x[st.WINDING_TEMPERATURE] = p.ambient_temperature
        x[st.SERVED] = -1.0
        x[st.SETPOINT] = self._coefficients[co.SPEED_SETPOINT]
        x[st.TENSION_MAX] = x[st.TENSION_MIN] = p.chain_pretension
        x[st.COLDEST] = st.EMPTY_LOW
        kernel.clear_lap(self._parts.lap)
        # An island begins out of step with the grid, and must synchronise like every other.
        x[st.SYNC_ERROR] = 1.0
        self._follow_grid()
        self._open_ledger()

    def _open_ledger(self) -> None:
        """Let the ledgers count from what the plant stores now."""
        x = self._parts.scalars
        self._survey()
        x[st.STORED_INITIAL] = self._stores[survey.STORED]
        # What the residuals are measured by: every store, an evacuated receiver too, which has exergy and no energy;
        # but not the bath, which would hide them.
        energies = np.abs(self._stores[: ledger.STORE_COUNT])
        available = np.abs(self._stores[survey.EXERGY_PARTS : survey.EXERGY_PARTS + ledger.STORE_COUNT])
        scales = np.maximum(energies, available)
        x[st.ENERGY_SCALE] = scales.sum() - scales[ledger.STORED_BATH]
        x[st.EXERGY_INITIAL] = self._stores[survey.EXERGY]
        self._parts.ring[0, st.LAP_TIME] = self.time_us / 1e6
        self._parts.ring[0, st.LAP_STORES : st.LAP_EXERGY] = self._stores[: ledger.STORE_COUNT]
        self._parts.ring[0, st.LAP_EXERGY : st.LAP_WIDTH] = self._stores[survey.EXERGY_PARTS :]

    def _follow_grid(self) -> None:
        """The grid at this moment: the next step begins with it."""
        x = self._parts.scalars
        time = self.time_us / 1e6
        for name, place in (("grid_frequency", st.GRID_FREQUENCY), ("load_power", st.LOAD_POWER)):
            followed = self.parameters.series.get(name)
            # As the kernel does at the beginning of a step, so that what is shown between two steps is what the next
            # one uses.
            x[place] = getattr(self.parameters, name) if followed is None else followed.at(time)

    @property
    def time_us(self) -> int:
        """Simulated time since the start, in whole microseconds."""
        return int(self._parts.scalars[st.STEPS]) * constants.STEP_US

    @property
    def laps(self) -> int:
        """Complete laps since the start."""
        return int(self._parts.scalars[st.RECORDED_LAPS])

    @property
    def plc_state(self) -> str:
        """State of the controller, one of `plc.STATES`."""
        return plc.STATES[int(self._parts.scalars[st.PLC_STATE])]

    def step(self, n: int) -> None:
        """Advance by `n` steps of 1 ms.

        Raises:
            SimulationError: when the state is no longer one of a plant.
        """
        # One plant is a fleet of one: the same compiled function, so that single runs and sweeps have the same bits.
        kernel.advance(
            self._coefficients[None],
            self._memory,
            self._counts,
            self._work,
            n,
            self._faults,
            self._series,
            self._series_ends,
        )
        fault = int(self._faults[0])
        if fault != faults.OK:
            raise SimulationError(self._explain(fault))

    def _explain(self, fault: int) -> str:
        bad = [
            name
            for name, value in zip(st.SCALARS, self._parts.scalars.tolist(), strict=True)
            if not math.isfinite(value)
        ]
        which = f" ({', '.join(bad)})" if bad else ""
        return f"at t = {self.time_us / 1e6:.3f} s {faults.TEXTS[fault]}{which}: the plant cannot be computed further"

    def command(self, name: str, args: Mapping[str, Any]) -> None:
        """Give the controller a command; it acts from the next step on.

        Raises:
            CommandError: when it is unknown or not permitted now; the text says why and what to do.
        """
        x = self._parts.scalars
        state = int(x[st.PLC_STATE])
        if name == "coast" and state == plc.COASTING and x[st.H3_COAST] != 0.0:
            state = plc.RUNNING  # H3 coasts between its pulses: the command makes it stay
        at_rest = abs(float(x[st.SPEED])) < constants.REST_SPEED
        following = plc.transition(name, args, state, at_rest, self._standing_trip())
        x[st.PLC_STATE] = following
        # Any command ends the mark of H3's own coasting: what was commanded holds until it is revoked.
        x[st.H3_COAST] = 0.0
        if name == "inject":
            x[st.MANUAL_PULSES] += 1.0
        if name == "reset":
            x[st.TRIP] = plc.NO_TRIP
        if following == plc.STOPPING:
            x[st.SETPOINT] = self._coefficients[co.SPEED_SETPOINT]

    def _standing_trip(self) -> str | None:
        x, c = self._parts.scalars, self._coefficients
        R = c[co.GAS_CONSTANT]
        cv = c[co.CP_AIR] - R
        # At rest neither timer runs: a chain still over its limit counts as if it had been for long, slack as if not at
        # all.
        over = x[st.TENSION_MAX] > c[co.TENSION_LIMIT]
        cause = interpreted(plc.trip_cause)(
            x[st.SHAFT_SPEED],
            c[co.RATED_SPEED],
            x[st.SPEED],
            R * x[st.RECEIVER_ENERGY] / (cv * c[co.RECEIVER_VOLUME]),
            c[co.TRIP_PRESSURE],
            constants.TENSION_TRIP_TIME if over else 0.0,
            0.0,
            x[st.WINDING_TEMPERATURE],
            x[st.RECEIVER_ENERGY] / (x[st.RECEIVER_MASS] * cv),
        )
        return plc.TRIPS[cause] if cause != plc.NO_TRIP else None

    def change_parameters(self, changes: Mapping[str, Any]) -> None:
        """Change parameters between two steps. No change alters what the plant stores.

        Settings and conditions are in force from the next step on; the environment ramps to its new values. What is
        built cannot change in a run: energy that the change moved would have no source.

        Raises:
            ParameterError: when a value is refused, or belongs to the machine as built.
            SimulationError: when the change altered a store, which is a fault of the program.
        """
        # All of it is checked before any of it is put in force: a change is carried out whole or not at all.
        following = self.parameters.with_changes(changes)
        refused = [
            Violation(
                name,
                value,
                None,
                f"{name} belongs to the machine as built and cannot change in a run: "
                f"{'start a new run' if name in LOOP else 'fork this run, or start a new one,'} with the change",
            )
            for name, value in changes.items()
            if DECLARATIONS[name].kind == BUILT and getattr(following, name) != getattr(self.parameters, name)
        ]
        if refused:
            raise ParameterError(refused)
        # The promise that no change is a source is not left to the reader: every store is weighed before and after.
        self._survey()
        before = self._stores.copy()
        self._put_in_force(following)
        self._survey()
        self._require_unchanged(before)

    def _put_in_force(self, following: Parameters) -> None:
        self.parameters = following
        # The surroundings stay as they are and begin to ramp; the coefficients that follow them are those of the
        # present.
        self._coefficients = co.coefficients(following)
        environment.take_present(self._coefficients, self._parts.scalars)
        self._checks = cross_checks.warnings(following)
        self._follow_grid()

    def _require_unchanged(self, before: st.Vector) -> None:
        """Raise SimulationError if a store holds another energy or exergy than before."""
        names = [f"energy of {name}" for name in ledger.STORES]
        names += ["stored energy", "", "stored exergy", "", ""]
        names += [f"exergy of {name}" for name in ledger.EXERGY_STORES]
        for name, was, now in zip(names, before.tolist(), self._stores.tolist(), strict=True):
            if name and abs(now - was) > STORE_ROUNDING * (abs(was) + abs(now)):
                raise SimulationError(
                    f"at t = {self.time_us / 1e6:.3f} s a change of parameters altered the {name} from {was:.9g} J to "
                    f"{now:.9g} J: this is a fault of the program"
                )

    def rebuilt(self, changes: Mapping[str, Any]) -> "Plant":
        """The plant in which a fork with other parameters begins.

        Where only settings, conditions and environment change, its ledgers go on. Where the machine is built otherwise
        they start again: energy and exergy count from what the changed plant holds, and the difference to this plant
        stands in its state.

        Raises:
            ParameterError: when a value is refused, or fixes the length of the loop.
        """
        following = self.parameters.with_changes(changes)
        differing = [name for name in changes if getattr(following, name) != getattr(self.parameters, name)]
        refused = [
            Violation(
                name,
                changes[name],
                None,
                f"{name} fixes the shape of the loop and the floaters' places on it: start a new run with it",
            )
            for name in differing
            if name in LOOP
        ]
        if refused:
            raise ParameterError(refused)
        # On a copy: the plant that is forked goes on as it is, whatever becomes of the fork.
        plant = Plant(self.parameters, self.memory())
        if not any(DECLARATIONS[name].kind == BUILT for name in differing):
            plant.change_parameters(changes)
            return plant
        plant._rebuild(following)
        return plant

    def _rebuild(self, following: Parameters) -> None:
        """Put another machine in force around the same air, speeds and temperatures, and open new ledgers."""
        self._survey()
        energy, available = self._stores[survey.STORED], self._stores[survey.EXERGY]
        x, parts = self._parts.scalars, self._parts
        warmth, gear = self._water_warmth(), self.parameters.gear_ratio
        self._put_in_force(following)
        c = self._coefficients
        # A pocket keeps the bucket model with which it was filled; its stiffness is that of the new mouth.
        held = parts.floaters[st.STIFFNESS] != 0.0
        parts.floaters[st.STIFFNESS, held] = following.water_density * following.gravity / following.mouth_area
        # The water is as warm as before, and what the old bath had given is part of the difference that is stated.
        x[st.BATH_START] = x[st.WATER_TEMPERATURE] + (warmth if c[co.BATH_CAPACITY] > 0.0 else 0.0)
        x[st.BATH_ENERGY] = x[st.BATH_ENERGY_LOW] = 0.0
        area = following.surface_area  # the water already stands as high as the air in it makes it
        x[st.LEVEL] = parts.floaters[st.VOLUME].sum() / area if area > 0 else 0.0
        # The level twice: it sets the pressure at which the pockets are fitted, and their volumes then set the level.
        rebuilding.refit(c, x, parts.floaters)
        x[st.LEVEL] = parts.floaters[st.VOLUME].sum() / area if area > 0 else 0.0
        if following.dc_link_capacitance == 0:
            x[st.DC_ENERGY] = x[st.DC_ENERGY_LOW] = 0.0
        # Only now, with the masses of the changed plant: the impulse is shared between what moves from here on.
        if following.gear_ratio != gear:
            rebuilding.mesh(c, x, parts.floaters)
        # Books of another machine: what it took in and gave says nothing about this one.
        for books in (parts.ledger, parts.sampled, parts.entropy, parts.ring):
            books[:] = 0.0
        kernel.clear_lap(parts.lap)
        # Laps count from zero again, and so does the one after which slack and a hot receiver trip.
        x[st.ARMED_LAP] = max(0.0, x[st.ARMED_LAP] - x[st.LAPS])
        x[st.LAPS] = x[st.RECORDED_LAPS] = x[st.ENTROPY_LOW] = 0.0
        x[st.PULSES] = x[st.MISSED] = 0.0
        # Last, when nothing changes the stores any more: from here they count.
        self._lap_view = self._ring_digest = None
        self._open_ledger()
        x[st.REBUILT_ENERGY] += x[st.STORED_INITIAL] - energy
        x[st.REBUILT_EXERGY] += x[st.EXERGY_INITIAL] - available

    def _water_warmth(self) -> float:
        """How much warmer a finite bath is than the surroundings make it [K]."""
        x, capacity = self._parts.scalars, self._coefficients[co.BATH_CAPACITY]
        if capacity <= 0.0:
            return 0.0
        return float(x[st.BATH_START] + x[st.BATH_ENERGY] / capacity - x[st.WATER_TEMPERATURE])

    def change_series(self, changes: Mapping[str, Any]) -> None:
        """Let grid frequency or load follow a time series from the next step on, or end that.

        Args:
            changes: as for `Parameters.with_series`; times count from the start of the run.

        Raises:
            ParameterError: with field, limit and reason of everything that is wrong.
        """
        self.parameters = self.parameters.with_series(changes)
        self._take_series()
        self._follow_grid()

    def _survey(self) -> None:
        parts = self._parts
        survey.survey(
            self._coefficients,
            parts.scalars,
            parts.floaters,
            parts.ledger,
            parts.sampled,
            parts.entropy,
            self._floaters,
            self._stores,
            self._lines,
        )

    def observe(self) -> Observation:
        """All that the plant shows of itself, in groups by physical part; SI units unless a name ends in a unit."""
        self._survey()
        if self._lap_view is None or self._lap_view.laps != self.laps:
            self._lap_view = lap_view(self._parts.ring, self.laps)
        return observe(
            self.parameters,
            self._coefficients,
            self._parts,
            self._floaters,
            self._stores,
            self._lines,
            self._lap_view,
            self._checks,
        )

    def controller(self) -> dict[str, Any]:
        """The group `plc` of `observe` alone, at a fraction of its cost."""
        self._survey()
        if self._lap_view is None or self._lap_view.laps != self.laps:
            self._lap_view = lap_view(self._parts.ring, self.laps)
        return controller(self.parameters, self._parts, self._stores, self._lines, self._lap_view, self._checks)

    def lap_records(self, laps: int) -> tuple[list[Any], Any]:
        """Records of the last `laps` complete laps, and the record before them."""
        return metering.lap_records(self._parts.ring, self.laps, laps)

    def digest(self) -> str:
        """64-bit digest of the complete state, as 16 hexadecimal digits."""
        if self._ring_digest is None or self._ring_digest[0] != self.laps:
            self._ring_digest = (self.laps, st.ring_digest(self._parts.ring))
        # The series are no memory, but they decide what comes: two plants are the same only if these are.
        return st.digest(self._memory[: self._ring_start], self._ring_digest[1] + self._series_digest)

    def memory(self) -> bytes:
        """The complete state as bytes, for another plant with the same number of floaters."""
        return self._memory.tobytes()

    def set_memory(self, memory: bytes) -> None:
        """Return to a state that `memory` gave, with the parameters in force; what a lap leaves is looked up again."""
        self._memory[:] = np.frombuffer(memory, dtype="<f8")
        environment.take_present(self._coefficients, self._parts.scalars)  # those of the state, amid a ramp too
        self._faults[:] = faults.OK
        self._lap_view = None
        self._ring_digest = None

    def snapshot(self) -> bytes:
        """The complete plant as bytes, for `restore`."""
        # Length, header, memory: little-endian on every machine, so that a snapshot can move from one to another.
        header = json.dumps(
            {
                "schema": SNAPSHOT_SCHEMA,
                "kernel": KERNEL_VERSION,
                "parameters": self.parameters.as_dict(),
                "series": {name: each._asdict() for name, each in self.parameters.series.items()},
            }
        ).encode()
        return _MAGIC + len(header).to_bytes(4, "little") + header + self._memory.astype("<f8").tobytes()

    @classmethod
    def restore(cls, data: bytes) -> "Plant":
        """The plant that `snapshot` was taken of, bit for bit.

        Raises:
            SnapshotError: when the bytes are no snapshot, or one of another schema or kernel version.
        """
        # Bytes from a file are believed only as far as they have been checked: mark, lengths, schema, kernel, values.
        if data[:4] != _MAGIC or len(data) < 8:
            raise SnapshotError("these bytes are no snapshot of a plant")
        end = 8 + int.from_bytes(data[4:8], "little")
        try:
            header = json.loads(data[8:end])
            schema, version = header["schema"], header["kernel"]
            values, followed = header["parameters"], header["series"]
        except (ValueError, KeyError, TypeError) as error:
            raise SnapshotError(f"the snapshot's header is damaged: {error}") from error
        if schema != SNAPSHOT_SCHEMA:
            raise SnapshotError(f"the snapshot has schema {schema}, this version reads {SNAPSHOT_SCHEMA}: replay it")
        if version != KERNEL_VERSION:
            raise SnapshotError(
                f"the snapshot was taken with kernel {str(version)[:16]}, this is {KERNEL_VERSION[:16]}: replay the run"
            )
        try:
            return cls(Parameters.of(values).with_series(followed), data[end:])
        except (ParameterError, TypeError, AttributeError) as error:
            raise SnapshotError(f"the snapshot's parameters are damaged: {error}") from error
