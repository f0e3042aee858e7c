"""What was published is computed again for whoever missed it, however questions and the clock's answers cross."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.ordered.tick_history import TickHistory
from bus.ordered.tick_span import TickSpan, to_wire
from bus.protocol.codec import decode, encode
from bus.protocol.messages import Command, Frames, FramesRequest, Refused, Replay, ReplayRequest, Result, State
from catalog.scenarios import Scenarios
from kpp_physics.parameters import Parameters
from kpp_physics.scenario import ScenarioError, ScenarioProblem
from nodes.physics.replica.fold import Fold, Identity
from nodes.physics.replica.recomputation import ASKERS, Recomputation, RecomputedAnswer
from nodes.physics.replica.ring import PackedFrames
from nodes.physics.replica.saved import Saved

SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"
RUN = "0001-001"
IDENTITY = Identity("m1", "a")
TICKS = 60
DT_US = 10_000
SAVED_AT = (0, 20, 45)


def command(seq: int) -> list[Command]:
    if seq == 1:
        args = {"scenario": "reference", "parameters": {}}
        return [Command(id="begin", module="*", name="begin", args=args, origin="test")]
    if seq % 7:
        return []
    changed = {"drag_area": 0.1 + seq / 1000}
    return [Command(id=f"c{seq}", module="m1", name="set_parameters", args=changed, origin="test")]


def read_scenario(_run: str, name: str) -> Parameters:
    return Scenarios(SCENARIOS).read(name)


@cache
def published() -> tuple[TickHistory, dict[int, tuple[str, list[str]]], list[Saved]]:
    """The run once: its ticks, what each brought (the state's digest, the ids of results), and snapshots."""
    history, brought, saved = TickHistory(), {}, []
    fold = Fold(IDENTITY, RUN, read_scenario)
    for seq in range(1, TICKS + 1):
        history.append(TickSpan(seq, 1, fold.t_us, DT_US, "running", tuple(command(seq))))
        messages = fold.tick(command(seq), DT_US, 0.0, shown=True)
        (digest,) = (message.digest for message in messages if isinstance(message, State))
        brought[seq] = (digest, [message.id for message in messages if isinstance(message, Result)])
        kept = fold.save() if seq in SAVED_AT else None
        if kept is not None:
            saved.append(kept)
    return history, brought, saved


def find(_run: str, seq: int) -> Iterator[Saved]:
    return (saved for saved in reversed(published()[2]) if saved.seq <= seq)


def nothing_saved(_run: str, _seq: int) -> Iterator[Saved]:
    return iter(())


def replay(request: ReplayRequest) -> Replay:
    spans = list(map(to_wire, published()[0].after(request.after)[:3]))
    return Replay(run=request.run, spans=spans, last=TICKS, epoch=1, rate=100, wall=0.0, ended=True)


def check(answer: RecomputedAnswer, asked: dict[tuple[bytes, ...], FramesRequest]) -> None:
    assert isinstance(answer.reply, PackedFrames)
    frames: Frames = decode(encode(answer.reply), Frames)
    for asker in answer.askers:
        assert asked.pop(asker).after == frames.after
    brought = published()[1]
    seqs = range(frames.after + 1, frames.through + 1)
    assert [(state.seq, state.digest) for state in frames.states] == [(seq, brought[seq][0]) for seq in seqs]
    assert [result.id for result in frames.results] == [each for seq in seqs for each in brought[seq][1]]


STEPS = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from("ABC"), st.sampled_from((0, 5, 19, 30, 50, TICKS - 1))),
    st.tuples(st.just("clock answers"), st.integers(0, 4), st.booleans()),
    st.tuples(st.just("work"), st.integers(1, 3), st.none()),
)


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEPS, max_size=40), snapshots=st.booleans())
def test_whatever_crosses_every_asker_gets_what_was_published(
    steps: list[tuple[str, object, object]], snapshots: bool
) -> None:
    recomputation = Recomputation(IDENTITY, read_scenario, find if snapshots else nothing_saved)
    waiting: dict[tuple[bytes, ...], FramesRequest] = {}
    to_clock: list[ReplayRequest] = []

    def take(answer: RecomputedAnswer | None) -> None:
        if answer is not None:
            check(answer, waiting)

    def ask_clock() -> None:
        if recomputation.request is not None and recomputation.request not in to_clock:
            to_clock.append(recomputation.request)

    for kind, first, second in steps:
        match kind, first, second:
            case "ask", str(name), int(after):
                request = FramesRequest(run=RUN, after=after)
                waiting[(name.encode(),)] = request
                recomputation.ask((name.encode(),), request)
            case "clock answers", int(which), bool(again) if to_clock:
                request_of = to_clock[which % len(to_clock)]
                if not again:
                    to_clock.remove(request_of)
                take(recomputation.on_replay(replay(request_of)))
            case "work", int(times), _:
                for _ in range(times):
                    take(recomputation.work())
        ask_clock()
    for _ in range(10 * TICKS):
        if recomputation.request is not None:
            take(recomputation.on_replay(replay(recomputation.request)))
        take(recomputation.work())
    assert waiting == {}, "nobody waits for ever"


