"""The clock as the sequencer: run modes, commands at their ticks, flow control."""

from collections.abc import Callable

import pytest

from bus.protocol.codec import MAX_TELEMETRY, encode
from bus.protocol.messages import Ack, Beat, CommandRequest, FramesRequest, Refused, Tick
from nodes.clock.clock_run import LEAD_TICKS
from tests.nodes.clock.conftest import PERIOD_NS, Bench


def test_a_fresh_run_begins_with_its_scenario_and_stands_still(bench: Bench) -> None:
    first = bench.tick()
    assert (first.seq, first.t, first.dt, first.mode, first.run) == (1, 0.0, 0.0, "stopped", "0007-001")
    assert [(command.module, command.name) for command in first.commands] == [("*", "begin")]
    assert first.commands[0].args == {"scenario": "reference", "parameters": {}}
    assert bench.tick(5).t == 0.0


def test_a_command_rides_in_the_tick_that_was_promised(bench: Bench) -> None:
    bench.tick(3)
    promised = bench.send("set_parameters", "m1", drag_area=0.4)
    assert promised.seq == 3 + LEAD_TICKS
    carrying = [tick.seq for tick in (bench.tick(), bench.tick(), bench.tick()) if tick.commands]
    assert carrying == [promised.seq]


def test_commands_act_in_the_order_of_their_acceptance(bench: Bench) -> None:
    bench.tick()
    for speed in (2.0, 3.0, 4.0):
        bench.send("set_speed", speed=speed)
    tick = bench.tick(LEAD_TICKS)
    assert [command.args["speed"] for command in tick.commands] == [2.0, 3.0, 4.0]
    assert tick.speed == 4.0


def test_time_goes_with_the_mode(bench: Bench) -> None:
    assert bench.apply("start").applied == {"mode": "running"}
    start = bench.ticks[-1]
    assert start.dt == pytest.approx(0.01)
    assert bench.tick(9).t == pytest.approx(0.1)
    bench.apply("pause")
    held = bench.ticks[-1]
    assert (held.mode, held.dt, bench.tick(50).t) == ("paused", 0.0, held.t)
    bench.apply("resume")
    assert bench.tick().t > held.t
    bench.apply("stop")
    assert bench.ticks[-1].mode == "stopped"


def test_a_run_until_pauses_exactly_there(bench: Bench) -> None:
    bench.apply("set_speed", speed=1.7)
    result = bench.apply("run_until", t=0.101)
    assert result.applied == {"mode": "running", "until": 0.101}
    tick = bench.tick(30)
    assert (tick.t, tick.mode, tick.dt) == (0.101, "paused", 0.0)
    refused = bench.apply("run_until", t=0.1)
    assert [violation.field for violation in refused.violations] == ["t"]
    bench.apply("run_until", t=5.0)
    bench.apply("pause")
    bench.apply("resume")
    assert bench.tick(1000).t > 5.0  # a pause by hand forgets the moment


@pytest.mark.parametrize("t", [None, True, "1", 0, -1, float("nan"), float("inf"), 2e9, 0.0005])
def test_a_moment_that_is_none_is_refused(bench: Bench, t: object) -> None:
    assert [violation.field for violation in bench.apply("run_until", t=t).violations] == ["t"]


def test_an_acknowledgement_is_passed_on(bench: Bench) -> None:
    assert bench.apply("acknowledge", alarm="m1.trip").applied == {"alarm": "m1.trip"}
    assert [violation.field for violation in bench.apply("acknowledge", alarm="a b").violations] == ["alarm"]


@pytest.mark.parametrize(
    ("before", "name", "says"),
    [
        ([], "pause", "start it first"),
        ([], "resume", "only a paused run"),
        ([], "stop", "stopped already"),
        (["start"], "start", "pause, stop or reset"),
        (["start"], "resume", "only a paused run"),
        (["start"], "step", "pause it first"),
        (["start", "pause"], "start", "resume or reset"),
        (["start", "pause"], "pause", "start it first"),
        ([], "dance", "it knows start, pause"),
    ],
)
def test_what_does_not_fit_the_mode_is_rejected_with_the_remedy(
    bench: Bench, before: list[str], name: str, says: str
) -> None:
    for command in before:
        bench.apply(command)
    mode = bench.ticks[-1].mode if bench.ticks else "stopped"
    result = bench.apply(name)
    assert result.outcome == "rejected"
    assert says in result.reason
    assert bench.ticks[-1].mode == mode


