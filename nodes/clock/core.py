"""The clock's decisions, pure: commands in, ticks and results out. It never asks what time it is."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from bus.codec import encode
from bus.messages import (
    CLOCK_MODULE,
    EVERY_MODULE,
    Ack,
    Beat,
    Command,
    CommandRequest,
    Mode,
    Published,
    Refused,
    Replay,
    ReplayRequest,
    Result,
    Sequenced,
    Status,
    Tick,
    Violation,
)
from nodes.clock.history import History
from nodes.clock.orders import (
    Acknowledge,
    OrderError,
    Pause,
    Reset,
    Resume,
    RunUntil,
    SetSpeed,
    Start,
    Step,
    Stop,
    TimeOrder,
    read_order,
)
from nodes.clock.pace import FLAT_OUT_DT_US, Pace, Speed
from nodes.clock.peers import Peers
from nodes.clock.timing import Timing

LEAD_TICKS = 2
"""A command acts this many ticks after the newest one, so that its fsync does not delay the next tick."""

TICK_COMMANDS = 256
"""Most commands in one tick; more act one tick later."""

TICK_BYTES = 128 * 1024
"""Most bytes of commands in one tick, so that its frame fits what receivers accept."""

WINDOW_US = 250_000
"""How far simulated time may run ahead of the slowest module at speed 1, in microseconds; it grows with the speed."""

FLAT_OUT_WINDOW_US = FLAT_OUT_DT_US + 1
"""The same in flat-out mode: one tick is under way while the next is composed: no module waits for the clock."""


@dataclass(frozen=True)
class Settings:
    """What is fixed while the clock runs."""

    epoch: int
    rate: int
    modules: tuple[str, ...]
    scenario: str


@dataclass
class _Run:
    """One run: from the scenario's initial state to the next reset."""

    name: str
    scenario: str
    seq: int = 0
    t_us: int = 0
    history: History = field(default_factory=History)
    pending: dict[int, list[Command]] = field(default_factory=lambda: defaultdict(list))
    order: int = 0

    def room(self, command: Command) -> int:
        """The first tick that may still carry the command; never one before a tick given out already."""
        self.order = max(self.order, self.seq + LEAD_TICKS)
        waiting = self.pending.get(self.order, [])
        size = sum(len(encode(each)) for each in (*waiting, command))
        if waiting and (len(waiting) >= TICK_COMMANDS or size > TICK_BYTES):
            self.order += 1
        return self.order


