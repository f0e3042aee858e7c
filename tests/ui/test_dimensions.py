"""When the parameters in force are asked for, and which answers count."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog

from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Event, Snapshot
from bus.transport.request import NotAnsweredError
from tests.ui.synthetic_plant import PARAMETERS
from ui import dimensions
from ui.feed import Feed
from ui.page_stream import PageStream


class Told:
    """Stands for the stream to the pages: what it was told, in order."""

    def __init__(self) -> None:
        self.said: list[tuple[str, int] | None] = []

    def geometry(self, snapshot: Snapshot) -> None:
        self.said.append((snapshot.run, snapshot.seq))

    def forget_geometry(self, module: str) -> None:  # noqa: ARG002  # there is one
        self.said.append(None)


class Script:
    """A module that answers what is written, each answer preceded by what the feed has heard by then."""

    def __init__(self, steps: list[tuple[str, tuple[str, int], tuple[str, int] | None]]) -> None:
        self.steps = iter(steps)
        self.told = Told()
        self.added: list[Event] = []
        self.asked = 0
        self.state: SimpleNamespace | None = None
        self.log = SimpleNamespace(changed={})
        self.feed = SimpleNamespace(
            lock=threading.Lock(),
            plant=SimpleNamespace(
                state=lambda _module: self.state,
                log=self.log,
                events=SimpleNamespace(add_past=self.added.extend),
            ),
        )
        self.answer: tuple[str, int] | None = None

    async def snapshot(self, _endpoints: Endpoints, module: str) -> Snapshot:
        self.asked += 1
        if self.answer is None:
            raise NotAnsweredError("nobody there")
        run, seq = self.answer
        return Snapshot(module, run, seq, seq / 100, "reference", PARAMETERS, None, [])

    async def sleep(self, _seconds: float) -> None:
        """The next round; the script ends the loop."""
        try:
            run, changed, self.answer = next(self.steps)
        except StopIteration:
            raise asyncio.CancelledError from None
        self.state = SimpleNamespace(run=run)
        self.log.changed = {"m1": changed}

    def play(self, monkeypatch: pytest.MonkeyPatch) -> Told:
        monkeypatch.setattr(dimensions, "snapshot", self.snapshot)
        monkeypatch.setattr(dimensions, "asyncio", SimpleNamespace(sleep=self.sleep))
        follow = dimensions.follow(
            cast(Feed, self.feed),
            cast(Endpoints, None),
            "m1",
            cast(PageStream, self.told),
            cast(Any, structlog.get_logger()),
        )
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(follow)
        return self.told


NEVER = ("", 0)


def test_an_answer_from_before_the_change_is_shown_and_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(
        [
            ("r1", NEVER, ("r1", 10)),
            ("r1", ("r1", 20), ("r1", 19)),
            ("r1", ("r1", 20), ("r1", 20)),
            ("r1", ("r1", 20), ("r1", 99)),
        ]
    )
    assert script.play(monkeypatch).said == [None, ("r1", 10), ("r1", 19), ("r1", 20)]
    assert script.asked == 3


def test_a_new_run_stays_shown_while_newer_values_of_it_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(
        [
            ("r1", ("r1", 20), ("r1", 20)),
            ("r2", ("r1", 20), ("r1", 21)),
            ("r2", ("r2", 3), ("r2", 2)),
            ("r2", ("r2", 3), ("r2", 2)),
            ("r2", ("r2", 3), None),
            ("r2", ("r2", 3), ("r2", 3)),
        ]
    )
    assert script.play(monkeypatch).said == [None, ("r1", 20), None, None, ("r2", 2), ("r2", 2), ("r2", 3)]


def test_a_change_of_an_ended_run_does_not_count_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script([("r2", ("r1", 500), ("r2", 1)), ("r2", ("r1", 500), ("r2", 2))])
    assert script.play(monkeypatch).said == [None, ("r2", 1)]
