"""The clock's decisions, pure: commands in, ticks and results out. It never asks what time it is."""

from dataclasses import dataclass
from typing import Any

from bus.alarms import ALARM
from bus.messages import (
    CLOCK_MODULE,
    EVERY_MODULE,
    STOP_LATE,
    Ack,
    Beat,
    Command,
    CommandRequest,
    Event,
    Frames,
    FramesRequest,
    Mode,
    Policy,
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
from nodes.clock.lateness import Verdict
from nodes.clock.orders import (
    Acknowledge,
    OrderError,
    Pause,
    PlainOrder,
    Reset,
    Resume,
    RunUntil,
    SetPolicy,
    SetSpeed,
    Start,
    Step,
    Stop,
    StopLate,
    read_order,
)
from nodes.clock.pace import FLAT_OUT_DT_US, Debt, Pace, Speed
from nodes.clock.peers import PEERS_MAX, Peers
from nodes.clock.recovery import Recovered, begin_command
from nodes.clock.run import Run
from nodes.clock.ticklog import Opening, Stretch
from nodes.clock.timing import Timing

WINDOW_US = 250_000
"""How far simulated time may run ahead of the slowest module at speed 1, in microseconds; it grows with the speed."""

FLAT_OUT_WINDOW_US = FLAT_OUT_DT_US + 1
"""The same in flat-out mode: one tick is under way while the next is composed: no module waits for the clock."""

CAUGHT_UP_SECONDS = 0.5
"""A module that is more ticks behind than this at the tick rate takes no commands."""

RETRY_AFTER = 0.2
"""When a command that was refused because a module is late may be tried again, in seconds."""

NEEDS_EVERY_MODULE = frozenset({"start", "resume", "step", "run_until"})
"""Commands of the clock that are refused while a module is late; the others are how a stuck run is left."""


@dataclass(frozen=True)
class Settings:
    """What is fixed while the clock runs."""

    epoch: int
    rate: int
    modules: tuple[str, ...]
    scenario: str


class ClockCore:
    """Time, run mode, sequencing and flow control.

    Args:
        settings: what is fixed.
        recovered: the run that the clock before left; it goes on with the next tick. None begins the first run.
        wall: Unix time now, for results that are found again.
    """

    def __init__(self, settings: Settings, recovered: Recovered | None = None, wall: float = 0.0) -> None:
        self.settings = settings
        self.peers = Peers(settings.modules)
        self.timing = Timing()
        self.bad_frames = 0
        self.suspended = ""
        """Why simulated time has to wait for something else than a module, empty when it has not."""
        self._runs_begun = 0
        self._mode: Mode = "stopped"
        self._speed = Speed()
        self._flat_out = False
        self._policy: Policy = "hold"
        self._pace = Pace(settings.rate)
        self._debt = Debt(settings.rate)
        self._steps_left = 0
        self._until_us: int | None = None
        self._undurable: set[str] = set()
        self._next_run: tuple[str, dict[str, Any], Mode] | None = None
        self._held: list[str] = []
        self._verdict = Verdict()
        self._alarming: dict[str, str] = {}
        self._owed_notices: list[Published] = []
        if recovered is None:
            self._run = self._begin(settings.scenario, {})
        else:
            self._recover(recovered, wall)
            # The clock may have died between the last tick of a run and the first of the next.
            self._owed_notices = self._end_run(wall)

    @property
    def commands_waiting(self) -> int:
        """Commands that were accepted and whose tick has not come yet."""
        return sum(map(len, self._run.pending.values()))

    @classmethod
    def ended(cls, settings: Settings, recovered: Recovered, wall: float) -> Run:
        """A run that is on record, with what became of its commands; nothing goes on in it."""
        core = cls(settings)
        core._recover(recovered, wall)
        core._answer_left(wall)
        return core._run

    # What others ask

    def sequence(self, request: CommandRequest) -> tuple[Sequenced, Command] | Refused:
        """Give a new command its tick. It acts there once `durable` or never once `abandon` was called for it."""
        refused = self._refuse(request)
        if refused is not None:
            return refused
        return self._take(
            Command(id=request.id, module=request.module, name=request.name, args=request.args, origin=request.origin)
        )

    def decide(self) -> tuple[Sequenced, Command] | None:
        """A command that the clock gives itself, None if it has no cause; to be made durable as any other."""
        if not self._verdict.late or self._run.waits(STOP_LATE):
            return None
        command_id, late = f"{self._run.name}.late-{self._run.seq}", list(self._verdict.late)
        return self._take(Command(command_id, CLOCK_MODULE, STOP_LATE, {"late": late}, origin=CLOCK_MODULE))

    def _take(self, command: Command) -> tuple[Sequenced, Command]:
        seq = self._run.room(command)
        self._run.pending[seq].append(command)
        self._undurable.add(command.id)
        return Sequenced(id=command.id, run=self._run.name, seq=seq), command

    def _refuse(self, request: CommandRequest) -> Refused | None:
        known = (CLOCK_MODULE, EVERY_MODULE, *self.settings.modules)
        if request.module not in known:
            return Refused(id=request.id, field="module", reason=f"no module {request.module!r}: use one of {known}")
        if request.module == EVERY_MODULE or request.name == "begin":
            return Refused(id=request.id, field="module", reason="only the clock itself commands every module")
        if (request.module, request.name) == (CLOCK_MODULE, STOP_LATE):
            return Refused(id=request.id, field="name", reason="only the clock itself finds modules late: use stop")
        return self._refuse_for_now(request)

    def _refuse_for_now(self, request: CommandRequest) -> Refused | None:
        if self.suspended:
            return Refused(id=request.id, field="", reason=self.suspended, retry_after=RETRY_AFTER)
        needed = (request.module,) if request.module != CLOCK_MODULE else self.settings.modules
        if request.module == CLOCK_MODULE and request.name not in NEEDS_EVERY_MODULE:
            return None
        for module in needed:
            late = self._late(module)
            if late:
                return Refused(id=request.id, field="", reason=late, retry_after=RETRY_AFTER)
        return None

    def _late(self, module: str) -> str:
        """Why a module takes no commands now, empty when it does."""
        run, status = self._run, self.peers.status(module)
        if status is None:
            return f"module {module} has not been heard of yet: try again when it is there"
        behind = run.seq - self.peers.progress(module, run.name)
        if behind <= max(2, round(CAUGHT_UP_SECONDS * self.settings.rate)):
            return ""
        return f"module {module} is not caught up, {behind} ticks behind (it says: {status}): try again in a moment"

    def durable(self, command_id: str) -> None:
        """The command is on disk."""
        self._undurable.discard(command_id)

    def abandon(self, command_id: str) -> None:
        """The command could not be written: it never acts."""
        self._undurable.discard(command_id)
        self._run.give_back(command_id)

    def heard(self, message: Ack | Beat, now_ns: int) -> None:
        """Take note of a beat or an acknowledgement; one of a tick that was never sent is counted and dropped."""
        if isinstance(message, Ack) and message.run == self._run.name:
            if message.seq > self._run.seq:
                self.bad_frames += 1
                return
            self.timing.acknowledged(message.seq, now_ns)
        if isinstance(message, Beat):
            self._notice(message)
        self.peers.heard(message, now_ns)

    def _notice(self, beat: Beat) -> None:
        """A node that did not tell of an alarm before does so now."""
        new = beat.status.startswith(ALARM) and not self.peers.said(beat).startswith(ALARM)
        if new and len(self._alarming) < PEERS_MAX:
            self._alarming[beat.node] = beat.status

    def replay(self, request: ReplayRequest, wall: float) -> Replay | None:
        """The ticks after one that the asker has; None for another run than the present one."""
        if request.run not in {"", self._run.name}:
            return None
        return self._run.replay(request, self.settings.epoch, self.settings.rate, wall)

    def frames(self, request: FramesRequest) -> Frames | None:
        """The clock's results and events after a tick; None for another run than the present one."""
        return self._run.frames(request) if request.run == self._run.name else None

    # What time brings

    @property
    def waits_for_journal(self) -> bool:
        """True while a command of the next tick is not on disk yet: the tick must wait."""
        return any(command.id in self._undurable for command in self._run.pending.get(self._run.seq + 1, ()))

    @property
    def flat_out(self) -> bool:
        """True while ticks follow acknowledgements instead of deadlines."""
        return self._flat_out and not self.suspended and (self._mode == "running" or self._steps_left > 0)

    @property
    def caught_up(self) -> bool:
        """True when no module is more than one tick behind: in flat-out mode the next tick is due."""
        return not self._behind(FLAT_OUT_WINDOW_US)

    def tick(self, mono_ns: int, wall: float) -> list[Published]:
        """The next tick, and the results and events of the commands that the clock itself obeys in it.

        Args:
            mono_ns: monotonic time at which the tick is to leave.
            wall: Unix time of the same.
        """
        run = self._run
        run.seq += 1
        self.peers.elect(mono_ns)
        commands = tuple(run.pending.pop(run.seq, ()))
        obeyed: list[Published] = []
        for command in commands:
            if command.module == CLOCK_MODULE:
                obeyed += self._obey(command, wall)
        self._verdict.keep(applies=self._stops_when_late)
        dt_us = self._advance()
        self._verdict.find(self._held, self.peers, mono_ns, applies=self._stops_when_late)
        notices = self._alarms(wall)
        run.history.append(
            run.t_us, dt_us, self._mode, commands, speed_milli=self._speed.milli, flat_out=self._flat_out
        )
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
            published=self.peers.published(run.name),
            commands=list(commands),
        )
        published: list[Published] = [tick, *obeyed, *notices, *self._owed_notices]
        self._owed_notices = []
        if self._next_run is not None:
            published.extend(self._end_run(wall))
        return published

    def _advance(self) -> int:
        if self._verdict.late:
            self._held = list(self._verdict.late)
            return 0
        self._held = []
        moving = self._mode == "running" or self._steps_left > 0
        if not moving or self._next_run is not None or self.suspended:
            return 0
        window = WINDOW_US * max(self._speed.milli, 1000) // 1000
        self._held = self._behind(FLAT_OUT_WINDOW_US if self._flat_out else window)
        if self._held:
            if not self._flat_out and self._steps_left == 0:
                self._debt.owe(self._speed, 1)
            return 0
        if self._steps_left > 0:
            self._steps_left -= 1
            return FLAT_OUT_DT_US if self._flat_out else self._pace.advance(self._speed)
        if self._flat_out:
            return self._up_to_moment(FLAT_OUT_DT_US)
        dt_us = self._pace.advance(self._speed)
        return self._up_to_moment(dt_us + (self._debt.pay(dt_us) if self._policy == "catch_up" else 0))

    def _up_to_moment(self, dt_us: int) -> int:
        """The advance, cut short where the run is to pause."""
        if self._until_us is None or self._run.t_us + dt_us < self._until_us:
            return dt_us
        dt_us = self._until_us - self._run.t_us
        self._until_us = None
        self._mode = "paused"
        self._pace.restart()
        self._debt.forgive()
        return dt_us

    def missed(self, deadlines: int) -> None:
        """Deadlines have passed without a tick: under policy catch_up simulated time makes up for them."""
        if self._mode == "running" and not self._flat_out:
            self._debt.owe(self._speed, deadlines)

    @property
    def _stops_when_late(self) -> bool:
        return self._policy == "stop" and self._mode == "running"

    def _alarms(self, wall: float) -> list[Event]:
        """Nodes that publish nothing themselves have found something that must not be: one event for each."""
        told, self._alarming = self._alarming, {}
        return [self._alarm("node", f"{node}: {status}", wall) for node, status in told.items()]

    def _alarm(self, kind: str, text: str, wall: float) -> Event:
        event = Event(
            t=self._run.t_us / 1e6,
            seq=self._run.seq,
            run=self._run.name,
            wall=wall,
            module=CLOCK_MODULE,
            severity="alarm",
            kind=kind,
            text=text,
        )
        self._run.events.append(event)
        return event

    def _behind(self, limit_us: int) -> list[str]:
        run = self._run
        return [
            module
            for module in self.settings.modules
            if run.t_us - run.history.time_after(self.peers.progress(module, run.name)) >= limit_us
        ]

    # Runs

    def _begin(self, scenario: str, parameters: dict[str, Any]) -> Run:
        self._runs_begun += 1
        opening = Opening(
            run=f"{self.settings.epoch:04d}-{self._runs_begun:03d}",
            epoch=self.settings.epoch,
            number=self._runs_begun,
            scenario=scenario,
            parameters=parameters,
            mode=self._mode,
            speed_milli=self._speed.milli,
            flat_out=self._flat_out,
            policy=self._policy,
        )
        run = Run(opening)
        run.pending[1].append(begin_command(opening))
        return run

    def _end_run(self, wall: float) -> list[Published]:
        """Leave the present run; commands that were to act later in it are answered, not forgotten."""
        if self._next_run is None:
            return []
        scenario, parameters, mode = self._next_run
        results = self._answer_left(wall)
        self._next_run = None
        self._mode = mode
        self._steps_left = 0
        self._until_us = None
        self._pace.restart()
        self._debt.forgive()
        self._run = self._begin(scenario, parameters)
        self._verdict.keep(applies=False)
        return results

    def _answer_left(self, wall: float) -> list[Published]:
        left = [command for _seq, waiting in sorted(self._run.pending.items()) for command in waiting]
        reason = f"run {self._run.name} ended before it acted: send it again"
        return [self._result(command, wall, reason=reason) for command in left]

    def _recover(self, recovered: Recovered, wall: float) -> None:
        """Fold the ticks that were sent, as they were sent, and take up what waits."""
        opening = recovered.opening
        self._run = run = Run(opening)
        self._mode, self._flat_out, self._policy = opening.mode, opening.flat_out, opening.policy
        self._speed = Speed(opening.speed_milli)
        for stretch, commands in recovered.ticks():
            run.seq = stretch.first
            for command in commands:
                if command.module == CLOCK_MODULE:
                    self._obey(command, wall)
            self._follow(stretch, commands)
        for seq, command in recovered.waiting():
            run.pending[seq].append(command)
            if command.name == STOP_LATE:
                self._verdict.late = tuple(command.args["late"])
        run.order = max(run.pending, default=0)

    def _follow(self, stretch: Stretch, commands: tuple[Command, ...]) -> None:
        run = self._run
        if self._mode != "running" and self._steps_left > 0:
            self._steps_left = max(0, self._steps_left - (stretch.count if stretch.dt_us else 0))
        run.history.append(
            run.t_us,
            stretch.dt_us,
            stretch.mode,
            commands,
            speed_milli=stretch.speed_milli,
            flat_out=stretch.flat_out,
            count=stretch.count,
        )
        run.t_us += stretch.count * stretch.dt_us
        run.seq = stretch.first + stretch.count - 1
        self._mode = stretch.mode  # a moment that is reached changes it without a command
        if self._until_us is not None and (self._mode != "running" or run.t_us >= self._until_us):
            self._until_us = None

    # Commands that the clock obeys

    def _obey(self, command: Command, wall: float) -> list[Published]:
        events: list[Published] = []
        try:
            order = read_order(command.name, command.args)
            match order:
                case Acknowledge(alarm=alarm):
                    applied: dict[str, Any] = {"alarm": alarm}
                case RunUntil(t_us=t_us):
                    applied = self._run_until(t_us)
                case StopLate(late=late):
                    applied = self._carry_out(order)
                    events = [self._alarm("policy", self._why_stopped(late), wall)]
                case _:
                    applied = self._carry_out(order)
        except OrderError as error:
            return [self._result(command, wall, reason=str(error), violations=error.violations)]
        return [*events, self._result(command, wall, applied=applied)]

    def _why_stopped(self, late: tuple[str, ...]) -> str:
        t = self._run.t_us / 1e6
        return f"the run is stopped at t = {t:g} s: {', '.join(late)} is late and the policy is stop"

    def _carry_out(self, order: PlainOrder) -> dict[str, Any]:
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
            case StopLate():
                if not self._stops_when_late:
                    raise OrderError(f"the run is {self._mode}, the policy {self._policy}: there is nothing to stop")
                self._mode = "stopped"
            case Step(ticks=ticks):
                if self._mode == "running":
                    raise OrderError("the run is running: pause it first")
                self._steps_left += ticks
                return {"mode": self._mode, "ticks": self._steps_left}
            case SetSpeed(speed=speed, flat_out=flat_out):
                self._speed = speed or self._speed
                self._flat_out = flat_out
                self._pace.restart()
                self._debt.forgive()
                return {"speed": self._speed.factor, "flat_out": self._flat_out}
            case SetPolicy(policy=policy):
                self._policy = policy
                self._debt.forgive()
                return {"policy": policy}
            case Reset(scenario=scenario, parameters=parameters):
                scenario = scenario or self._run.scenario
                self._next_run = (scenario, parameters, "stopped")
                return {"mode": "stopped", "scenario": scenario}
        self._steps_left = 0
        self._until_us = None
        self._debt.forgive()
        return {"mode": self._mode}

    def _run_until(self, t_us: int) -> dict[str, Any]:
        now = self._run.t_us / 1e6
        if t_us <= self._run.t_us:
            reason = f"it is {now:g} s already: name a later time, or reset"
            raise OrderError(f"t: {reason}", (Violation(field="t", limit=f"above {now:g} s", reason=reason),))
        self._until_us = t_us
        self._mode = "running"
        self._steps_left = 0
        return {"mode": "running", "until": t_us / 1e6}

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
        result = Result(
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
        self._run.results.append(result)
        return result

    # What it says of itself

    @property
    def opening(self) -> Opening:
        """How the present run began."""
        return self._run.opening

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
            policy=self._policy,
            held=list(self._held),
            held_time=self.timing.held_ns / 1e9,
            owed_time=self._debt.owed_us / 1e6 if self._policy == "catch_up" else 0.0,
            problems=[self.suspended] if self.suspended else [],
            realtime_priority=realtime_priority,
            scenario=self._run.scenario,
            peers=self.peers.table(now_ns),
        )
