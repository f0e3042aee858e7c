"""The fold: same ticks, same bytes - whether they come one by one, with gaps, or all again after a restart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bus.protocol.codec import Pair, decode_published, encode_published
from bus.protocol.health import OK
from bus.protocol.messages import (
    Command,
    Event,
    Mode,
    Published,
    Refused,
    Replay,
    ReplaySpan,
    Result,
    Snapshot,
    State,
    Tick,
)
from bus.protocol.state import PlantCondition, Plc
from bus.protocol.tags import IF_MATCH, parameters_tag
from catalog.scenarios import Scenarios
from kpp_physics.parameters import Parameters
from nodes.physics.core import PhysicsCore
from nodes.physics.replica.frame import changes

SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"
RUN = "0001-001"


def command(name: str, module: str = "m1", /, command_id: str = "", **args: Any) -> Command:
    return Command(id=command_id or name, module=module, name=name, args=args, origin="test")


BEGIN = command("begin", "*", scenario="reference", parameters={})


def tick(seq: int, dt: float = 0.0, t: float = 0.0, *commands: Command, run: str = RUN, epoch: int = 1) -> Tick:
    return Tick(
        t=t, seq=seq, run=run, wall=0.0, epoch=epoch, dt=dt, mode="running", speed=1.0, flat_out=False, rate=100,
        held=[], mono_ns=0, leaders={"m1": "a"}, published={}, commands=list(commands),
    )  # fmt: skip


def stream(count: int, dt: float = 0.05) -> list[Tick]:
    """A run of `count` ticks that begins with the reference scenario."""
    ticks = [tick(1, 0.0, 0.0, BEGIN)]
    ticks += [tick(seq, dt, round((seq - 1) * dt, 6)) for seq in range(2, count + 1)]
    return ticks


def spans(ticks: list[Tick], mode: Mode = "running") -> list[ReplaySpan]:
    return [
        ReplaySpan(
            first=each.seq,
            count=1,
            t=each.t - each.dt,
            dt=each.dt,
            mode=mode,
            speed=1.0,
            flat_out=False,
            commands=each.commands,
        )
        for each in ticks
    ]


@pytest.fixture
def make() -> Callable[[], PhysicsCore]:
    return lambda: PhysicsCore("m1", "a", read_scenario)


@pytest.fixture
def core(make: Callable[[], PhysicsCore]) -> PhysicsCore:
    return make()


def read_scenario(_run: str, name: str) -> Parameters:
    return Scenarios(SCENARIOS).read(name)


def replay(ticks: list[ReplaySpan], last: int, run: str = RUN) -> Replay:
    return Replay(run=run, spans=ticks, last=last, epoch=1, rate=100, wall=0.0)


def decoded(frames: list[Pair]) -> list[Published]:
    return [decode_published(*pair) for pair in frames]


def on_tick(core: PhysicsCore, each: Tick) -> list[Published]:
    return decoded(core.on_ticks([each]))


def fold(core: PhysicsCore, ticks: list[Tick]) -> list[Published]:
    return [message for each in ticks for message in on_tick(core, each)]


def work(core: PhysicsCore) -> list[Published]:
    """Fold all that was missed."""
    published: list[Published] = []
    while core.busy:
        published += decoded(core.work())
    return published


def states(messages: list[Published]) -> list[State]:
    return [message for message in messages if isinstance(message, State)]


def results(messages: list[Published]) -> list[Result]:
    return [message for message in messages if isinstance(message, Result)]


def test_every_tick_gives_one_state_that_a_stranger_can_decode(core: PhysicsCore) -> None:
    published = fold(core, stream(40))
    got = states(published)
    assert [state.seq for state in got] == list(range(1, 41))
    assert got[-1].t == pytest.approx(39 * 0.05)
    assert len(got[-1].floaters.position) == 66
    for message in published:
        assert decode_published(*encode_published(message)) == message


def test_the_controller_is_started_with_the_run(core: PhysicsCore) -> None:
    published = fold(core, stream(3))
    assert states(published)[-1].plc.state == "pressurising"
    assert [result.outcome for result in results(published)] == ["applied"]
    assert any(isinstance(message, Event) and message.kind == "plc_state" for message in published)


def test_a_repeated_or_older_tick_changes_nothing(core: PhysicsCore) -> None:
    ticks = stream(10)
    fold(core, ticks)
    digest = core.snapshot()
    assert fold(core, ticks[3:]) == []
    assert core.snapshot() == digest


def test_a_zombie_clock_is_ignored(core: PhysicsCore) -> None:
    fold(core, stream(5))
    assert on_tick(core, tick(6, 0.05, 0.25, epoch=2)) != []
    assert on_tick(core, tick(7, 0.05, 0.3, epoch=1)) == []


def test_a_gap_is_filled_by_replay_and_leads_to_the_same_bits(make: Callable[[], PhysicsCore]) -> None:
    ticks = stream(60)
    ticks[30] = tick(31, 0.05, 1.5, command("set_parameters", drag_area=0.3))
    whole, holed = make(), make()
    fold(whole, ticks)
    fold(holed, ticks[:20] + ticks[40:50])
    request = holed.request
    assert request is not None
    assert (request.run, request.after) == (RUN, 20)
    holed.on_replay(replay(spans(ticks[20:50]), 50))
    published = work(holed)
    assert [result.id for result in results(published)] == ["set_parameters"]
    published += fold(holed, ticks[50:])
    assert states(published)[-1].digest == states(fold(make(), ticks))[-1].digest
    assert holed.request is None


def test_a_restarted_node_folds_the_run_again_bit_for_bit(make: Callable[[], PhysicsCore]) -> None:
    """Long stretches come run-length coded and are folded in pieces."""
    ticks = stream(2000, 0.05)
    last = states(fold(make(), ticks))[-1]
    restarted = make()
    on_tick(restarted, ticks[-1])
    assert restarted.request is not None
    stretch = ReplaySpan(first=2, count=1999, t=0.0, dt=0.05, mode="running", speed=1.0, flat_out=False, commands=[])
    restarted.on_replay(replay([*spans(ticks[:1]), stretch], 2000))
    pieces = 0
    published: list[Published] = []
    while restarted.busy:
        pieces += 1
        published += decoded(restarted.work())
        assert restarted.seq <= 2000
    assert pieces > 10
    state = states(published)[-1]
    assert (state.digest, state.seq, state.t, state.ledger) == (last.digest, last.seq, last.t, last.ledger)


def test_ticks_in_one_or_many_pieces_lead_to_the_same_bits(make: Callable[[], PhysicsCore]) -> None:
    fine = states(fold(make(), [tick(1, 0.0, 0.0, BEGIN), *(tick(k + 2, 0.01, (k + 1) / 100) for k in range(100))]))
    coarse = states(fold(make(), [tick(1, 0.0, 0.0, BEGIN), tick(2, 1.0, 1.0)]))
    assert fine[-1].digest == coarse[-1].digest


def test_a_tick_folded_ahead_of_its_arrival_leads_to_the_same_bits(make: Callable[[], PhysicsCore]) -> None:
    """Right guesses, wrong guesses (a command, another step, a gap, a pause) and a new run."""
    ticks = stream(40)
    ticks[10] = tick(11, 0.05, 0.5, command("set_parameters", drag_area=0.3))
    ticks[20] = tick(21, 0.0, ticks[19].t)
    for k in range(21, 40):
        ticks[k] = tick(k + 1, 0.1, round(ticks[k - 1].t + 0.1, 6))
    plain, ahead = make(), make()
    expected, got = states(fold(plain, ticks)), []
    for number, each in enumerate(ticks):
        if number == 30:  # lost on the way: it comes as a replay
            assert on_tick(ahead, ticks[31]) == []
            ahead.on_replay(replay(spans(ticks[30:31]), 31))
            got += states(work(ahead))
        else:
            got += states(on_tick(ahead, each))
        ahead.prepare()
        ahead.prepare()
    assert got == expected
    begin = tick(1, 0.0, 0.0, BEGIN, run="0001-002")
    assert states(on_tick(ahead, begin))[0].digest == states(on_tick(make(), begin))[0].digest


def test_what_was_folded_ahead_is_not_shown(core: PhysicsCore) -> None:
    fold(core, stream(10))
    before = core.snapshot()
    core.prepare()
    assert core.snapshot() == before
    assert core.seq == 10


def test_parameters_act_at_their_tick(core: PhysicsCore) -> None:
    fold(core, stream(5))
    change = command("set_parameters", drag_area=0.3, speed_bandwidth=2.0)
    published = on_tick(core, tick(6, 0.05, 0.25, change))
    result = results(published)[0]
    assert (result.outcome, result.seq) == ("applied", 6)
    assert result.t == pytest.approx(0.2)
    assert result.applied == {"drag_area": 0.3, "speed_bandwidth": 2.0}
    snapshot = core.snapshot()
    assert isinstance(snapshot, Snapshot)
    assert snapshot.parameters["drag_area"] == 0.3


@pytest.mark.parametrize(
    ("args", "fields"),
    [
        ({"drag_area": 99.0}, ["drag_area"]),
        ({"drag_area": "big"}, ["drag_area"]),
        ({"no_such_thing": 1.0}, ["no_such_thing"]),
        ({"load_pressure": 500000.0}, ["unload_pressure"]),
        ({"floater_count": 64}, ["floater_count"]),
        ({"gravity": 9.8, "drag_area": -1.0}, ["drag_area"]),
    ],
)
def test_wrong_parameters_are_rejected_whole(core: PhysicsCore, args: dict[str, Any], fields: list[str]) -> None:
    fold(core, stream(5))
    before = core.snapshot()
    assert isinstance(before, Snapshot)
    result = results(on_tick(core, tick(6, 0.0, 0.2, command("set_parameters", **args))))[0]
    assert result.outcome == "rejected"
    assert [violation.field for violation in result.violations] == fields
    assert all(violation.reason for violation in result.violations)
    after = core.snapshot()
    assert isinstance(after, Snapshot)
    assert after.parameters == before.parameters


def test_what_the_plant_cannot_do_now_is_rejected_with_the_remedy(core: PhysicsCore) -> None:
    fold(core, stream(5))
    result = results(on_tick(core, tick(6, 0.0, 0.2, command("plant_reset"))))[0]
    assert result.outcome == "rejected"
    assert result.reason
    unknown = results(on_tick(core, tick(7, 0.0, 0.2, command("dance"))))[0]
    assert "use one of set_parameters, set_series, plant_start" in unknown.reason


def test_commands_for_others_are_left_alone(core: PhysicsCore) -> None:
    fold(core, stream(2))
    published = on_tick(core, tick(3, 0.0, 0.05, command("plant_stop", "m2"), command("pause", "clock")))
    assert results(published) == []


def test_an_unknown_scenario_is_a_fault_that_says_so_and_a_new_run_ends_it(core: PhysicsCore) -> None:
    published = on_tick(core, tick(1, 0.0, 0.0, command("begin", "*", scenario="nowhere", parameters={})))
    assert results(published)[0].outcome == "rejected"
    assert "there are as-claimed" in results(published)[0].reason
    assert states(published) == []
    assert on_tick(core, tick(2, 0.05, 0.05)) == []
    assert core.health.health == "fault"
    assert core.health.detail.startswith("scenario cannot be used")
    assert core.seq == 0, "a module that cannot compute acknowledges nothing"
    refused = core.snapshot()
    assert isinstance(refused, Refused)
    assert states(on_tick(core, tick(1, 0.0, 0.0, BEGIN, run="0001-002"))) != []
    assert core.health == OK


def test_a_new_run_starts_from_its_scenario(core: PhysicsCore) -> None:
    fold(core, stream(50))
    begin = command("begin", "*", scenario="small-compressor", parameters={"drag_area": 0.2})
    state = states(on_tick(core, tick(1, 0.0, 0.0, begin, run="0001-002")))[0]
    assert (state.t, state.scenario, state.run) == (0.0, "small-compressor", "0001-002")
    snapshot = core.snapshot()
    assert isinstance(snapshot, Snapshot)
    assert snapshot.parameters["drag_area"] == 0.2
    assert snapshot.parameters["generator_speed_setpoint"] == 62


def test_a_replay_of_an_ended_run_is_dropped(core: PhysicsCore) -> None:
    fold(core, stream(5))
    core.on_replay(replay(spans(stream(3)), 3, "0000-001"))
    core.on_replay(Refused(id="", field="run", reason="has ended"))
    assert not core.busy


def test_a_warning_is_told_once_while_its_numbers_change() -> None:
    header = {"t": 0.0, "seq": 1, "run": RUN, "wall": 0.0, "module": "m1"}

    def plc(*icing: PlantCondition) -> Plc:
        return Plc(
            state="running",
            speed_setpoint=1.0,
            speed_setpoint_rpm=1.0,
            injection_enabled=True,
            brake_set=False,
            trip=None,
            warnings=[],
            conditions=list(icing),
        )

    cold = PlantCondition("icing", "low", "icing", "icing: 270 K", 270.0, 273.15, "K")
    colder = PlantCondition("icing", "low", "icing", "icing: 269 K", 269.0, 273.15, "K")

    assert [event.text for event in changes(plc(), plc(cold), header)] == ["warning on: icing: 270 K"]
    assert changes(plc(cold), plc(colder), header) == []
    assert [event.text for event in changes(plc(colder), plc(), header)] == ["warning off: icing"]


@pytest.mark.parametrize("name", ["../secrets", "", "a" * 65, "no-such", "reference.toml"])
def test_only_scenarios_of_the_folder_are_read(name: str) -> None:
    with pytest.raises(ValueError, match="no such scenario"):
        Scenarios(SCENARIOS).read(name)


def test_a_base_is_followed_and_a_ring_of_bases_refused(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('base = "two"\n[parameters]\ndrag_area = 0.3\n')
    (tmp_path / "two.toml").write_text("[parameters]\ndrag_area = 0.2\nfill_fraction = 0.5\n")
    parameters = Scenarios(tmp_path).read("one")
    assert (parameters.drag_area, parameters.fill_fraction) == (0.3, 0.5)
    (tmp_path / "two.toml").write_text('base = "one"\n[parameters]\n')
    with pytest.raises(ValueError, match="the bases go round in a circle: one -> two -> one"):
        Scenarios(tmp_path).read("one")


def test_what_an_operator_changes_works_over_the_bus(core: PhysicsCore) -> None:
    """Dump load, load, speed set-point, torque, a pulse by hand and a time series, each in the state that follows."""
    fold(core, stream(4000))  # 200 s: running

    def after(seq: int, *commands: Command, ticks: int = 1) -> tuple[Result, State]:
        t = round((seq - 1) * 0.05, 6)
        sent = on_tick(core, tick(seq, 0.05, t, *commands))
        for more in range(seq + 1, seq + ticks):
            sent += on_tick(core, tick(more, 0.05, round((more - 1) * 0.05, 6)))
        result = next(each for each in sent if isinstance(each, Result))
        state = [each for each in sent if isinstance(each, State)][-1]
        assert result.outcome == "applied", result.reason
        return result, state

    _, state = after(4001, command("set_parameters", dump_load_power=5000, load_power=2000))
    assert state.grid.dump_load_power == 5000
    assert state.grid.exchange_power == pytest.approx(state.grid.net_power - 2000)
    _, state = after(4002, command("set_parameters", generator_speed_setpoint=90), ticks=400)
    assert state.drivetrain.shaft_speed_rpm == pytest.approx(90, rel=0.01)
    _, state = after(4402, command("set_parameters", injection_mode="manual"), ticks=100)
    pulses = state.valve.pulses
    _, state = after(4502, command("inject"), ticks=100)
    assert state.valve.pulses == pulses + 1
    _, state = after(4602, command("set_parameters", control_mode="torque", torque_setpoint=700), ticks=20)
    assert state.generator.torque == pytest.approx(700, rel=1e-3)
    ramp = {"time": [231.05, 232.05], "value": [50.0, 50.4]}
    result, state = after(4622, command("set_series", grid_frequency=ramp), ticks=10)
    assert result.applied == {"grid_frequency": ramp}
    assert state.grid.frequency == pytest.approx(50.0 + 0.4 * (state.t - 0.001 - 231.05), abs=1e-6)


def test_a_wrong_series_is_rejected_with_field_limit_and_reason(core: PhysicsCore) -> None:
    fold(core, stream(3))
    wrong = command("set_series", grid_frequency={"time": [0, 1], "value": [50, 80]})
    (result,) = [each for each in on_tick(core, tick(4, 0.05, 0.15, wrong)) if isinstance(each, Result)]
    assert result.outcome == "rejected"
    (violation,) = result.violations
    assert (violation.field, violation.limit) == ("series.grid_frequency.value[1]", "55")
    assert "the highest value allowed is 55 Hz" in violation.reason


def test_s18_of_changes_that_expect_the_same_values_one_acts(core: PhysicsCore) -> None:
    core.on_ticks([tick(1, 0.0, 0.0, BEGIN)])
    found = core.snapshot()
    assert isinstance(found, Snapshot)
    seen = parameters_tag(RUN, found.parameters)
    changes = [
        command("set_parameters", "m1", command_id=f"c{area}", drag_area=area, **{IF_MATCH: [seen]})
        for area in (0.31, 0.32)
    ]
    sent = [decode_published(*pair) for pair in core.on_ticks([tick(2, 0.05, 0.05, *changes)])]
    first, second = [each for each in sent if isinstance(each, Result)]
    assert (first.outcome, first.applied) == ("applied", {"drag_area": 0.31})
    assert (second.outcome, second.applied) == ("rejected", {})
    after = core.snapshot()
    assert isinstance(after, Snapshot)
    assert after.parameters["drag_area"] == 0.31
    assert [(each.field, each.limit) for each in second.violations] == [
        (IF_MATCH, parameters_tag(RUN, after.parameters))
    ]


@pytest.mark.parametrize(
    ("tags", "outcome"), [(["*"], "applied"), ([], "rejected"), ("x", "rejected"), ([1], "rejected")]
)
def test_s18_tags_are_a_list_of_texts(core: PhysicsCore, tags: Any, outcome: str) -> None:
    core.on_ticks([tick(1, 0.0, 0.0, BEGIN)])
    change = command("set_parameters", "m1", drag_area=0.31, **{IF_MATCH: tags})
    sent = [decode_published(*pair) for pair in core.on_ticks([tick(2, 0.05, 0.05, change)])]
    assert [each.outcome for each in sent if isinstance(each, Result)] == [outcome]
