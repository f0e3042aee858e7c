"""A checker that cannot fail proves nothing: one clean history by hand, and one for everything that can be wrong."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from bus.protocol.messages import Command, Event, Result, Tick
from tests.chaos.checker import Fault, check, summary, unheard
from tests.chaos.history import (
    Asked,
    Evidence,
    Journaled,
    Recording,
    Reference,
    Refused,
    Sequenced,
    Shown,
    Unanswered,
)

RUN = "0001-001"
NEXT = "0001-002"
TICKS = 20
BEGIN = Command(id=f"{RUN}.begin", module="*", name="begin", args={"scenario": "reference"}, origin="clock")


STOP = Command(id=f"{RUN}.late-15", module="clock", name="stop_late", args={"late": ["m1"]}, origin="clock")


def event(seq: int, text: str = "icing", module: str = "m1", kind: str = "warning") -> Event:
    return Event(t=seq / 100, seq=seq, run=RUN, wall=0.0, module=module, severity="warning", kind=kind, text=text)


def command(name: str, area: float = 0.4) -> Command:
    return Command(id=name, module="m1", name="set_parameters", args={"drag_area": area}, origin="chaos")


def tick(seq: int, *commands: Command) -> Tick:
    return Tick(
        t=seq / 100, seq=seq, run=RUN, wall=0.0, epoch=1, dt=0.01, mode="running", speed=1.0, flat_out=False, rate=100,
        held=[], mono_ns=0, leaders={}, published={}, commands=list(commands),
    )  # fmt: skip


def result(name: str, seq: int) -> Result:
    return Result(
        t=(seq - 1) / 100, seq=seq, run=RUN, wall=0.0, module="m1", id=name, name="set_parameters", outcome="applied",
        reason="", violations=[], applied={"drag_area": 0.4},
    )  # fmt: skip


def clean() -> Evidence:
    """Three commands: one answered, one answered twice, one that was not answered and acted; then policy stop."""
    acting = {1: BEGIN, 5: command("a"), 9: command("b"), 14: command("c"), 17: STOP}
    ticks = [tick(seq, *[acting[seq]] if seq in acting else []) for seq in range(1, TICKS + 1)]
    asked = [Asked(0.0, each.id, each.module, each.name, each.args) for each in list(acting.values())[1:4]]
    denied = Asked(0.0, "d", "m1", "set_parameters", {})
    return Evidence(
        client=[
            *asked,
            denied,
            Sequenced(0.1, "a", RUN, 5),
            Sequenced(0.2, "b", RUN, 9),
            asked[1],
            Sequenced(0.3, "b", RUN, 9),
            Unanswered(0.4, "c"),
            Refused(0.5, "d", "disk full"),
        ],
        journal=[Journaled(RUN, seq, each) for seq, each in acting.items() if each is not BEGIN],
        recording=Recording(
            ticks=ticks,
            states=[Shown(RUN, each.seq, each.t, f"{each.seq:016x}") for each in ticks[2:]],
            results=[result("a", 5), result("a", 5), result("b", 9)],
            events=[event(6), event(17, "m1 is late", "clock", "policy"), event(18, "disk", "clock", "node")],
        ),
        reference=Reference(
            digests={(RUN, each.seq): f"{each.seq:016x}" for each in ticks},
            results={"a": result("a", 5), "b": result("b", 9), "c": result("c", 14)},
            events=[event(6), event(TICKS)],
        ),
        end=(RUN, TICKS),
        lasts={RUN: TICKS + 3},
    )


def test_a_clean_history_has_no_findings() -> None:
    assert check(clean()) == []
    assert summary([]) == "nothing lost, doubled or different"
    assert unheard(clean()) == ["c"]


def lose_tick(evidence: Evidence) -> None:
    del evidence.recording.ticks[7]


def end_too_soon(evidence: Evidence) -> None:
    del evidence.recording.ticks[15:]
    del evidence.recording.states[13:]


def go_on_with_another_run(evidence: Evidence) -> None:
    """No violation by itself."""
    first = msgspec.structs.replace(tick(1), run=NEXT)
    evidence.recording.ticks.append(first)
    evidence.recording.events.append(event(TICKS))
    evidence.recording.states.append(Shown(NEXT, 1, first.t, "a" * 16))
    evidence.reference.digests[NEXT, 1] = "a" * 16
    evidence.lasts = {RUN: TICKS, NEXT: 1}
    evidence.end = (NEXT, 1)


def lose_the_end_of_a_run(evidence: Evidence) -> None:
    go_on_with_another_run(evidence)
    evidence.lasts[RUN] += 1


def lose_a_whole_run(evidence: Evidence) -> None:
    evidence.lasts["0001-000"] = 7


def end_a_run_untold(evidence: Evidence) -> None:
    go_on_with_another_run(evidence)
    evidence.client.append(Sequenced(0.9, "z", RUN, TICKS + 2))
    evidence.journal.append(Journaled(RUN, TICKS + 2, command("z")))


def lose_everything(evidence: Evidence) -> None:
    evidence.recording = Recording()


def double_tick(evidence: Evidence) -> None:
    evidence.recording.ticks.insert(7, evidence.recording.ticks[6])


def go_back(evidence: Evidence) -> None:
    evidence.recording.ticks.append(evidence.recording.ticks[3])


def lose_first_ticks_of_a_run(evidence: Evidence) -> None:
    evidence.recording.ticks += [msgspec.structs.replace(tick(2), run="0001-002")]


def zombie_clock(evidence: Evidence) -> None:
    ticks = evidence.recording.ticks
    ticks[:] = [msgspec.structs.replace(each, epoch=1 if each.seq == 12 else 2) for each in ticks]


def skip_time(evidence: Evidence) -> None:
    ticks = evidence.recording.ticks
    ticks[10] = msgspec.structs.replace(ticks[10], t=ticks[10].t + 0.001)


def split_a_step(evidence: Evidence) -> None:
    ticks = evidence.recording.ticks
    ticks[-1] = msgspec.structs.replace(ticks[-1], t=ticks[-2].t + 0.0105, dt=0.0105)


def lose_state(evidence: Evidence) -> None:
    del evidence.recording.states[4]


def lose_last_state(evidence: Evidence) -> None:
    del evidence.recording.states[-1]


def lose_every_state(evidence: Evidence) -> None:
    evidence.recording.states.clear()


def double_state(evidence: Evidence) -> None:
    evidence.recording.states.append(evidence.recording.states[4])


def change_state(evidence: Evidence) -> None:
    evidence.recording.states[4] = replace(evidence.recording.states[4], digest="f" * 16)


def invent_state(evidence: Evidence) -> None:
    evidence.recording.states.append(Shown(RUN, 99, 0.99, "f" * 16))


def date_state_wrong(evidence: Evidence) -> None:
    evidence.recording.states[4] = replace(evidence.recording.states[4], t=7.0)


def lose_command_from_journal(evidence: Evidence) -> None:
    del evidence.journal[0]


def lose_command_from_tick(evidence: Evidence) -> None:
    evidence.recording.ticks[4].commands.clear()


def lose_unanswered_command_from_tick(evidence: Evidence) -> None:
    evidence.recording.ticks[13].commands.clear()


def double_command(evidence: Evidence) -> None:
    evidence.recording.ticks[15].commands.append(command("a"))


def double_command_in_one_tick(evidence: Evidence) -> None:
    evidence.recording.ticks[4].commands.append(command("a"))


def double_row(evidence: Evidence) -> None:
    evidence.journal.append(evidence.journal[0])


def move_command(evidence: Evidence) -> None:
    evidence.recording.ticks[5].commands.append(evidence.recording.ticks[4].commands.pop())


def change_command(evidence: Evidence) -> None:
    evidence.recording.ticks[4].commands[0] = command("a", 0.7)
    evidence.journal[0] = Journaled(RUN, 5, command("a", 0.7))


def promise_twice(evidence: Evidence) -> None:
    evidence.client.append(Sequenced(0.9, "a", RUN, 6))


def act_though_refused(evidence: Evidence) -> None:
    evidence.recording.ticks[15].commands.append(command("d"))
    evidence.journal.append(Journaled(RUN, 16, command("d")))


def act_unasked(evidence: Evidence) -> None:
    evidence.recording.ticks[15].commands.append(command("x"))
    evidence.journal.append(Journaled(RUN, 16, command("x")))


def act_unwritten(evidence: Evidence) -> None:
    del evidence.journal[2]


def tell_two_results(evidence: Evidence) -> None:
    evidence.recording.results[1] = msgspec.structs.replace(result("a", 5), outcome="rejected")


def tell_another_result(evidence: Evidence) -> None:
    evidence.recording.results[2] = msgspec.structs.replace(result("b", 9), applied={})


def lose_event(evidence: Evidence) -> None:
    del evidence.recording.events[0]


def lose_event_of_the_clock(evidence: Evidence) -> None:
    del evidence.recording.events[1]


def double_event(evidence: Evidence) -> None:
    evidence.recording.events.append(event(6))


def double_event_of_the_clock(evidence: Evidence) -> None:
    evidence.recording.events.append(event(17, "m1 is late", "clock", "policy"))


def change_event(evidence: Evidence) -> None:
    evidence.recording.events.append(event(6, "no icing"))


def stop_without_a_command(evidence: Evidence) -> None:
    evidence.recording.ticks[16].commands.clear()
    evidence.journal.pop()


def record_not(evidence: Evidence) -> None:
    evidence.recorded = {place: digest for place, digest in evidence.reference.digests.items() if place[1] != 7}


def record_another_state(evidence: Evidence) -> None:
    evidence.recorded = {**evidence.reference.digests, (RUN, 7): "0" * 16}


VIOLATIONS: list[tuple[Callable[[Evidence], None], Fault]] = [
    (lose_tick, "lost"),
    (end_too_soon, "lost"),
    (lose_the_end_of_a_run, "lost"),
    (lose_a_whole_run, "lost"),
    (end_a_run_untold, "lost"),
    (lose_everything, "lost"),
    (double_tick, "doubled"),
    (go_back, "doubled"),
    (lose_first_ticks_of_a_run, "lost"),
    (zombie_clock, "different"),
    (skip_time, "different"),
    (split_a_step, "different"),
    (lose_state, "lost"),
    (lose_last_state, "lost"),
    (lose_every_state, "lost"),
    (double_state, "doubled"),
    (change_state, "different"),
    (invent_state, "different"),
    (date_state_wrong, "different"),
    (lose_command_from_journal, "lost"),
    (lose_command_from_tick, "lost"),
    (lose_unanswered_command_from_tick, "lost"),
    (double_command, "doubled"),
    (double_command_in_one_tick, "doubled"),
    (double_row, "doubled"),
    (move_command, "lost"),
    (change_command, "different"),
    (promise_twice, "different"),
    (act_though_refused, "different"),
    (act_unasked, "different"),
    (act_unwritten, "different"),
    (tell_two_results, "different"),
    (tell_another_result, "different"),
    (lose_event, "lost"),
    (lose_event_of_the_clock, "lost"),
    (double_event, "doubled"),
    (double_event_of_the_clock, "doubled"),
    (change_event, "different"),
    (stop_without_a_command, "different"),
    (record_not, "lost"),
    (record_another_state, "different"),
]


def test_a_second_run_is_no_violation() -> None:
    evidence = clean()
    go_on_with_another_run(evidence)
    assert check(evidence) == []


def test_a_write_that_failed_and_is_on_disk_all_the_same_is_no_loss() -> None:
    evidence = clean()
    evidence.journal.append(Journaled(RUN, 16, command("d")))
    assert check(evidence) == []


def test_what_came_after_the_end_is_not_compared() -> None:
    recording = clean().recording.until(RUN, 10)
    assert (len(recording.ticks), len(recording.states), len(recording.results), len(recording.events)) == (10, 8, 3, 1)


def test_a_stop_that_was_rejected_needs_no_event() -> None:
    evidence = clean()
    evidence.recording.events = [event(6)]
    evidence.recording.results.append(msgspec.structs.replace(result(STOP.id, 17), outcome="rejected"))
    assert check(evidence) == []


@pytest.mark.parametrize(("spoil", "fault"), VIOLATIONS, ids=[spoil.__name__ for spoil, _ in VIOLATIONS])
def test_each_violation_is_found(spoil: Callable[[Evidence], None], fault: Fault) -> None:
    evidence = clean()
    spoil(evidence)
    findings = check(evidence)
    assert fault in {finding.fault for finding in findings}, summary(findings)
