"""Has rows that were lost to damage sent again, as long as their producers can compute them.

The streams of the recording loop only look forward. What goes missing behind them, in the middle of what was recorded
long ago, is found by the scrub and fetched here, at the pace at which a module can compute it again.
"""

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
"""Seconds after which the thread's other work gets its turn: the holes of a long run may take many minutes."""

R = TypeVar("R", bound=Message)

PATIENCE = Patience(5.0)
"""How long a producer may take to answer before it is left alone until the next turn."""


class HoleRepairer:
    """Asks the producers of a run for what is missing in the middle of its recording. For one thread.

    Args:
        endpoints: where the clock and the modules are.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._run = ""
        self._through: set[str] = set()
        """Modules of that run of which nothing more can be fetched now."""
        self._served = ""
        """The module that was asked last."""

    def repair(self, folder: RunFolder, seconds: float = SPELL) -> bool:
        """Fill the holes of a run for about `seconds`, with one answer of each module in turn.

        Args:
            folder: the recording.
            seconds: after which it returns once the answer under way has come.

        Returns:
            Whether nothing more can be fetched; if not, it is to be called again.

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
            # After the module that had the last turn. Begun with the same module each time, one that computes slowly
            # would take up every spell, and the others would never be asked.
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
        """Fill a module's holes, answer by answer; gives the number of rows that each has brought."""
        # A run begins with tick 1, so the range before it counts as there. Behind the last range nothing is known to be
        # missing: that is what the streams of the loop look after.
        ranges = [(0, 0), *Placement.of(store.connection, module).covered]
        for (_first, before), (after, _last) in pairwise(ranges):
            yield from self._repair_rows(run, module, store, before, after - 1)

    def _repair_rows(self, run: str, module: str, store: HotStore, after: int, last: int) -> Iterator[int]:
        try:
            addresses = [instance.snapshot for instance in self._endpoints.module(module).instances]
        except EndpointError:
            return  # the recording has a module that this plant does not: nobody here can compute it
        while after < last:
            missing = FramesRequest(run=run, after=after)
            asked = Inquiry(f"module {module}", addresses[:1], missing, codec.decode_module_reply, Frames)
            reply = _answered(asked)
            # An answer that does not get any further would be asked for without end.
            if reply is None or reply.run != run or reply.through <= after:
                if len(addresses) == 1:
                    return
                del addresses[0]  # its standby computes the same, and may have kept what this one has lost
                continue
            intake = Intake()
            for message in (*reply.results, *reply.states, *reply.events):
                if message.seq <= last:  # what lies behind the hole is recorded already
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
    """The reply, or None: whatever is wrong with the producer, the hole stays and is asked for again later."""
    try:
        return request(asked, PATIENCE)
    except (NotAnsweredError, RefusedError, FrameError):
        return None
