"""Policy `stop` with real processes: a run ends because its module is late, and who missed that can have it again."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from bus.protocol import codec
from bus.protocol.messages import STOP_LATE, Event, Frames, FramesRequest, Notes, NotesRequest, Published, Tick
from bus.transport.client import recorded
from bus.transport.listener import Listener
from bus.transport.sockets import Dealer
from tests.e2e.conftest import Plant, started
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """The plant of this file."""
    with started(tmp_path_factory.mktemp("policy")) as plant:
        yield plant


def hear(listener: Listener, until: type[Published], count: int = 1) -> list[Published]:
    """Messages until some of a type were among them."""
    heard: list[Published] = []
    while sum(isinstance(message, until) for message in heard) < count:
        message = listener.receive(120.0)
        assert message is not None, f"the stream goes on; heard {heard[-3:]}"
        heard.append(message)
    return heard


def clock_frames(plant: Plant, run: str, seq: int) -> Frames:
    """What the clock has of a tick and after it."""
    with Dealer(plant.endpoints.clock_control) as dealer:
        asked = codec.encode(FramesRequest(run=run, after=seq - 1))
        eventually(lambda: dealer.send(asked), 5, "the socket is connected")
        payload = dealer.receive(120.0)
    assert payload is not None
    reply = codec.decode_clock_reply(payload)
    assert isinstance(reply, Frames)
    return reply


def test_a_run_that_ends_for_a_late_module_says_so_in_a_tick_an_event_and_the_record(plant: Plant) -> None:
    assert plant.post("/v1/time/policy", {"policy": "stop"}).status_code == 200
    listener = Listener(plant.endpoints, ("tick", "event/clock/"))
    assert plant.post("/start").status_code == 200
    before = hear(listener, Tick, 100)[-1]
    os.kill(plant.pid("clock"), signal.SIGKILL)
    back = hear(listener, Tick, 300)
    assert not [message for message in back if isinstance(message, Event)], "only the clock was not there"
    ticks = [message for message in back if isinstance(message, Tick)]
    assert isinstance(before, Tick)
    assert ticks[-1].epoch > before.epoch
    assert ticks[-1].mode == "running"

    os.kill(plant.pid("physics"), signal.SIGSTOP)  # the watchdog ends it after two seconds
    event = hear(listener, Event)[-1]
    assert isinstance(event, Event)
    assert (event.kind, event.severity) == ("policy", "alarm")
    assert "m1 is late and the policy is stop" in event.text
    after = hear(listener, Tick, 100)
    listener.close()
    assert {(tick.mode, tick.t) for tick in after if isinstance(tick, Tick)} == {("stopped", event.t)}

    eventually(plant.healthy, 30, "the plant is healthy")
    os.kill(plant.pid("clock"), signal.SIGKILL)
    eventually(plant.healthy, 30, "the plant is healthy")
    again = clock_frames(plant, event.run, event.seq)
    assert [(each.seq, each.t, each.text) for each in again.events] == [(event.seq, event.t, event.text)]
    assert [(each.name, each.outcome) for each in again.results if each.seq == event.seq] == [(STOP_LATE, "applied")]

    def on_record() -> list[str]:
        notes = asyncio.run(recorded(plant.endpoints, NotesRequest(event.run, 0.0, event.t + 1.0, 0), Notes))
        return [each.text for each in notes.events if each.kind == "policy"]

    eventually(lambda: on_record() == [event.text], 10, "the recorder has it once")
