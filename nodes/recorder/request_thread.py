"""The recorder's third thread: takes requests on a socket of its own and answers them, apart from the recording.

A question about a long run may take seconds to answer. Asked in the recording loop, it would delay commits and beats.
"""

import threading
import time

import structlog

from bus.protocol.codec import FrameError, decode_recorder_request, encode
from bus.protocol.messages import Refused
from bus.security.roles import denied
from bus.transport.answering import answered
from bus.transport.sockets import Request, Server
from nodes.recorder.queries import Answers
from runtime.log import Seldom

POLL = 0.1


class HistoryServer(threading.Thread):
    """Answers requests one after the other.

    Args:
        address: where to listen. It is bound at once, so that a second recorder fails before it writes anything.
        answers: gives the answers; used by this thread alone.
        log: gets a line for bad requests, at most one a minute.
    """

    def __init__(self, address: str, answers: Answers, log: structlog.stdlib.BoundLogger) -> None:
        super().__init__(name="history", daemon=True)
        self._server = Server(address)
        self._answers = answers
        self._log = log
        self._stopping = threading.Event()
        self._told_bad = Seldom()
        self.bad_frames = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Serve until stopped."""
        try:
            while not self._stopping.is_set():
                received = self._server.receive(POLL)
                if received is not None:
                    reply = self._reply(received)
                    if reply is not None:
                        self._server.reply(received.peer, reply)
        except BaseException as error:
            self.failure = error  # a thread's error ends the thread alone: the main loop raises it again
            raise
        finally:
            # Here and not in `stop`: neither a socket of ZeroMQ nor a connection of SQLite may be closed by another
            # thread than the one that uses it.
            self._answers.close()
            self._server.close()

    def _reply(self, received: Request) -> bytes | None:
        try:
            request = decode_recorder_request(received.payload)
        except FrameError as error:
            self.bad_frames += 1
            if self._told_bad.due(time.monotonic()):
                self._log.warning("bad request refused", reason=str(error), count=self.bad_frames)
            return encode(Refused(id="", field="", reason=str(error)))
        return answered(lambda: denied(request, received.caller) or self._answers.answer(request), self._log)

    def stop(self) -> None:
        """End the thread after the request under way, or leave it to the end of the process if that takes too long."""
        self._stopping.set()
        if self.is_alive():
            self.join(timeout=5.0)
