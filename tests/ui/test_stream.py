"""Who is sent what: one frame for all who keep up, all it missed for one that lagged, nothing for a hidden page."""

import json
import threading
from typing import Any, cast

import pytest
from msgspec import structs

from bus.protocol.messages import Snapshot
from tests.ui.synthetic_plant import PARAMETERS, SyntheticPlant, end_old_run, free_endpoints
from ui.frames import DisplayFrame, unpack
from ui.page_stream import UNACKNOWLEDGED_MAX, PageStream, StreamHandler
from ui.shown_plant import ShownPlant


class Seen:
    """A page's end of the connection."""

    def __init__(self) -> None:
        self.frames: list[DisplayFrame] = []
        self.raw: list[bytes] = []
        self.texts: list[dict[str, Any]] = []

    def send(self, message: bytes | str) -> None:
        if isinstance(message, bytes):
            self.raw.append(message)
            self.frames.append(unpack(message))
        else:
            self.texts.append(json.loads(message))

    def write_message(self, message: str) -> None:
        self.send(message)

    def kinds(self) -> list[str]:
        return [text["type"] for text in self.texts]


class Room:
    """A stream with a plant that advances when told to."""

    def __init__(self) -> None:
        self.source = SyntheticPlant(free_endpoints())
        self.source.renew()
        self.plant = ShownPlant(("m1", "m2"), ())
        self.stream = PageStream(self.plant, threading.Lock(), {"type": "hello", "boot": "b"})
        self.now = 0.0

    def join(self, module: str = "m1") -> Seen:
        page = Seen()
        self.stream.join(cast(StreamHandler, page), module, ["reference"])
        return page

    def say(self, page: Seen, text: str) -> None:
        self.stream.said(cast(StreamHandler, page), text)

    def go(self, seconds: float = 0.05) -> None:
        """Advance the plant, then send."""
        for _ in range(round(seconds / 0.01)):
            self.now += 0.01
            self.source.seq += 1
            self.source.t = round(self.source.t + 0.01, 6)
            self.plant.hear(self.source.tick_message(0.01, []), self.now)
            self.plant.hear(self.source.state(), self.now)
            end_old_run(self.plant, self.now)
        self.stream.send()


@pytest.fixture
def room() -> Room:
    return Room()


def test_pages_that_keep_up_share_one_frame(room: Room) -> None:
    pages = [room.join(), room.join()]
    for count in range(1, 6):
        room.go()
        for page in pages:
            room.say(page, f"ack {count}")
    assert pages[0].raw == pages[1].raw
    assert [frame.samples.t.size for frame in pages[0].frames] == [1] * 5
    assert pages[0].kinds()[0] == "hello"


def test_a_page_that_lags_is_skipped_and_misses_nothing(room: Room) -> None:
    page = room.join()
    for _ in range(20):
        room.go()
    assert len(page.frames) == UNACKNOWLEDGED_MAX + 1
    room.say(page, f"ack {len(page.frames)}")
    room.go()
    numbers = [frame.samples.first + index for frame in page.frames for index in range(frame.samples.t.size)]
    assert numbers == list(range(21))


def test_a_hidden_page_gets_nothing_and_catches_up(room: Room) -> None:
    page = room.join()
    room.go()
    room.say(page, "hide")
    for _ in range(10):
        room.go()
    assert len(page.frames) == 1
    room.say(page, "show")
    room.go()
    assert page.frames[-1].samples.t.size == 11


def test_news_is_sent_when_there_is_some_and_not_again(room: Room) -> None:
    page = room.join()
    room.go()
    room.say(page, "ack 1")
    told = page.kinds().count("note")
    snapshot = Snapshot("m1", room.source.run, 1, 1.0, "reference", PARAMETERS, None)
    room.stream.geometry(snapshot)
    room.stream.send()
    room.stream.send()
    assert page.kinds().count("geometry") == 1
    assert page.kinds().count("note") == told
    room.say(page, "ack 3")
    room.stream.forget_geometry("m1")
    room.stream.send()
    assert page.texts[-1] == {"type": "geometry", "run": "", "seq": 0, "parameters": None}


def test_a_new_run_is_sent_from_its_beginning(room: Room) -> None:
    page = room.join()
    room.go(0.5)
    room.say(page, "ack 1")
    run = page.frames[-1].run
    room.source.new_run()
    room.go()
    assert page.frames[-1].run == run + 1
    assert page.frames[-1].samples.first == 0


@pytest.mark.parametrize("text", ["", "ack", "ack -1", "ack 999", "ack x", "dance", "show", "\N{SUPERSCRIPT TWO}"])
def test_odd_words_from_a_page_do_no_harm(room: Room, text: str) -> None:
    page = room.join()
    room.go()
    room.say(page, text)
    room.go()
    assert len(page.frames) == 2
    room.stream.leave(cast(StreamHandler, page))
    room.say(page, text)
    assert len(room.stream) == 0


def test_before_the_plant_is_heard_a_frame_says_so(room: Room) -> None:
    page = room.join()
    room.stream.send()
    assert page.frames[0].position.size == 0
    assert page.frames[0].newest.size == 0
    assert page.frames[0].state_age != page.frames[0].state_age, "NaN"


def test_s10_each_page_is_sent_the_module_that_it_shows(room: Room) -> None:
    pages = {module: room.join(module) for module in ("m1", "m2")}
    room.plant.hear(structs.replace(room.source.state(), module="m2", t=7.0, seq=3, run=room.source.run), room.now)
    room.go()
    assert [pages[module].texts[0]["module"] for module in pages] == ["m1", "m2"]
    assert [pages[module].texts[0]["modules"] for module in pages] == [["m1", "m2"]] * 2
    assert pages["m1"].frames[-1].t == room.source.t
    assert pages["m2"].frames[-1].t == 7.0
    notes = {module: next(text for text in page.texts if text["type"] == "note") for module, page in pages.items()}
    assert {module: note["module"]["name"] for module, note in notes.items()} == {"m1": "m1", "m2": "m2"}
    room.stream.geometry(Snapshot("m2", room.source.run, 1, 1.0, "reference", PARAMETERS, None))
    for module, page in pages.items():
        room.say(page, "ack 1")
        room.stream.send()
        assert ("geometry" in page.kinds()) == (module == "m2")


def test_s10_a_page_of_a_module_that_there_is_not_is_told_so_and_sent_nothing(room: Room) -> None:
    page = room.join("m9")
    room.go()
    assert [(text["type"], text["module"], text["modules"]) for text in page.texts] == [("hello", None, ["m1", "m2"])]
    assert page.frames == []
    room.say(page, "ack 1")
    assert len(room.stream) == 0