@pytest.mark.parametrize(
    ("name", "args", "field", "limit"),
    [
        ("set_speed", {"speed": 0.05}, "speed", "0.1 to 100"),
        ("set_speed", {"speed": 101}, "speed", "0.1 to 100"),
        ("set_speed", {"speed": "fast"}, "speed", "0.1 to 100"),
        ("set_speed", {"speed": True}, "speed", "0.1 to 100"),
        ("set_speed", {}, "speed", "0.1 to 100"),
        ("set_speed", {"flat_out": 1}, "flat_out", "true or false"),
        ("step", {"ticks": 0}, "ticks", "1 to 100000"),
        ("step", {"ticks": 1.5}, "ticks", "1 to 100000"),
        ("reset", {"scenario": 7}, "scenario", "64 characters"),
        ("reset", {"parameters": []}, "parameters", "a map"),
        ("start", {"now": True}, "now", "none"),
    ],
)
def test_wrong_arguments_are_rejected_by_field_and_limit(
    bench: Bench, name: str, args: dict[str, object], field: str, limit: str
) -> None:
    result = bench.apply(name, **args)
    assert result.outcome == "rejected"
    assert [(each.field, each.limit) for each in result.violations] == [(field, limit)]
    assert bench.tick().speed == 1.0


def test_a_step_advances_so_many_ticks_and_no_more(bench: Bench) -> None:
    bench.apply("start")
    bench.apply("pause")
    before = bench.ticks[-1].t
    bench.apply("step", ticks=3)
    assert bench.tick(20).t == pytest.approx(before + 0.03)
    assert bench.ticks[-1].mode == "paused"


def test_simulated_time_waits_for_a_module_that_is_late_and_ticks_go_on(bench: Bench) -> None:
    bench.apply("start")
    acknowledged = bench.ticks[-1]
    last = bench.tick(100, acknowledge=False)
    assert last.held == ["m1"]
    assert last.dt == 0.0
    assert last.t == pytest.approx(acknowledged.t + 0.25)
    assert last.seq == acknowledged.seq + 100
    bench.acknowledge(last.seq)
    resumed = bench.tick()
    assert resumed.held == []
    assert resumed.t == pytest.approx(last.t + 0.01)
    assert bench.core.timing.holds == 1
    assert bench.core.timing.held_ns == pytest.approx(76 * 10_000_000, rel=0.05)


@pytest.fixture
def strict(bench: Bench) -> Bench:
    """A clock at 0.5 s of a run that ends when its module is late."""
    bench.apply("set_policy", policy="stop")
    bench.apply("start")
    bench.tick(50)
    return bench


def late(bench: Bench) -> Tick:
    """Tick without an acknowledgement until simulated time has to wait."""
    while not bench.tick(acknowledge=False).held:
        pass
    return bench.ticks[-1]


def test_policy_stop_ends_a_run_where_it_is_by_a_command_in_a_tick(strict: Bench) -> None:
    held = late(strict)
    strict.acknowledge(held.seq)  # it is there again at once, and the run ends all the same
    ticks = [strict.tick() for _ in range(5)]
    stop = next(tick for tick in ticks if tick.commands)
    assert [(each.name, each.origin, each.args) for each in stop.commands] == [("stop_late", "clock", {"late": ["m1"]})]
    assert {tick.t for tick in ticks} == {held.t}
    assert [tick.mode for tick in ticks] == ["running" if tick.seq < stop.seq else "stopped" for tick in ticks]
    assert [(event.seq, event.severity, event.kind, event.t) for event in strict.events] == [
        (stop.seq, "alarm", "policy", held.t)
    ]
    assert f"stopped at t = {held.t:g} s: m1 is late" in strict.events[0].text
    result = strict.results[-1]
    assert (result.id, result.outcome, result.applied) == (stop.commands[0].id, "applied", {"mode": "stopped"})
    frames = strict.core.frames(FramesRequest(run=stop.run, after=stop.seq - 1))
    assert frames is not None
    assert (frames.events, frames.results) == (strict.events, [result])


