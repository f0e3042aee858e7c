"""What commands and recorded ticks make of a run and its controls. Pure.

A clock that ticks and a reader of an ended run get the same results, since both use this module.
"""

from typing import Any

from bus.ordered.tick_span import TickSpan
from bus.protocol.messages import (
    CLOCK_MODULE,
    NODE_ALARM,
    STOPPED_LATE,
    Command,
    Event,
    Published,
    Result,
    Violation,
)
from nodes.clock.clock_commands import Acknowledge, ClockCommandError, NoteAlarms, StopLate, read_command
from nodes.clock.clock_run import ClockRun
from nodes.clock.controls import Controls
from nodes.clock.recovered_run import RecoveredRun


def ended_run(recovered: RecoveredRun, rate: int, wall: float) -> ClockRun:
    """A run that has ended, with the results of its commands.

    Args:
        recovered: what its clock left behind.
        rate: ticks per second.
        wall: Unix time now, for results that are found again.
    """
    run = replayed(recovered, Controls(rate), wall)
    answer_left(run, wall)
    return run


def replayed(recovered: RecoveredRun, controls: Controls, wall: float) -> ClockRun:
    """Apply the ticks as they were sent, and put back the commands that wait; the controls follow."""
    run = ClockRun(recovered.header)
    controls.take_up(recovered.header)
    for span in recovered.spans():
        # A result names the tick at which its command acted, so the number is set first, as in a live tick.
        run.seq = span.first
        for command in span.commands:
            if command.module == CLOCK_MODULE:
                apply(run, controls, command, wall)
        _follow(run, controls, span)
    for seq, command in recovered.waiting():
        run.pending[seq].append(command)
    # No new command may get a tick before one that the clock before this one had promised already.
    run.order = max(run.pending, default=0)
    return run


def _follow(run: ClockRun, controls: Controls, span: TickSpan) -> None:
    # The record decides how far time went, not the controls: only the record knows whether a module was late then.
    run.history.append(span)
    run.t_us, run.seq = span.end_us, span.last
    controls.follow(span, run.t_us)


def apply(run: ClockRun, controls: Controls, command: Command, wall: float) -> list[Published]:
    """Carry out a command for the clock at the present tick; returns its result and the events that it causes."""
    try:
        # Read once more at its tick, although it was read when it was accepted: the record may be of another version,
        # which knew other commands.
        parsed = read_command(command.name, command.args)
        applied = controls.apply(parsed, run.scenario, run.t_us)
    except ClockCommandError as error:
        return [_result(run, command, wall, reason=str(error), violations=error.violations)]
    if isinstance(parsed, NoteAlarms):
        new = run.nodes.note(parsed.present, run.seq, run.t_us / 1e6)
        text = "; ".join(f"{alarm.module}: {alarm.text}" for alarm in new if alarm.priority == "high")
        # The event goes first: a listener that has a result which announces an event, but not the event, takes the
        # event for lost.
        result = _result(run, command, wall, applied={**applied, "alarming": bool(text)})
        return [_alarm(run, NODE_ALARM, text, wall), result] if text else [result]
    result = _result(run, command, wall, applied=applied)
    if isinstance(parsed, Acknowledge):
        run.nodes.acknowledge(parsed.alarm, run.t_us / 1e6, command.origin)
    if not isinstance(parsed, StopLate):
        return [result]
    late = ", ".join(parsed.late)
    text = f"the run is stopped at t = {run.t_us / 1e6:g} s: {late} is late and the policy is stop"
    return [_alarm(run, STOPPED_LATE, text, wall), result]


def answer_left(run: ClockRun, wall: float) -> list[Published]:
    """Reject the commands whose tick will not come, since every command that was accepted gets a result."""
    # In the order of their ticks, so a client that sent several gets its answers in order.
    left = [command for _seq, waiting in sorted(run.pending.items()) for command in waiting]
    reason = f"run {run.name} ended before it acted: send it again"
    return [_result(run, command, wall, reason=reason) for command in left]


def _alarm(run: ClockRun, kind: str, text: str, wall: float) -> Event:
    event = Event(
        t=run.t_us / 1e6,
        seq=run.seq,
        run=run.name,
        wall=wall,
        module=CLOCK_MODULE,
        severity="alarm",
        kind=kind,
        text=text,
    )
    run.events.append(event)
    return event


def _result(
    run: ClockRun,
    command: Command,
    wall: float,
    applied: dict[str, Any] | None = None,
    reason: str = "",
    violations: tuple[Violation, ...] = (),
) -> Result:
    result = Result(
        t=run.t_us / 1e6,
        seq=run.seq,
        run=run.name,
        wall=wall,
        module=CLOCK_MODULE,
        id=command.id,
        name=command.name,
        # A command that was applied and changes nothing has an empty map, which is not None.
        outcome="rejected" if applied is None else "applied",
        reason=reason,
        violations=list(violations),
        applied=applied or {},
    )
    run.results.append(result)
    return result
