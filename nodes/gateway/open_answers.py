"""Answers that take long to send, of which a worker sends only so many at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from nodes.gateway.problems import Problem, ProblemError


class OpenAnswers:
    """How many answers of one kind are being sent, and how many there may be.

    Args:
        most: answers at a time.
        full: what a client is told that asks for one more.
        retry_after: when it may ask again [s].
    """

    def __init__(self, most: int, full: str, retry_after: int) -> None:
        self.count = 0
        self._most = most
        self._full = full
        self._retry_after = retry_after

    def expect_room(self) -> None:
        """Refuse before any work is done, where one more is too many.

        Raises:
            ProblemError: with 503 and Retry-After.
        """
        if self.count >= self._most:
            problem = Problem.of(503, "too-many", f"{self._most} {self._full}")
            raise ProblemError(problem, {"Retry-After": str(self._retry_after)})

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Count one while it is sent.

        Raises:
            ProblemError: as for `expect_room`. Requests that come together have all found room before the first of
                them counts: the look that decides is this one, with no `await` between it and the count.
        """
        self.expect_room()
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1