def test_a_run_under_policy_stop_that_is_started_again_goes_on_until_a_module_is_late_again(strict: Bench) -> None:
    late(strict)
    strict.tick(5)
    assert strict.apply("step", ticks=5).outcome == "applied"
    assert strict.apply("start").applied == {"mode": "running", "new_run": True}
    strict.tick(100)
    assert strict.ticks[-1].mode == "running"
    late(strict)
    strict.tick(5)
    assert [event.run for event in strict.events] == [strict.ticks[0].run, strict.ticks[-1].run]


@pytest.mark.parametrize(
    ("name", "args", "mode"), [("set_policy", {"policy": "hold"}, "running"), ("pause", {}, "paused")]
)
def test_a_verdict_falls_with_the_policy_and_with_the_run_mode(
    strict: Bench, name: str, args: dict[str, str], mode: str
) -> None:
    strict.send(name, **args)
    strict.acknowledge(0)
    strict.now_ns += PERIOD_NS
    held = strict.core.tick(strict.now_ns, 0.0)[0]
    strict.acknowledge(held.seq)
    strict.tick()  # the command acts before the clock could write down its own
    last = strict.tick(10)
    assert not any(each.name == "stop_late" for tick in strict.ticks for each in tick.commands)
    assert (last.mode, last.held, strict.events) == (mode, [], [])


def test_a_stop_that_has_lost_its_cause_is_rejected_with_the_reason(strict: Bench) -> None:
    strict.send("pause")
    strict.acknowledge(0)
    strict.tick(4)
    stop = next(result for result in strict.results if result.name == "stop_late")
    assert (stop.outcome, stop.reason) == ("rejected", "the run is paused, the policy stop: there is nothing to stop")
    assert strict.events == []


def test_a_stop_that_cannot_be_written_is_decided_again(strict: Bench) -> None:
    strict.acknowledge(0)
    strict.now_ns += 10_000_000
    held = strict.core.tick(strict.now_ns, 0.0)[0]
    strict.acknowledge(held.seq)
    first = strict.core.decide()
    assert first is not None
    assert strict.core.decide() is None
    strict.core.abandon(first[1].id)
    ticks = [strict.tick() for _ in range(4)]
    assert {tick.t for tick in ticks} == {held.t}
    assert [event.kind for event in strict.events] == ["policy"]
    assert ticks[-1].mode == "stopped"


def test_nobody_else_finds_a_module_late(bench: Bench) -> None:
    request = CommandRequest(id="x", module="clock", name="stop_late", args={"late": ["m1"]}, origin="clock")
    refused = bench.sequence(request)
    assert isinstance(refused, Refused)
    assert refused.field == "name"


def test_a_module_that_starts_over_holds_time_until_it_has_caught_up(bench: Bench) -> None:
    bench.apply("start")
    now = bench.tick(100)
    bench.acknowledge(0)
    assert bench.tick(acknowledge=False).held == ["m1"]
    bench.acknowledge(now.seq)
    assert bench.tick(acknowledge=False).held == []


