"""Two modules with a hot standby each: whoever publishes, and dies, every state is recorded exactly once."""

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial

from bus.protocol.messages import RunsRequest, State, Status
from bus.transport.listener import Listener
from recording.record import Row
from recording.rows import run_rows
from tests.nodes.recorder.conftest import Plant, several, wait_for_state
from tests.watching import eventually

MODULES = ("m1", "m2")
WITHIN = 300.0


class Heard:
    """Digests of all that was published, by module and tick, and who leads."""

    def __init__(self, plant: Plant) -> None:
        self._listener = Listener(plant.endpoints, ("tick", "status", "state/"), whole=True)
        self.digests: dict[str, dict[int, str]] = {module: {} for module in MODULES}
        self.led: dict[str, set[str]] = {module: set() for module in MODULES}
        self.leader: dict[str, str] = {}
        self.keeping_up: set[tuple[str, str]] = set()

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Listen until a condition holds."""
        deadline = time.monotonic() + WITHIN
        while not condition():
            assert time.monotonic() < deadline, f"not within {WITHIN:g} s: {what}"
            message = self._listener.receive(1.0)
            if isinstance(message, State):
                known = self.digests[message.module].setdefault(message.seq, message.digest)
                assert known == message.digest
                self.leader[message.module] = message.instance
                self.led[message.module].add(message.instance)
            elif isinstance(message, Status):
                peers = [peer for peer in message.peers if peer.age < 1 and peer.health == "ok"]
                self.keeping_up = {(peer.node, peer.instance) for peer in peers if peer.seq + 3 >= message.seq}

    def led_by_another(self, module: str, instance: str) -> bool:
        """True once another instance publishes for a module."""
        return self.leader[module] != instance

    def keeps_up(self, module: str, instance: str) -> bool:
        """True while an instance folds the present ticks."""
        return (module, instance) in self.keeping_up

    def more(self, count: int) -> None:
        """Listen to some further states of each module."""
        wanted = {module: len(self.digests[module]) + count for module in MODULES}
        self.until(lambda: all(len(self.digests[each]) >= wanted[each] for each in MODULES), f"{count} states more")

    def close(self) -> None:
        """Listen no more."""
        assert self._listener.streams.lost == 0
        self._listener.close()


def test_two_modules_with_standbys_are_recorded_exactly_once_though_their_leaders_are_killed(
    make_plant: Callable[..., Plant],
) -> None:
    plant = make_plant(nodes=False, rate=50, **several(*MODULES, instances=2))
    plant.start("clock")
    instances = [(module, instance) for module in MODULES for instance in ("a", "b")]
    for module, instance in instances:
        plant.start("physics", "--module", module, "--instance", instance, name=f"{module}.{instance}")
    run = wait_for_state(plant).run
    plant.start("recorder")
    with closing(Heard(plant)) as heard:
        heard.until(lambda: set(instances) <= heard.keeping_up, "all instances fold")
        plant.command("start")
        heard.more(50)
        for module in (*MODULES, *MODULES):
            leader = heard.leader[module]
            plant.kill(f"{module}.{leader}")
            heard.until(partial(heard.led_by_another, module, leader), "the other instance publishes")
            heard.more(20)
            plant.start("physics", "--module", module, "--instance", leader, name=f"{module}.{leader}")
            heard.until(partial(heard.keeps_up, module, leader), "it folds again")
        plant.command("pause")
        heard.more(20)
        assert heard.led == {module: {"a", "b"} for module in MODULES}
        last = {module: max(heard.digests[module]) for module in MODULES}
        eventually(lambda: all(_rows(plant, run, each) >= last[each] for each in MODULES), 30.0, "all is recorded")
    assert plant.status() == "ok"
    plant.stop("recorder")
    for module in MODULES:
        rows = list(run_rows(plant.folder(run), module))
        assert [row.seq for row in rows if isinstance(row, Row)] == list(range(1, len(rows) + 1)), "lost or doubled"
        recorded = {row.seq: f"{row.digest:016x}" for row in rows if isinstance(row, Row)}
        assert {seq: recorded[seq] for seq in heard.digests[module]} == heard.digests[module]
        assert set(heard.digests[module]) == set(range(1, last[module] + 1))


def _rows(plant: Plant, run: str, module: str) -> int:
    runs = getattr(plant.ask(RunsRequest(before="")), "runs", [])
    return sum(each.last for found in runs if found.run == run for each in found.modules if each.module == module)
