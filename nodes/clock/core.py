"""The clock's decisions, pure: commands in, ticks and results out. It never asks what time it is."""

from dataclasses import dataclass
from typing import Any

from bus.ordered.tick_log import RunHeader
from bus.ordered.tick_span import TickSpan
from bus.protocol.messages import (
    CLOCK_MODULE,
    NODE_ALARMS,
    STOP_LATE,
    Ack,
    Beat,
    Command,
    CommandRequest,
    Frames,
    FramesRequest,
    Mode,
    Prepared,
    Published,
    Refused,
    Replay,
    ReplayRequest,
    Sequenced,
    Status,
    Tick,
)
from nodes.clock.acceptance import Acceptance, another
from nodes.clock.clock_commands import ClockCommandError, read_command
from nodes.clock.clock_run import ClockRun
from nodes.clock.controls import BegunWith, Controls
from nodes.clock.lateness import Verdict
from nodes.clock.pace import FLAT_OUT_DT_US
from nodes.clock.peers import Peers
from nodes.clock.preparation import Instance, Preparation, Preparations
from nodes.clock.recovered_run import RecoveredRun, begin_command
from nodes.clock.run_reducer import answer_left, apply, replayed
from nodes.clock.timing import Timing

WINDOW_US = 250_000
"""How far simulated time may run ahead of the slowest module at speed 1, in microseconds; it grows with the speed."""

FLAT_OUT_WINDOW_US = FLAT_OUT_DT_US + 1
"""The same in flat-out mode: one tick is under way while the next is composed, so no module waits for the clock."""


Decision = tuple[Sequenced, Command] | Refused
"""What becomes of a request: a tick for its command, once that is on disk, or nothing at all."""


