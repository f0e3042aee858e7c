"""The clock's questions to modules: sent without waiting, and answers taken as they arrive."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from bus.protocol.codec import FrameError, decode_module_reply, encode
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Prepared, PrepareRequest, Refused
from bus.transport.sockets import Dealer
from nodes.clock.preparation import Instance

ASKERS_MAX = 64
"""Most programs that wait for the answer to one command; the oldest make room."""


class ModuleQuestions:
    """One socket to each process of each module."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._stack = ExitStack()
        self._dealers: dict[Instance, Dealer] = {
            (module.module, each.instance): self._stack.enter_context(Dealer(each.snapshot))
            for module in endpoints.modules
            for each in module.instances
        }
        self.sockets = tuple(self._dealers.values())

    def ask(self, question: PrepareRequest, instances: Iterable[Instance]) -> None:
        """Put a question. Instances that are not connected do not get it; the client's next attempt asks them again."""
        # Packed once for all: every instance gets the same bytes, and the same id to answer to.
        payload = encode(question)
        for instance in instances:
            # An instance that is heard but not declared has no address here; the deadline of the question decides
            # without it.
            dealer = self._dealers.get(instance)
            if dealer is not None:
                dealer.send(payload)

    def answers(self) -> Iterator[tuple[Instance, Prepared | Refused]]:
        """The answers that have arrived, each with the instance that gave it."""
        for instance, dealer in self._dealers.items():
            # All that have arrived: only its id would keep one that is left from being taken for an answer to the next
            # question.
            while (payload := dealer.receive()) is not None:
                try:
                    reply = decode_module_reply(payload)
                except FrameError:  # not an answer; the deadline of the question takes care of that
                    continue
                if isinstance(reply, Prepared | Refused):
                    yield instance, reply

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


class Askers:
    """The programs that wait for the answer to a command, by the command's id."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[tuple[bytes, ...], None]] = {}

    def add(self, command_id: str, peer: list[bytes]) -> None:
        """Add a program, or move one that asks again to the end."""
        waiting = self._waiting.setdefault(command_id, {})
        # Removed and added again: a program that asks once more is the newest, and the oldest are dropped first.
        waiting.pop(tuple(peer), None)
        waiting[tuple(peer)] = None
        if len(waiting) > ASKERS_MAX:
            del waiting[next(iter(waiting))]

    def take(self, command_id: str) -> list[list[bytes]]:
        """Return all programs that wait for a command, and forget them."""
        return [list(peer) for peer in self._waiting.pop(command_id, {})]