def test_time_waits_for_the_slowest_of_several_modules(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(modules=("m1", "m2"))
    bench.tick()
    bench.send("start")
    last = bench.tick(100)
    assert last.held == ["m2"]
    assert last.t == pytest.approx(0.25)


def test_flat_out_keeps_one_tick_under_way_and_waits_for_acknowledgements(bench: Bench) -> None:
    bench.apply("set_speed", flat_out=True)
    bench.apply("start")
    assert bench.core.flat_out
    first = bench.ticks[-1]
    assert bench.core.caught_up
    second = bench.tick(acknowledge=False)
    assert second.t == pytest.approx(first.t + 0.5)
    assert bench.core.caught_up
    third = bench.tick(acknowledge=False)
    assert third.t == pytest.approx(second.t + 0.5)
    assert not bench.core.caught_up
    waiting = bench.tick(acknowledge=False)
    assert (waiting.t, waiting.held) == (third.t, ["m1"])
    bench.acknowledge(second.seq)
    assert bench.core.caught_up
    assert bench.tick(acknowledge=False).t > third.t


def test_start_after_stop_begins_a_new_run(bench: Bench) -> None:
    bench.apply("start")
    bench.tick(10)
    bench.apply("stop")
    ended = bench.ticks[-1].run
    assert bench.apply("start").applied == {"mode": "running", "new_run": True}
    fresh = bench.tick()
    assert (fresh.run, fresh.seq, fresh.mode) == ("0007-002", 1, "running")
    assert fresh.run != ended
    assert fresh.commands[0].args["scenario"] == "reference"


def test_reset_takes_scenario_and_parameters_into_the_new_run(bench: Bench) -> None:
    bench.apply("start")
    bench.tick(10)
    result = bench.apply("reset", scenario="ideal", parameters={"drag_area": 0.2})
    assert result.run == "0007-001"
    fresh = bench.tick()
    assert (fresh.run, fresh.t, fresh.mode) == ("0007-002", 0.0, "stopped")
    assert fresh.commands[0].args == {"scenario": "ideal", "parameters": {"drag_area": 0.2}}
    assert bench.core.status(0, 0.0, 0.0, False).scenario == "ideal"


def test_commands_that_a_reset_overtakes_are_answered(bench: Bench) -> None:
    bench.tick()
    bench.send("reset")
    bench.tick()
    late = bench.send("set_parameters", "m1", drag_area=0.4)
    bench.tick(3)
    answer = next(result for result in bench.results if result.id == late.id)
    assert (answer.outcome, answer.run) == ("rejected", late.run)
    assert "ended before it acted" in answer.reason


def test_a_tick_waits_for_the_journal_and_an_abandoned_command_never_acts(bench: Bench) -> None:
    request = CommandRequest(id="slow", module="m1", name="plant_stop", args={}, origin="test")
    assert not isinstance(bench.sequence(request), Refused)
    bench.tick(LEAD_TICKS - 1)
    assert bench.core.waits_for_journal
    bench.core.abandon("slow")
    assert not bench.core.waits_for_journal
    assert all(command.id != "slow" for command in bench.tick().commands)


@pytest.mark.parametrize(("module", "name"), [("m9", "plant_stop"), ("*", "plant_stop"), ("m1", "begin")])
def test_commands_to_nobody_are_refused(bench: Bench, module: str, name: str) -> None:
    refused = bench.sequence(CommandRequest(id="x", module=module, name=name, args={}, origin="test"))
    assert isinstance(refused, Refused)
    assert refused.field == "module"


def test_s08_an_emergency_stop_of_all_is_one_command_of_one_tick(bench: Bench) -> None:
    accepted = bench.sequence(CommandRequest(id="x", module="*", name="emergency_stop", args={}, origin="test"))
    assert isinstance(accepted, tuple)
    tick = bench.tick()
    while tick.seq < accepted[0].seq:
        tick = bench.tick()
    assert [(each.id, each.module, each.name) for each in tick.commands] == [("x", "*", "emergency_stop")]


def test_the_ticks_of_a_run_can_be_had_again(bench: Bench) -> None:
    bench.apply("start")
    bench.tick(40)
    bench.send("set_parameters", "m1", drag_area=0.4)
    bench.tick(40)
    replay = bench.replay(10)
    assert not isinstance(replay, Refused)
    again = [
        (span.first + k, round((span.t + (k + 1) * span.dt) * 1e6), span.commands if k == 0 else [])
        for span in replay.spans
        for k in range(span.count)
    ]
    assert again == [(tick.seq, round(tick.t * 1e6), tick.commands) for tick in bench.ticks[10:]]
    assert replay.last == bench.ticks[-1].seq


def test_the_leader_is_kept_while_it_lives_and_replaced_when_silent(bench: Bench) -> None:
    bench.acknowledge(0, instance="a")
    bench.acknowledge(0, instance="b")
    assert bench.core.peers.leaders() == {"m1": "a"}
    bench.now_ns += 3_000_000_000
    bench.acknowledge(0, instance="b")
    assert bench.core.peers.leaders() == {"m1": "b"}
    assert bench.core.peers.silent(bench.now_ns) == []
    assert bench.core.peers.silent(bench.now_ns + 3_000_000_000) == ["m1"]


def test_ticks_stay_within_what_receivers_accept_and_keep_the_order(bench: Bench) -> None:
    bench.tick()
    promised = [bench.send("set_parameters", "m1", text="x" * 4000, number=k).seq for k in range(600)]
    assert promised == sorted(promised)
    arrived: list[int] = []
    while len(arrived) < 600:
        tick = bench.tick()
        assert len(encode(tick)) <= MAX_TELEMETRY
        assert len(tick.commands) <= 256
        arrived += [command.args["number"] for command in tick.commands]
    assert arrived == list(range(600))
    at = 0
    while at < tick.seq:
        replay = bench.replay(at)
        assert not isinstance(replay, Refused)
        assert len(encode(replay)) <= MAX_TELEMETRY
        at = replay.spans[-1].first + replay.spans[-1].count - 1


def test_small_commands_go_on_to_the_next_tick_when_one_is_full(bench: Bench) -> None:
    bench.tick()
    promised = [bench.send("plant_stop", "m1").seq for _ in range(300)]
    assert [promised.count(seq) for seq in sorted(set(promised))] == [256, 44]


def test_a_flood_of_strangers_neither_grows_the_report_nor_hides_the_module(bench: Bench) -> None:
    bench.tick()
    for k in range(2000):
        bench.now_ns += 1000
        bench.core.heard(Beat(node="stranger", instance=f"s{k}", pid=1, seq=0, status="x" * 200), bench.now_ns)
        bench.acknowledge(1)
    status = bench.core.status(bench.now_ns, 0.0, 0.0, False)
    assert len(encode(status)) <= MAX_TELEMETRY
    assert "m1" in {peer.node for peer in status.peers}


def test_s12_the_report_says_what_the_recorder_has_not_on_disk(bench: Bench) -> None:
    def unrecorded(node: str = "recorder", pid: int = 7, **lags: int) -> dict[str, int]:
        beat = Beat(node=node, instance=f"pid-{pid}", pid=pid, seq=0, status="ok", unrecorded=lags)
        bench.core.heard(beat, bench.now_ns)
        bench.now_ns += 1000
        return bench.core.status(bench.now_ns, 0.0, 0.0, False).unrecorded

    assert bench.core.status(bench.now_ns, 0.0, 0.0, False).unrecorded == {}
    assert unrecorded(clock=3, m1=900) == {"clock": 3, "m1": 900}
    assert unrecorded("gateway", 8, clock=1) == {"clock": 3, "m1": 900}, "nobody else records"
    assert unrecorded(pid=9, clock=5, m9=1) == {"clock": 5}, "the newest process; there is no m9"
    bench.now_ns += 60_000_000_000
    assert bench.core.status(bench.now_ns, 0.0, 0.0, False).unrecorded == {}, "it is not heard any more"


def test_s09_processes_of_two_hosts_may_have_one_number(bench: Bench) -> None:
    for host in ("here", "there"):
        beat = Beat(node="gateway", instance="pid-7", pid=7, seq=0, status=host, supervisor=host)
        bench.core.heard(beat, bench.now_ns)
    peers = [peer for peer in bench.core.peers.table(bench.now_ns) if peer.node == "gateway"]
    assert [(peer.supervisor, peer.status) for peer in peers] == [("here", "here"), ("there", "there")]


def test_an_acknowledgement_of_a_tick_that_was_never_sent_is_dropped(bench: Bench) -> None:
    bench.apply("start")
    bench.acknowledge(2**63 - 1)
    assert bench.core.bad_frames == 1
    assert bench.tick(100, acknowledge=False).held == ["m1"]


def test_a_module_that_has_loaded_is_no_silent_node_besides(bench: Bench) -> None:
    beat = Beat(node="physics", instance="pid-77", pid=77, seq=0, status="starting: loading the kernel")
    bench.core.heard(beat, bench.now_ns)
    assert "physics" in [peer.node for peer in bench.core.peers.table(bench.now_ns)]
    ack = Ack(module="m1", instance="a", pid=77, run=bench.core.run, seq=0, status="ok")
    bench.core.heard(ack, bench.now_ns)
    assert [peer.node for peer in bench.core.peers.table(bench.now_ns)] == ["m1"]
