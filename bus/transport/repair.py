"""Asks a producer for what a stream missed, from a plain program's main loop, without ever waiting.

One question is open at a time; it is put again, to the next instance, if no answer arrives.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from bus.ordered.stream import ModuleStream, Streams, TickStream
from bus.protocol import codec
from bus.protocol.codec import FrameError
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Frames, FramesRequest, Published, Refused, Replay, ReplayRequest
from bus.transport.sockets import Dealer

RETRY_INTERVAL = 0.3
"""Seconds until a question that was not answered is asked again, of the next instance if there is one."""

PATIENCE_MAX = 1.2
"""Longest such time: each question without an answer doubles it, lest a slow producer become slower still. An instance
that cannot be reached for as long is left for the next one."""

REFUSALS_KEPT = 100
"""Reasons that are kept for people; the oldest make room."""

Answer = Replay | Frames | Refused


class Repairer:
    """Keeps one stream whole.

    Args:
        stream: says what is missing, and takes the answers.
        addresses: the producer's request sockets: the clock's, or those of a module's instances.
        decode: decoder of the producer's replies.
    """

    def __init__(
        self, stream: TickStream | ModuleStream, addresses: Sequence[str], decode: Callable[[bytes], Any]
    ) -> None:
        self._stream = stream
        self._addresses = tuple(addresses)
        self._decode = decode
        self._asked: ReplayRequest | FramesRequest | None = None
        self._turn = 0
        self._due = 0.0
        self._patience = RETRY_INTERVAL
        self._reach_by = math.inf
        self._dealer: Dealer | None = None
        self.refused: deque[str] = deque(maxlen=REFUSALS_KEPT)
        """Why something could not be repaired, the newest reasons."""

    @property
    def socket(self) -> Dealer | None:
        """The socket on which an answer will arrive; None while nothing is asked."""
        return self._dealer

    def work(self) -> list[Published]:
        """Take an answer if there is one, then ask if something is still missing; returns what can be delivered now.

        Call it in every turn of the main loop, several times a second while `socket` is not None.
        """
        ready: list[Published] = []
        if self._dealer is not None:
            while (payload := self._dealer.receive()) is not None:
                ready += self._take(payload)
        request = self._stream.request
        now = time.monotonic()
        if request is None:
            self._forget()
            self._patience = RETRY_INTERVAL
        elif request != self._asked or now >= self._due:
            self._ask(request, now)
        return ready

    def _ask(self, request: ReplayRequest | FramesRequest, now: float) -> None:
        if request == self._asked:
            self._patience = min(2 * self._patience, PATIENCE_MAX)
        # No answer in time: the socket is dropped, and with it the question, which may still lie in one of libzmq's
        # queues. The next instance is asked, if there is one.
        if self._dealer is None or request == self._asked or now >= self._reach_by:
            self._forget()
            self._dealer = Dealer(self._addresses[self._turn % len(self._addresses)])
            self._turn += 1
            self._reach_by = math.inf
        if self._dealer.send(codec.encode(request)):
            self._asked, self._due, self._reach_by = request, now + self._patience, math.inf
            return
        # A socket that is not connected yet takes nothing. The question then counts as not asked, so the next turn puts
        # it again on the same socket, and its patience is not used up. But only for a while: the instance may be gone
        # for good, and another one have what is missing.
        self._asked, self._due = None, now
        if len(self._addresses) > 1:
            self._reach_by = min(self._reach_by, now + PATIENCE_MAX)

    def _take(self, payload: bytes) -> list[Published]:
        try:
            reply: Answer = self._decode(payload)
        except FrameError:
            return []  # as if nothing had come: the question is put again in time
        self._asked = None
        self._patience = RETRY_INTERVAL
        if isinstance(reply, Refused):
            # Refused for the moment: the question counts as asked until it is time to put it again.
            if reply.retry_after > 0:
                self._asked, self._due = self._stream.request, time.monotonic() + reply.retry_after
                return []
            asked = self._stream.request
            if asked is None or reply.id not in {asked.run, ""}:
                return []  # a refusal of an earlier question
            # What the producer no longer has is lost for good. The stream goes on after the gap, or it would hold
            # everything that follows back.
            self.refused.append(
                f"{type(self._stream).__name__} after tick {asked.after} of {asked.run}: {reply.reason}"
            )
            return self._stream.skip()
        if isinstance(reply, Frames):
            return self._stream.on_frames(reply)
        return self._stream.on_replay(reply) if isinstance(self._stream, TickStream) else []

    def _forget(self) -> None:
        if self._dealer is not None:
            self._dealer.close()
        self._dealer = None
        self._asked = None

    def close(self) -> None:
        """Ask no more."""
        self._forget()


def repairers(streams: Streams, endpoints: Endpoints) -> list[Repairer]:
    """One repairer for each stream that a program follows."""
    made: list[Repairer] = []
    if streams.clock is not None:
        made.append(Repairer(streams.clock, [endpoints.clock_control], codec.decode_clock_reply))
    for name, stream in streams.modules.items():
        addresses = [instance.snapshot for instance in endpoints.module(name).instances]
        made.append(Repairer(stream, addresses, codec.decode_module_reply))
    return made
