"""The recording loop in virtual time: no message waits longer than a group may, and what comes again is compared."""

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.protocol import codec
from bus.protocol.endpoints import Endpoints
from bus.protocol.health import CONFLICTS, OK
from bus.protocol.messages import Published, State, Tick
from nodes.recorder import app as loop
from nodes.recorder.app import GROUP_WAIT, Shell
from nodes.recorder.hot_stores import Stores
from recording.hot import Batch, Conflict
from recording.retention import Limits
from recording.rows import run_rows
from recording.seal import Sealer
from tests.bus.samples import sample
from tests.nodes.recorder.test_rows import make_state

RUN = "0001-001"


class World:
    """A clock that moves only when somebody waits or works, and the messages that come by it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.coming: deque[tuple[float, Published]] = deque()
        self.came: dict[int, float] = {}
        """When each state was there to be received, by its tick."""
        self.heard: dict[int, float] = {}
        """When it was received."""
        self.cost = 0.0
        """What taking one message takes, in seconds."""
        self.starved = 0.0
        """How long it waits for a processor after each sleep."""
        self.worked = 0.0

    def monotonic(self) -> float:
        return self.now

    def thread_time(self) -> float:
        return self.worked

    def sleep(self, seconds: float) -> None:
        self.now += seconds + self.starved

    def wait(self, _sockets: object, timeout: float) -> None:
        self.now = min(self.now + timeout, max(self.now, self.coming[0][0] if self.coming else self.now + timeout))

    # A subscriber

    def receive(self) -> tuple[bytes, bytes] | None:
        if not self.coming or self.coming[0][0] > self.now:
            return None
        at, message = self.coming.popleft()
        self.now += self.cost
        self.worked += self.cost
        if isinstance(message, State):
            self.came[message.seq], self.heard[message.seq] = at, self.now
        return codec.encode_published(message)

    def renew(self) -> None:
        """As if."""


class TimedStores(Stores):
    """Real stores that note when each state was written, and take their time."""

    def __init__(self, root: Path, world: World) -> None:
        super().__init__(root, Limits(1 << 50, 0))
        self._world = world
        self.begun: dict[int, float] = {}
        self.takes = 0.0

    def write(self, batches: Mapping[str, Batch]) -> list[Conflict]:
        for batch in batches.values():
            self.begun |= {row.seq: self._world.now for row in batch.rows}
        self._world.now += self.takes
        return super().write(batches)


@pytest.fixture
def make_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A maker of loops without sockets."""
    made: list[Any] = []

    def make() -> tuple[Shell, World, TimedStores]:
        world = World()
        stores = TimedStores(tmp_path / f"recordings{len(made)}", world)
        beats = SimpleNamespace(beat=lambda *_: None, close=lambda: None)
        monkeypatch.setattr(loop, "time", world)
        monkeypatch.setattr(loop, "wait", world.wait)
        monkeypatch.setattr(loop, "Subscriber", lambda *_: world)
        monkeypatch.setattr(loop, "Heart", lambda *_: beats)
        monkeypatch.setattr(loop, "repairers", lambda *_: [])
        thread: Any = SimpleNamespace(problem="", damage=0)
        shell = Shell(Endpoints.from_environment({}), stores, thread, thread, structlog.get_logger())
        made.append(stores)
        return shell, world, stores

    yield make
    for stores in made:
        stores.close()


def tick(seq: int) -> Tick:
    """A tick of a running run."""
    fields = {"t": seq / 100, "dt": 0.01, "seq": seq, "run": RUN, "mode": "running", "epoch": 1, "commands": []}
    message: Tick = codec.build(Tick, sample(Tick) | fields)
    return message


def state(seq: int, **changed: Any) -> State:
    """The state of a tick."""
    return make_state(**{"seq": seq, "run": RUN, "t": seq / 100, "events": 0, "results": 0, **changed})


gaps = st.lists(st.one_of(st.just(0.0), st.floats(0.0, 0.002), st.floats(0.0, 0.1)), min_size=1, max_size=60)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gaps=gaps, cost=st.sampled_from([0.0, 1e-4, 2e-3]), takes=st.sampled_from([0.0, 0.03]))
def test_a_group_is_written_at_most_fifty_milliseconds_after_its_first_message(
    make_shell: Any, gaps: list[float], cost: float, takes: float
) -> None:
    shell, world, stores = make_shell()
    world.cost, stores.takes = cost, takes
    at = world.now
    for seq, gap in enumerate(gaps, 1):
        at += gap
        world.coming += [(at, tick(seq)), (at, state(seq))]
    while len(stores.begun) < len(gaps):
        before = world.now
        shell.turn()
        assert world.now > before or world.coming, "it waits for nothing"
    assert max(stores.begun[seq] - world.heard[seq] for seq in stores.begun) <= GROUP_WAIT + 2 * cost + 1e-9
    if not cost:  # what comes while a group is being written is heard when that is done
        assert max(stores.begun[seq] - world.came[seq] for seq in stores.begun) <= GROUP_WAIT + takes + 1e-9


def test_s12_a_loop_that_waits_for_a_processor_takes_many_messages_at_a_time(make_shell: Any) -> None:
    shell, world, stores = make_shell()
    world.cost, world.starved = 1e-4, 0.3
    for seq in range(1, 501):
        world.coming += [(world.now, tick(seq)), (world.now, state(seq))]
    turns = 0
    while len(stores.begun) < 500:
        shell.turn()
        turns += 1
    assert turns <= 20, "of a thousand messages"


def test_what_comes_again_is_compared_whether_hot_or_sealed_and_changes_nothing(
    make_shell: Any, tmp_path: Path
) -> None:
    shell, world, stores = make_shell()

    def hear(*messages: Published) -> None:
        world.coming.extend((world.now, message) for message in messages)
        for _ in range(10):
            shell.turn()

    hear(*(message for seq in range(1, 21) for message in (tick(seq), state(seq))))
    (folder,) = stores.folders()
    sealer = Sealer(folder)
    sealer.seal("m1", 1, 10)
    before = _rows(folder)
    assert len(before) == 20
    hear(*(state(seq, wall=9.0, instance="b") for seq in (3, 17)), tick(5))
    assert (shell.health, stores.counters.conflicts, stores.counters.repeated) == (OK, 0, 3)
    other = msgspec.structs.replace(state(3), digest="00000000deadbeef")
    wider = msgspec.structs.replace(state(4), floaters=msgspec.structs.replace(state(4).floaters, fill=[0.5] * 9))
    hear(other)
    assert shell.health == ("alarm", "1 conflicts, the first in the state of m1 at tick 3", CONFLICTS)
    hear(state(17, results=1), wider, msgspec.structs.replace(tick(5), speed=9.0))
    assert stores.counters.conflicts == 4
    hear(msgspec.structs.replace(tick(6), speed=9.0, epoch=0))  # of an outdated clock: not listened to
    assert stores.counters.conflicts == 4
    assert _rows(folder) == before
    sealer.close()


def _rows(folder: Any) -> list[Any]:
    return list(run_rows(folder, "m1"))


def test_other_threads_get_what_the_loop_published_and_nothing_that_it_changes(tmp_path: Path) -> None:
    stores = Stores(tmp_path, Limits(0, 0))
    stores.store("0001-001")
    before = stores.present
    stores.store("0001-002")
    assert (set(before), set(stores.present)) == ({"0001-001"}, {"0001-001", "0001-002"})
    stores.leave(frozenset({"0001-001"}))
    assert stores.present == {"0001-002"}
    stores.close()
    assert stores.present == frozenset()
