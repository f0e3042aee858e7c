"""Has rows that were lost to damage sent again, as long as their producers can compute them."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from typing import TypeVar

from bus.ordered.tick_span import spans_of, tick_holes
from bus.protocol import codec
from bus.protocol.codec import FrameError
from bus.protocol.endpoints import EndpointError, Endpoints
from bus.protocol.messages import Frames, FramesRequest, Replay, ReplayRequest
from bus.protocol.schema import Message
from bus.transport.request import Inquiry, NotAnsweredError, Patience, RefusedError, request
from nodes.recorder.core import Intake
from recording.cursor import Placement
from recording.database import module_names, transaction
from recording.folder import RunFolder
from recording.hot import HotStore
from recording.ticks import read_ticks

SPELL = 5.0
"""Seconds after which other work of the thread has its turn: the holes of a long run may take many minutes."""

R = TypeVar("R", bound=Message)

PATIENCE = Patience(5.0)
"""Time until a producer that does not answer is given up, until the next turn."""


class HoleRepairer:
    """Asks the producers of a run for what is missing in the middle of its recording; for one thread."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._run = ""
        self._through: set[str] = set()
        """Modules of that run of which no more can be had now."""
        self._served = ""

    def repair(self, folder: RunFolder, seconds: float = SPELL) -> bool:
        """Fill the holes of a run for about `seconds`, taking one answer of each module in turn.

        Returns:
            Whether no more is to be had; else it is to be called again.

        Raises:
            OSError: if the disk does not take it.
        """
        deadline = time.monotonic() + seconds
        if folder.run != self._run:
            self._run, self._through = folder.run, set()
        with closing(HotStore(folder.hot)) as store:
            if not self._through:
                self._repair_ticks(folder.run, store)
            names = deque(name for name in module_names(store.connection).values() if name not in self._through)
            if self._served in names:
                names.rotate(-names.index(self._served) - 1)
            spells = deque((name, self._rows(folder.run, name, store)) for name in names)
            while spells:
                name, spell = spells.popleft()
                self._served = name
                if next(spell, None) is None:
                    self._through.add(name)
                else:
                    spells.append((name, spell))
                if spells and time.monotonic() >= deadline:
                    return False
        self._run = ""
        return True

    def _rows(self, run: str, module: str, store: HotStore) -> Iterator[int]:
        """Fill a module's holes, answer by answer; how many rows each has given."""
        ranges = [(0, 0), *Placement.of(store.connection, module).covered]  # a run begins with tick 1
        for (_first, before), (after, _last) in pairwise(ranges):
            yield from self._repair_rows(run, module, store, before, after - 1)

    def _repair_rows(self, run: str, module: str, store: HotStore, after: int, last: int) -> Iterator[int]:
        try:
            addresses = [instance.snapshot for instance in self._endpoints.module(module).instances]
        except EndpointError:
            return  # a module of another plant: nobody here can compute it
        while after < last:
            missing = FramesRequest(run=run, after=after)
            asked = Inquiry(f"module {module}", addresses[:1], missing, codec.decode_module_reply, Frames)
            reply = _answered(asked)
            if reply is None or reply.run != run or reply.through <= after:
                if len(addresses) == 1:
                    return
                del addresses[0]  # its standby computes the same
                continue
            intake = Intake()
            for message in (*reply.results, *reply.states, *reply.events):
                if message.seq <= last:
                    intake.take(message)
            written = sum(store.write(batch).written for batch in intake.batches().values())
            after = reply.through
            yield written

    def _repair_ticks(self, run: str, store: HotStore) -> None:
        for first, last in tick_holes(read_ticks(store.connection)):
            after = first - 1
            while after < last:
                message = ReplayRequest(run=run, after=after)
                address = self._endpoints.clock_control
                reply = _answered(Inquiry("the clock", [address], message, codec.decode_clock_reply, Replay))
                if reply is None or reply.run != run:
                    return
                spans = [rest for span in spans_of(reply, after) if (rest := span.upto(last)) is not None]
                if not spans:
                    break
                with transaction(store.connection):
                    store.ticks.fill(spans)
                after = spans[-1].last


def _answered(asked: Inquiry[R]) -> R | None:
    """The answer, None if there is none."""
    try:
        return request(asked, PATIENCE)
    except (NotAnsweredError, RefusedError, FrameError):
        return None
