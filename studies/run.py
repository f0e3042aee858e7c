"""One plant from standstill through the controller's start to lap-averaged meters, or to the reason why there are none.

Laps and load cycles of the compressor do not coincide, so two windows are kept: whole laps for every mean, and whole
load cycles, from one switching to the next, for the compressor's power.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from kpp_physics import meters as metering
from kpp_physics import state as st
from kpp_physics.cross_checks import break_away
from kpp_physics.parameters import Parameters
from kpp_physics.plant import Plant, SimulationError
from studies.plan import Expectation, Plan, schedule

CHUNK: Final = 500
"""Steps between two looks at the plant: half a second, shorter than any lap."""

LOOKS: Final = 20
"""Chunks between two looks at the chain's position: ten seconds."""

LONGEST_START: Final = 20
"""Laps within which a plant must reach running."""

DRIFT: Final = 2e-4
"""Relative change of the receiver's highest pressure from lap to lap that still counts as steady."""

RESIDUALS: Final = {"r_a": "ledger", "r_b": "sampled", "r_c": "exergy"}
"""Residuals of the first law, of re-integrated powers and of the second law -> the group of the state that has them."""

OnProgress = Callable[[Plant, "Measurement"], None]
"""Called after every chunk with the plant and what has been measured so far."""


@dataclass
class Measurement:
    """What a run found, in SI units. Without a complete measured lap the meters are None and the means empty.

    Attributes:
        plant: the plant as it stands.
        schedule: what was expected of it.
        warmup_laps: laps that were discarded.
        laps: laps in the means.
        load_cycles: whole load cycles in the mean of the compressor's power.
        cycle_laps: laps over which these were looked for; may be more than `laps`.
        meters: the meters by name.
        means: mean power of each line of the ledger, W.
        window: the measured laps and how steady they are; None without any.
        records: counters at the beginning and at the end of the measured laps; None without any.
        residuals: largest magnitude of each at the ends of laps and of the run, over the energy scale.
        warnings: warnings and advisories since the measured laps began, each kind once.
        error: why the laps could not be measured; None if they were.
    """

    plant: Plant
    schedule: Expectation
    warmup_laps: int = 0
    laps: int = 0
    load_cycles: int = 0
    cycle_laps: int = 0
    meters: metering.Meters = field(default_factory=lambda: dict.fromkeys(metering.NAMES))
    means: dict[str, float] = field(default_factory=dict)
    window: metering.Window | None = None
    records: tuple[Any, Any] | None = None
    residuals: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    error: str | None = None

    @property
    def unsteady(self) -> str | None:
        """Why the measured laps give no coefficient of performance, as a sentence; None if they do."""
        window = self.window
        if window is None or window.steady:
            return None
        if window.share is None:
            return "not steady: nothing was taken in during the measured laps"
        more = "more" if window.stored > 0 else "less"
        return (
            f"not steady: at the end of the {window.laps} measured laps the stores hold {abs(window.stored) / 1e3:.4g} "
            f"kJ of exergy {more} than at their beginning, {window.share:.2%} of the energy taken in (limit "
            f"{window.limit:.0%}): COP and net power are withheld; measure more laps, or after a longer warm-up"
        )

    @property
    def worst_r_a(self) -> float:
        """Largest residual of the first law at the end of a lap or of the run, over the energy scale."""
        return self.residuals["r_a"]