class ClockCore:
    """Time, run mode, sequencing and flow control."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.peers = Peers(settings.modules)
        self.timing = Timing()
        self.bad_frames = 0
        self._runs_begun = 0
        self._mode: Mode = "stopped"
        self._speed = Speed()
        self._flat_out = False
        self._pace = Pace(settings.rate)
        self._steps_left = 0
        self._until_us: int | None = None
        self._undurable: set[str] = set()
        self._next_run: tuple[str, dict[str, Any], Mode] | None = None
        self._held: list[str] = []
        self._run = self._begin(settings.scenario, {})

    # What others ask

    def sequence(self, request: CommandRequest) -> tuple[Sequenced, Command] | Refused:
        """Give a new command its tick. It acts there once `durable` or never once `abandon` was called for it."""
        known = (CLOCK_MODULE, EVERY_MODULE, *self.settings.modules)
        if request.module not in known:
            return Refused(id=request.id, field="module", reason=f"no module {request.module!r}: use one of {known}")
        if request.module == EVERY_MODULE or request.name == "begin":
            return Refused(id=request.id, field="module", reason="only the clock itself commands every module")
        command = Command(
            id=request.id, module=request.module, name=request.name, args=request.args, origin=request.origin
        )
        seq = self._run.room(command)
        self._run.pending[seq].append(command)
        self._undurable.add(command.id)
        return Sequenced(id=request.id, run=self._run.name, seq=seq), command

    def durable(self, command_id: str) -> None:
        """The command is on disk."""
        self._undurable.discard(command_id)

    def abandon(self, command_id: str) -> None:
        """The command could not be written: it never acts."""
        self._undurable.discard(command_id)
        for waiting in self._run.pending.values():
            waiting[:] = [command for command in waiting if command.id != command_id]

    def heard(self, message: Ack | Beat, now_ns: int) -> None:
        """Take note of a beat or an acknowledgement; one of a tick that was never sent is counted and dropped."""
        if isinstance(message, Ack) and message.run == self._run.name:
            if message.seq > self._run.seq:
                self.bad_frames += 1
                return
            self.timing.acknowledged(message.seq, now_ns)
        self.peers.heard(message, now_ns)

    def replay(self, request: ReplayRequest) -> Replay | Refused:
        """The ticks after one that the asker has."""
        if request.run not in {"", self._run.name}:
            return Refused(id="", field="run", reason=f"run {request.run} has ended; the present one is {self.run}")
        return Replay(run=self._run.name, spans=self._run.history.after(request.after), last=self._run.seq)

    # What time brings

    @property
    def waits_for_journal(self) -> bool:
        """True while a command of the next tick is not on disk yet: the tick must wait."""
        return any(command.id in self._undurable for command in self._run.pending.get(self._run.seq + 1, ()))

    @property
    def flat_out(self) -> bool:
        """True while ticks follow acknowledgements instead of deadlines."""
        return self._flat_out and (self._mode == "running" or self._steps_left > 0)

    @property
    def caught_up(self) -> bool:
        """True when no module is more than one tick behind: in flat-out mode the next tick is due."""
        return not self._behind(FLAT_OUT_WINDOW_US)

    def tick(self, mono_ns: int, wall: float) -> list[Published]:
        """The next tick and the results of the commands that the clock itself obeys in it.

        Args:
            mono_ns: monotonic time at which the tick is to leave.
            wall: Unix time of the same.
        """
        run = self._run
        run.seq += 1
        commands = tuple(run.pending.pop(run.seq, ()))
        results = [self._obey(command, wall) for command in commands if command.module == CLOCK_MODULE]
        dt_us = self._advance()
        run.history.append(run.t_us, dt_us, self._mode, commands)
        run.t_us += dt_us
        self.timing.holding(bool(self._held), mono_ns)
        tick = Tick(
            t=run.t_us / 1e6,
            seq=run.seq,
            run=run.name,
            wall=wall,
            epoch=self.settings.epoch,
            dt=dt_us / 1e6,
            mode=self._mode,
            speed=self._speed.factor,
            flat_out=self._flat_out,
            rate=self.settings.rate,
            held=self._held,
            mono_ns=mono_ns,
            leaders=self.peers.leaders(),
            commands=list(commands),
        )
        published: list[Published] = [tick, *results]
        if self._next_run is not None:
            published.extend(self._end_run(wall))
        return published

    def _advance(self) -> int:
        self._held = []
        moving = self._mode == "running" or self._steps_left > 0
        if not moving or self._next_run is not None:
            return 0
        window = WINDOW_US * max(self._speed.milli, 1000) // 1000
        self._held = self._behind(FLAT_OUT_WINDOW_US if self._flat_out else window)
        if self._held:
            return 0
        if self._steps_left > 0:
            self._steps_left -= 1
        dt_us = FLAT_OUT_DT_US if self._flat_out else self._pace.advance(self._speed)
        if self._until_us is None or self._run.t_us + dt_us < self._until_us:
            return dt_us
        dt_us = self._until_us - self._run.t_us
        self._until_us = None
        self._mode = "paused"
        self._pace.restart()
        return dt_us

    def _behind(self, limit_us: int) -> list[str]:
        run = self._run
        return [
            module
            for module in self.settings.modules
            if run.t_us - run.history.time_after(self.peers.progress(module, run.name)) >= limit_us
        ]

    # Runs

    def _begin(self, scenario: str, parameters: dict[str, Any]) -> _Run:
        self._runs_begun += 1
        run = _Run(name=f"{self.settings.epoch:04d}-{self._runs_begun:03d}", scenario=scenario)
        args = {"scenario": scenario, "parameters": parameters}
        run.pending[1].append(
            Command(id=f"{run.name}.begin", module=EVERY_MODULE, name="begin", args=args, origin=CLOCK_MODULE)
        )
        return run

    def _end_run(self, wall: float) -> list[Published]:
        """Leave the present run; commands that were to act later in it are answered, not forgotten."""
        if self._next_run is None:
            return []
        scenario, parameters, mode = self._next_run
        left = [command for _seq, waiting in sorted(self._run.pending.items()) for command in waiting]
        results: list[Published] = [
            self._result(command, wall, reason=f"run {self._run.name} ended before it acted: send it again")
            for command in left
        ]
        self._next_run = None
        self._run = self._begin(scenario, parameters)
        self._mode = mode
        self._steps_left = 0
        self._until_us = None
        self._pace.restart()
        return results

    # Commands that the clock obeys

    def _obey(self, command: Command, wall: float) -> Result:
        try:
            order = read_order(command.name, command.args)
            applied = {"alarm": order.alarm} if isinstance(order, Acknowledge) else self._carry_out(order)
        except OrderError as error:
            return self._result(command, wall, reason=str(error), violations=error.violations)
        return self._result(command, wall, applied=applied)

    def _carry_out(self, order: TimeOrder) -> dict[str, Any]:
        match order:
            case Start():
                if self._mode != "stopped":
                    remedy = "resume or reset" if self._mode == "paused" else "pause, stop or reset"
                    raise OrderError(f"the run is {self._mode}: {remedy}")
                if self._run.t_us > 0:
                    self._next_run = (self._run.scenario, {}, "running")
                    return {"mode": "running", "new_run": True}
                self._mode = "running"
            case Pause():
                self._require("running", "start it first")
                self._mode = "paused"
            case Resume():
                self._require("paused", "only a paused run can be resumed")
                self._mode = "running"
            case Stop():
                if self._mode == "stopped":
                    raise OrderError("the run is stopped already")
                self._mode = "stopped"
            case Step(ticks=ticks):
                if self._mode == "running":
                    raise OrderError("the run is running: pause it first")
                self._steps_left += ticks
                return {"mode": self._mode, "ticks": self._steps_left}
            case RunUntil(t_us=t_us):
                self._run_until(t_us)
                return {"mode": "running", "until": t_us / 1e6}
            case SetSpeed(speed=speed, flat_out=flat_out):
                self._speed = speed or self._speed
                self._flat_out = flat_out
                self._pace.restart()
                return {"speed": self._speed.factor, "flat_out": self._flat_out}
            case Reset(scenario=scenario, parameters=parameters):
                scenario = scenario or self._run.scenario
                self._next_run = (scenario, parameters, "stopped")
                return {"mode": "stopped", "scenario": scenario}
        self._steps_left = 0
        self._until_us = None
        return {"mode": self._mode}

    def _run_until(self, t_us: int) -> None:
        now = self._run.t_us / 1e6
        if t_us <= self._run.t_us:
            reason = f"it is {now:g} s already: name a later time, or reset"
            raise OrderError(f"t: {reason}", (Violation(field="t", limit=f"above {now:g} s", reason=reason),))
        self._until_us = t_us
        self._mode = "running"
        self._steps_left = 0

    def _require(self, mode: Mode, remedy: str) -> None:
        if self._mode != mode:
            raise OrderError(f"the run is {self._mode}: {remedy}")

    def _result(
        self,
        command: Command,
        wall: float,
        applied: dict[str, Any] | None = None,
        reason: str = "",
        violations: tuple[Violation, ...] = (),
    ) -> Result:
        return Result(
            t=self._run.t_us / 1e6,
            seq=self._run.seq,
            run=self._run.name,
            wall=wall,
            module=CLOCK_MODULE,
            id=command.id,
            name=command.name,
            outcome="rejected" if applied is None else "applied",
            reason=reason,
            violations=list(violations),
            applied=applied or {},
        )

    # What it says of itself

    @property
    def run(self) -> str:
        """Id of the present run."""
        return self._run.name

    @property
    def mode(self) -> Mode:
        """Run mode."""
        return self._mode

    @property
    def t_us(self) -> int:
        """Simulated time in microseconds."""
        return self._run.t_us

    def status(self, now_ns: int, wall: float, achieved_speed: float, realtime_priority: bool) -> Status:
        """Where the run is now; figures of timing are those of the last closed interval."""
        return Status(
            t=self._run.t_us / 1e6,
            seq=self._run.seq,
            run=self._run.name,
            wall=wall,
            epoch=self.settings.epoch,
            mode=self._mode,
            speed=self._speed.factor,
            flat_out=self._flat_out,
            achieved_speed=achieved_speed,
            rate=self.settings.rate,
            lateness=self.timing.lateness,
            frames_sent=self.timing.frames_sent,
            deadlines_missed=self.timing.deadlines_missed,
            bad_frames=self.bad_frames,
            held=list(self._held),
            held_time=self.timing.held_ns / 1e9,
            realtime_priority=realtime_priority,
            scenario=self._run.scenario,
            peers=self.peers.table(now_ns),
        )
