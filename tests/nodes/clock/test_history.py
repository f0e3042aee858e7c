"""The history of a run: small, complete, and fit for frames."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.ordered.tick_history import TickHistory
from bus.ordered.tick_span import TickSpan, to_wire
from bus.protocol.codec import MAX_TELEMETRY, encode
from bus.protocol.messages import Command, Mode, Replay

SPAN = st.tuples(
    st.integers(1, 30), st.sampled_from([0, 1000, 10_000]), st.sampled_from(["running", "paused"]), st.booleans()
)
SPANS = st.lists(SPAN, max_size=30)


def order(number: int, size: int = 1) -> Command:
    return Command(id=f"c{number}", module="m1", name="set_parameters", args={"x": "y" * size}, origin="test")


@settings(deadline=None)  # a busy machine is no fault
@given(appended=SPANS, after=st.integers(0, 900))
def test_whatever_was_appended_comes_back(appended: list[tuple[int, int, Mode, bool]], after: int) -> None:
    history = TickHistory()
    ticks: list[tuple[int, int, int, Mode, int]] = []
    t_us = 0
    for count, dt_us, mode, with_command in appended:
        for k in range(count):
            commands: tuple[Command, ...] = (order(len(ticks)),) if with_command and k == 0 else ()
            history.append(TickSpan(len(ticks) + 1, 1, t_us, dt_us, mode, commands))
            ticks.append((len(ticks) + 1, t_us, dt_us, mode, len(commands)))
            t_us += dt_us
            assert history.time_after(history.last) == t_us
    got: list[tuple[int, int, int, Mode, int]] = []
    at = after
    while spans := history.after(at):
        for span in spans:
            for k in range(span.count):
                start = span.t_us + k * span.dt_us
                acting = len(span.commands) if k == 0 else 0
                got.append((span.first + k, start, span.dt_us, span.mode, acting))
        at = got[-1][0]
    assert got == ticks[after:]


def test_an_hour_without_commands_is_one_span() -> None:
    history = TickHistory()
    for seq in range(360_000):
        history.append(TickSpan(seq + 1, 1, seq * 10_000, 10_000, "running", ()))
    assert len(history.after(0)) == 1
    assert history.time_after(360_000) == 3_600_000_000
    assert history.time_after(180_000) == 1_800_000_000


def test_a_block_of_large_commands_fits_a_frame() -> None:
    history = TickHistory()
    for seq in range(200):
        history.append(TickSpan(seq + 1, 1, 0, 0, "running", (order(seq, 4000),)))
    at = 0
    while spans := history.after(at):
        assert (
            len(encode(Replay(run="r", spans=list(map(to_wire, spans)), last=200, epoch=1, rate=100, wall=0.0)))
            <= MAX_TELEMETRY
        )
        at = spans[-1].first
    assert at == 200