def test_an_answer_to_an_earlier_question_leaves_no_command_out() -> None:
    recomputation = Recomputation(IDENTITY, read_scenario, nothing_saved)
    recomputation.ask((b"A",), FramesRequest(run=RUN, after=50))
    assert recomputation.request is not None
    recomputation.on_replay(replay(recomputation.request))
    while recomputation.busy:
        recomputation.work()
    late = recomputation.request
    assert late is not None
    assert late.after > 5
    recomputation.ask((b"A",), FramesRequest(run=RUN, after=5))
    assert recomputation.on_replay(replay(late)) is None
    assert recomputation.work() is None
    assert recomputation.request == ReplayRequest(run=RUN, after=0), "the beginning is asked for again"


def test_a_refusal_answers_only_the_question_about_its_run() -> None:
    recomputation = Recomputation(IDENTITY, read_scenario, nothing_saved)
    recomputation.ask((b"A",), FramesRequest(run=RUN, after=3))
    assert recomputation.on_replay(Refused(id="0001-009", field="run", reason="not on record")) is None
    answer = recomputation.on_replay(Refused(id=RUN, field="run", reason="its file is damaged"))
    assert answer is not None
    assert answer.askers == [(b"A",)]
    assert recomputation.request is None


def test_the_same_question_of_many_is_computed_once_and_too_many_are_dropped() -> None:
    recomputation = Recomputation(IDENTITY, read_scenario, nothing_saved)
    for number in range(ASKERS + 10):
        recomputation.ask((b"%d" % number,), FramesRequest(run=RUN, after=0))
    answers: list[RecomputedAnswer | None] = []
    for _ in range(TICKS):
        if recomputation.request is not None:
            recomputation.on_replay(replay(recomputation.request))
        answers.append(recomputation.work())
    (answer,) = (each for each in answers if each is not None)
    assert len(answer.askers) == ASKERS


def test_askers_at_different_ticks_do_not_have_each_others_computed_anew() -> None:
    begun: list[str] = []

    def read(run: str, name: str) -> Parameters:
        begun.append(run)
        return read_scenario(run, name)

    recomputation = Recomputation(IDENTITY, read, nothing_saved)
    places: dict[tuple[bytes, ...], int] = {(b"A",): 0, (b"B",): 30}
    for _ in range(12 * TICKS):
        for asker, after in places.items():
            if after < TICKS:
                recomputation.ask(asker, FramesRequest(run=RUN, after=after))
        if recomputation.request is not None:
            recomputation.on_replay(replay(recomputation.request))
        answer = recomputation.work()
        if answer is not None:
            assert isinstance(answer.reply, PackedFrames)
            places |= dict.fromkeys(answer.askers, answer.reply.through)
    assert places == {(b"A",): TICKS, (b"B",): TICKS}
    assert len(begun) == len(places)


def test_a_run_that_cannot_be_computed_is_refused_to_everyone_who_asks() -> None:
    """Also to who asks later, when its fold has had its fault for long."""

    def read(_run: str, name: str) -> Parameters:
        raise ScenarioError(name, [ScenarioProblem(None, "scenario", None, "it is gone")])

    recomputation = Recomputation(IDENTITY, read, nothing_saved)
    for asker, after in ((b"A",), 0), ((b"B",), 20):
        recomputation.ask(asker, FramesRequest(run=RUN, after=after))
        if recomputation.request is not None:
            assert recomputation.on_replay(replay(recomputation.request)) is None
        answer = recomputation.work()
        assert answer is not None
        assert answer.askers == [asker]
        assert isinstance(answer.reply, Refused)
        assert "it is gone" in answer.reply.reason
        assert not recomputation.busy