@dataclass(frozen=True)
class ClockSettings:
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

    def __init__(self, settings: ClockSettings, recovered: RecoveredRun | None = None, wall: float = 0.0) -> None:
        self.settings = settings
        self.peers = Peers(settings.modules)
        self.timing = Timing()
        self.bad_frames = 0
        self.suspended = ""
        """Why simulated time has to wait for something else than a module, empty when it has not."""
        self._runs_begun = 0
        self._controls = Controls(settings.rate)
        self._acceptance = Acceptance(settings.modules, settings.rate, self.peers)
        self._preparations = Preparations(settings.modules, settings.epoch)
        self._undurable: set[str] = set()
        self._held: list[str] = []
        self._verdict = Verdict()
        self._due_alarms: dict[str, Any] | None = None
        self._owed_notices: list[Published] = []
        if recovered is None:
            self._run = self._begin(settings.scenario, {})
        else:
            # Order: controls and history follow the record first; only then is it known whether a run was to begin
            # next.
            self._recover(recovered, wall)
            # The clock may have died between the last tick of a run and the first of the next.
            self._owed_notices = self._end_run(wall)

    @property
    def commands_waiting(self) -> int:
        """Commands that were accepted and whose tick has not come yet."""
        return sum(map(len, self._run.pending.values()))

    # What others ask

    def sequence(self, request: CommandRequest, now_ns: int) -> Decision | Preparation:
        """Give a new command its tick. It acts there after `durable` was called for it, and never after `abandon` was.

        A command that begins a run is prepared first: put its question to all who have not answered; see `prepared`.
        """
        # Refusals come before anything is remembered: a refused command leaves no trace and may be sent again.
        refused = self._acceptance.refuse(request, self._run, self.suspended)
        if refused is not None:
            return refused
        # A client that repeats its request joins the question that is under way; it does not cause a second one.
        under_way = self._preparations.find(request.id)
        if under_way is not None:
            return another(request, under_way.request) or under_way
        begun_with = self._begins(request)
        if begun_with is None:
            return self._accept(request)
        return self._preparations.ask(request, self._run.name, begun_with, self.peers.speaking(now_ns), now_ns)

    def _begins(self, request: CommandRequest) -> BegunWith | None:
        """What a run would begin with if the command begins one; None if it begins none."""
        if request.module != CLOCK_MODULE:
            return None
        try:
            parsed = read_command(request.name, request.args)
        except ClockCommandError:  # its tick answers it, as any command that cannot be applied
            return None
        run = self._run
        return self._controls.begins(parsed, run.scenario, run.t_us, waiting=run.waits_for_clock())

    def prepared(self, instance: Instance, reply: Prepared | Refused, now_ns: int) -> Decision | Preparation | None:
        """Take an instance's answer whether it can begin a run; None while others still have to answer."""
        found = self._preparations.answered(instance, reply)
        return None if found is None else self._begin_or_refuse(found, now_ns)

    def overdue(self, now_ns: int) -> list[Decision | Preparation]:
        """What becomes of commands for which modules took too long to answer."""
        return [self._begin_or_refuse(found, now_ns) for found in self._preparations.overdue(now_ns)]

    def _begin_or_refuse(self, found: Preparation | Refused, now_ns: int) -> Decision | Preparation:
        if isinstance(found, Refused):
            return found
        if found.run != self._run.name:
            # Another run has begun meanwhile, so the command may no longer begin with what the modules were asked.
            return self.sequence(found.request, now_ns)
        # Checked again: while modules were answering, one of them may have fallen behind, or the disk have filled up.
        return self._acceptance.refuse(found.request, self._run, self.suspended) or self._accept(found.request)

    def _accept(self, request: CommandRequest) -> tuple[Sequenced, Command]:
        return self._take(
            Command(id=request.id, module=request.module, name=request.name, args=request.args, origin=request.origin)
        )

    def decide(self) -> tuple[Sequenced, Command] | None:
        """A command that the clock gives itself, None if it has no cause; it has to be made durable like any other."""
        if self._due_alarms is not None and not self._run.waits(NODE_ALARMS):
            # Forgotten before it is journaled: if the write fails, the next report finds the same difference again.
            present, self._due_alarms = self._due_alarms, None
            command_id = f"{self._run.name}.nodes-{self._run.seq}"
            return self._take(Command(command_id, CLOCK_MODULE, NODE_ALARMS, present, origin=CLOCK_MODULE))
        if not self._verdict.late or self._run.waits(STOP_LATE):
            return None
        # The tick is part of the id, so a clock that dies here and decides once more does not repeat an old id.
        command_id, late = f"{self._run.name}.late-{self._run.seq}", list(self._verdict.late)
        return self._take(Command(command_id, CLOCK_MODULE, STOP_LATE, {"late": late}, origin=CLOCK_MODULE))

    def _take(self, command: Command) -> tuple[Sequenced, Command]:
        seq = self._run.room(command)
        # It has its place in the order now, before it is on disk: the next command gets a later place.
        # `waits_for_journal` holds the tick back until the disk has caught up.
        self._run.pending[seq].append(command)
        self._undurable.add(command.id)
        return Sequenced(id=command.id, run=self._run.name, seq=seq), command

    def durable(self, command_id: str) -> None:
        """Note that a command is on disk."""
        self._undurable.discard(command_id)

    def abandon(self, command_id: str) -> None:
        """Note that a command could not be written: it never acts."""
        self._undurable.discard(command_id)
        self._run.give_back(command_id)

    def heard(self, message: Ack | Beat, now_ns: int) -> None:
        """Take note of a beat or an acknowledgement; one of a tick that was never sent is counted and dropped."""
        if isinstance(message, Ack) and message.run == self._run.name:
            # Nobody can have worked off a tick that was not sent. Believed, the message would let simulated time run
            # ahead of the plant.
            if message.seq > self._run.seq:
                self.bad_frames += 1
                return
            self.timing.acknowledged(message.seq, now_ns)
        self.peers.heard(message, now_ns)

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
        return self._controls.flat_out and not self.suspended and self._controls.moving

    @property
    def caught_up(self) -> bool:
        """True when no module is more than one tick behind: in flat-out mode the next tick is due."""
        return not self._behind(FLAT_OUT_WINDOW_US)

    def tick(self, mono_ns: int, wall: float) -> list[Published]:
        """The next tick, and the results and events of the commands that the clock itself applies in it.

        Args:
            mono_ns: monotonic time at which the tick is to leave.
            wall: Unix time of the same.
        """
        run, controls = self._run, self._controls
        run.seq += 1
        # Leaders are named before commands act: the tick that carries a command also says who publishes its result.
        self.peers.elect(mono_ns)
        commands = tuple(run.pending.pop(run.seq, ()))
        answers: list[Published] = []
        for command in commands:
            if command.module == CLOCK_MODULE:
                # In the order of acceptance, and before time advances: the tick shows mode and speed as its commands
                # have left them.
                answers += apply(run, controls, command, wall)
        # A command of this very tick may have stopped the run or changed the policy; then the verdict is void.
        self._verdict.keep(applies=controls.stops_when_late)
        dt_us = self._advance()
        # After the advance, from the modules for which it waited; carried out by a command at least two ticks later.
        self._verdict.find(self._held, self.peers, mono_ns, applies=controls.stops_when_late)
        # A span has the time before its first tick, so the history is written before the time goes on.
        span = TickSpan(run.seq, 1, run.t_us, dt_us, controls.mode, commands, controls.speed.milli, controls.flat_out)
        run.history.append(span)
        run.t_us += dt_us
        self.timing.holding(bool(self._held), mono_ns)
        tick = Tick(
            t=run.t_us / 1e6,
            seq=run.seq,
            run=run.name,
            wall=wall,
            epoch=self.settings.epoch,
            dt=dt_us / 1e6,
            mode=controls.mode,
            speed=controls.speed.factor,
            flat_out=controls.flat_out,
            rate=self.settings.rate,
            held=self._held,
            mono_ns=mono_ns,
            leaders=self.peers.leaders(),
            published=self.peers.published(run.name),
            commands=list(commands),
        )
        # The tick goes first: a listener that hears a result first would have to ask for the tick to which it belongs.
        published: list[Published] = [tick, *answers, *self._owed_notices]
        self._owed_notices = []
        if controls.next_run is not None:
            # The last tick of a run is published in that run, followed by the rejections of commands that were to act
            # later. The next tick is number 1 of the new run.
            published.extend(self._end_run(wall))
        return published

    def _advance(self) -> int:
        if self._verdict.late:
            # Time stands still from the verdict to its tick, even if modules catch up meanwhile: the run ends at the
            # time at which it was found late.
            self._held = list(self._verdict.late)
            return 0
        self._held = []
        controls = self._controls
        if not controls.moving or controls.next_run is not None or self.suspended:
            return 0
        # At low speed the window stays as it is: it covers the latency of the bus, which is real time and not
        # simulated.
        window = WINDOW_US * max(controls.speed.milli, 1000) // 1000
        self._held = self._behind(FLAT_OUT_WINDOW_US if controls.flat_out else window)
        if self._held:
            # Under policy catch_up the time that is lost here goes into the backlog; otherwise it is simply later.
            controls.wait()
            return 0
        return controls.advance(self._run.t_us)

    def missed(self, deadlines: int) -> None:
        """Note deadlines that have passed without a tick: under policy catch_up simulated time makes up for them."""
        self._controls.missed(deadlines)

    def _behind(self, limit_us: int) -> list[str]:
        run = self._run
        return [
            module
            for module in self.settings.modules
            if run.t_us - run.history.time_after(self.peers.progress(module, run.name)) >= limit_us
        ]

    # Runs

    def _begin(self, scenario: str, parameters: dict[str, Any]) -> ClockRun:
        # Epoch and number name the run, and both only grow: no name comes again.
        self._runs_begun += 1
        # Mode, speed and policy carry over from the run before: a reset changes the plant, not how it is operated.
        header = RunHeader(
            run=f"{self.settings.epoch:04d}-{self._runs_begun:03d}",
            epoch=self.settings.epoch,
            number=self._runs_begun,
            scenario=scenario,
            parameters=parameters,
            mode=self._controls.mode,
            speed_milli=self._controls.speed.milli,
            flat_out=self._controls.flat_out,
            policy=self._controls.policy,
        )
        run = ClockRun(header)
        # The beginning rides in the first tick like any command, so modules need no other way to learn of a run.
        run.pending[1].append(begin_command(header))
        return run

    def _end_run(self, wall: float) -> list[Published]:
        """Leave the present run; commands that were to act later in it are answered, not forgotten."""
        if self._controls.next_run is None:
            return []
        scenario, parameters, mode = self._controls.next_run
        # Answered in the run for which they were accepted, while it is still the present one.
        results = answer_left(self._run, wall)
        self._controls.enter(mode)
        self._run = self._begin(scenario, parameters)
        # A module that was late in the old run is not late in the new one.
        self._verdict.keep(applies=False)
        return results

    def _recover(self, recovered: RecoveredRun, wall: float) -> None:
        """Continue a run at the tick after which the previous clock was killed."""
        self._run = replayed(recovered, self._controls, wall)
        for _seq, command in recovered.waiting():
            # The verdict was journaled as a command. Until its tick comes, time stands still as it did before.
            if command.name == STOP_LATE:
                self._verdict.late = tuple(command.args["late"])

    # What it says of itself

    @property
    def header(self) -> RunHeader:
        """How the present run began."""
        return self._run.header

    @property
    def run(self) -> str:
        """Id of the present run."""
        return self._run.name

    @property
    def mode(self) -> Mode:
        """Run mode."""
        return self._controls.mode

    @property
    def t_us(self) -> int:
        """Simulated time in microseconds."""
        return self._run.t_us

    def status(self, now_ns: int, wall: float, achieved_speed: float, realtime_priority: bool) -> Status:
        """Where the run is now; figures of timing are those of the last closed interval."""
        peers = self.peers.table(now_ns)
        self._due_alarms = self._run.nodes.change(peers, now_ns)
        return Status(
            t=self._run.t_us / 1e6,
            seq=self._run.seq,
            run=self._run.name,
            wall=wall,
            epoch=self.settings.epoch,
            mode=self._controls.mode,
            speed=self._controls.speed.factor,
            flat_out=self._controls.flat_out,
            achieved_speed=achieved_speed,
            rate=self.settings.rate,
            lateness=self.timing.lateness,
            frames_sent=self.timing.frames_sent,
            deadlines_missed=self.timing.deadlines_missed,
            bad_frames=self.bad_frames,
            policy=self._controls.policy,
            held=list(self._held),
            held_time=self.timing.held_ns / 1e9,
            owed_time=self._controls.backlog,
            problems=[self.suspended] if self.suspended else [],
            realtime_priority=realtime_priority,
            scenario=self._run.scenario,
            peers=peers,
            alarms=list(self._run.nodes.alarms),
            unrecorded=self.peers.unrecorded(now_ns),
        )