class StudyRun:
    """A cold plant on its way to its meters.

    Args:
        parameters: the plant's parameters.
        plan: how much to measure.
    """

    def __init__(self, parameters: Parameters, plan: Plan) -> None:
        self._plan = plan
        self.found = Measurement(Plant(parameters), schedule(parameters))
        self._records: list[Any] = []
        self._start: Any = None
        self._warmup: list[Any] = []
        self._begin: int | None = None
        self._seen = 0
        self._moved_at = self._lap_at = self._place = 0.0
        self._warned: dict[str, str] = {}

    def measure(self, progress: OnProgress | None = None) -> Measurement:
        """Run until everything is measured, or until that is impossible; then `error` says why.

        Args:
            progress: called after every chunk.
        """
        found, plant = self.found, self.found.plant
        plant.command("start", {})
        chunks = 0
        while found.error is None and not self._complete():
            steps = CHUNK
            # The run ends exactly with the duration, whatever the size of a chunk.
            if self._plan.duration is not None:
                left = round(self._plan.duration * 1000) - plant.time_us // 1000
                if left <= 0:
                    found.error = self._out_of_time()
                    break
                steps = min(steps, left)
            try:
                plant.step(steps)
            except SimulationError as error:
                found.error = str(error)
                return found  # after a fault inside a step the plant's memory must not be used any more
            chunks += 1
            self._follow(chunks)
            if progress is not None:
                progress(plant, found)
        self._conclude()
        return found

    def _follow(self, chunks: int) -> None:
        """Take note of a chunk: the controller's state, laps, and whether the plant makes progress."""
        found, plant = self.found, self.found.plant
        state, time = plant.plc_state, plant.time_us / 1e6
        if state in ("tripped", "emergency_stop"):
            cause = plant.observe()["plc"]["trip"]
            found.error = f"the plant tripped at {time:.1f} s in lap {plant.laps}: {cause}"
            return
        if self._begin is None and state == "running":
            self._begin = plant.laps + 1  # the lap in which the plant began to run is not complete
        if plant.laps > self._seen:
            self._seen = plant.laps
            self._lap_at = time
            self._lap()
        if chunks % LOOKS == 0:
            self._watch(state, time)

    def _lap(self) -> None:
        found, plant = self.found, self.found.plant
        self._look()
        (newest,), before = plant.lap_records(1)
        # Laps before the controller reached running are part of the start, and not even counted as warm-up.
        if self._begin is None or self._seen <= self._begin:
            return
        if self._start is None and not self._warm():
            self._warmup = [*self._warmup[-1:], newest]
            found.warmup_laps += 1
            return
        if self._start is None:
            self._start = before
            self._warned.clear()  # warnings of the start say nothing about the means
        self._records.append(newest)
        # Where a number of laps was asked for, the means are of exactly these; laps after them serve the load cycles.
        found.cycle_laps = len(self._records)
        found.laps = min(found.cycle_laps, self._plan.laps or found.cycle_laps)
        found.load_cycles = metering.compressor_power(self._records, self._start)[1]

    def _warm(self) -> bool:
        """True if enough laps were discarded."""
        discarded = self.found.warmup_laps
        if self._plan.warmup_laps is not None:
            return discarded >= self._plan.warmup_laps
        if discarded < self.found.schedule.warmup_laps:
            return False
        # Not drifting is checked as well, since a schedule is an estimate: a receiver may fill up for many laps yet.
        return not _drifts(self._warmup) or discarded >= self.found.schedule.longest_warmup

    def _complete(self) -> bool:
        """True if everything that the plan asks for is measured."""
        plan, number = self._plan, len(self._records)
        wanted = plan.laps or plan.least_laps
        if plan.laps is None and plan.duration is not None:
            return False  # the duration ends the run
        if number < wanted:
            return False
        if self.found.load_cycles >= plan.enough_cycles(number) or number >= plan.most_laps(wanted):
            return True
        # A compressor that never switches has no load cycles to wait for.
        switched = any(record[st.LOADS] for record in self._records)
        return not switched and not _drifts(self._records[-2:])

    def _watch(self, state: str, time: float) -> None:
        """Give up a plant that makes no progress.

        It has to fill its receiver, to reach running, to move by a pitch, and to complete laps, each in its time.
        """
        found, plan = self.found, self.found.schedule
        # While the receiver is being filled the chain rightly stands: its own times count from the end of that.
        if state in ("stopped", "pressurising"):
            self._moved_at = self._lap_at = time
            if time > plan.longest_start:
                found.error = (
                    f"after {time:.0f} s the plant is still {state} "
                    f"(limit for filling the receiver: {plan.longest_start:.0f} s)"
                )
            return
        if self._begin is None and found.plant.laps >= LONGEST_START:
            found.error = (
                f"after {time:.0f} s and {found.plant.laps} laps the plant is still {state}: it does not reach half of "
                f"its set speed (limit: {LONGEST_START} laps){self._pull()}"
            )
            return
        place = found.plant.observe()["chain"]["position"]
        if place - self._place >= plan.pitch:
            self._place, self._moved_at = place, time
        elif time - self._moved_at > plan.patience:
            found.error = (
                f"the plant does not turn: at {time:.0f} s it is {state} in lap {found.plant.laps} and has "
                f"moved less than one pitch ({plan.pitch:.3g} m) in {plan.patience:.0f} s{self._pull()}"
            )
            return
        if time - self._lap_at > plan.longest_lap:
            found.error = (
                f"the plant only creeps: at {time:.0f} s it is {state} and has not completed lap "
                f"{found.plant.laps + 1} in {plan.longest_lap:.0f} s{self._pull()}"
            )

    def _pull(self) -> str:
        """What breaking away needs and what is available, for a message about a plant that does not reach its speed."""
        p, frame = self.found.plant.parameters, self.found.plant.observe()
        force = frame["chain"]["buoyancy_force"]
        text = f": {break_away(p)}, the air in the floaters pulls with {force:.0f} N"
        # Air enters the lowest pocket only against the water's pressure there.
        bottom = p.ambient_pressure + p.water_density * p.gravity * (p.water_depth - p.sprocket_radius)
        if frame["receiver"]["pressure"] <= bottom:
            text += (
                f"; the receiver holds {frame['receiver']['pressure'] / 1e5:.3f} bar, the lowest pocket stands at "
                f"{bottom / 1e5:.3f} bar"
            )
        return text

    def _out_of_time(self) -> str | None:
        """Why the end of the duration is an error; None if it is not one."""
        found, plan, state = self.found, self._plan, self.found.plant.plc_state
        wanted = plan.laps or 1
        if len(self._records) >= wanted:
            return None
        return (
            f"the duration of {plan.duration:g} s ended with the plant {state} in lap {found.plant.laps}: "
            f"{found.warmup_laps} laps of warm-up and {len(self._records)} of {wanted} measured laps complete"
        )

    def _look(self) -> None:
        """Take note of residuals and warnings as they are now."""
        found = self.found
        frame = found.plant.observe()
        for name, group in RESIDUALS.items():
            found.residuals[name] = max(found.residuals.get(name, 0.0), abs(frame[group][name]))
        for text in (*frame["plc"]["warnings"], *frame["plc"]["advisories"]):
            self._warned[re.sub(r"[\d.]+", "", text)] = text  # one of each kind, with its latest numbers

    def _conclude(self) -> None:
        found = self.found
        self._look()
        found.warnings = list(self._warned.values())
        if not self._records:
            return
        laps = self._records[: found.laps]
        found.meters = metering.meters(laps, self._start)
        found.means = metering.between(laps, self._start)
        found.window = metering.window(laps, self._start)
        found.records = self._start, laps[-1]
        # The compressor's power alone comes from whole load cycles, which may reach beyond the laps of the means. Net
        # power has to count the same figure, or the report would not add up.
        power, found.load_cycles = metering.compressor_power(self._records, self._start)
        if not found.load_cycles:
            power = found.means["compressor"]
        # Withheld if not steady: what the stores gave would count as delivered, and what they took as consumed.
        paid, grid = power + found.means["auxiliary"], found.means["grid"]
        found.meters.update(compressor_power=power, net_power=grid - paid if found.window.steady else None)


def _drifts(records: list[Any]) -> bool:
    """True if the receiver's pressure still changes from lap to lap while the compressor does not switch."""
    # One that switches holds the pressure in its band: the change between two laps says only where in a cycle they end.
    if len(records) < 2 or any(record[st.LOADS] for record in records):
        return False
    first, last = (float(record[st.LAP_PRESSURE_MAX]) for record in records[-2:])
    return abs(last - first) > DRIFT * first
