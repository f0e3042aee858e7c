"""No thread of a node goes through what another one changes."""

import threading
from collections import deque
from typing import Any

import pytest

from nodes.clock.ticker import Ticker
from nodes.clock.timing import Timing


class _Guarded(deque[Any]):
    """Samples that may be changed and gone through only while a lock is held."""

    def __init__(self, lock: Any) -> None:
        super().__init__()
        self._lock = lock

    def append(self, value: Any) -> None:
        assert self._lock._is_owned(), "another thread may go through these"
        super().append(value)


def test_the_ticker_measures_under_the_lock_under_which_the_report_is_made() -> None:
    changed: Any = threading.Condition()  # typeshed does not know that it tells who holds it
    timing, sent = Timing(), []
    timing._lateness = _Guarded(changed)

    class Core:
        """As much of the core as a send needs."""

    class Publisher:
        """Takes what is sent."""

        def send(self, frames: tuple[bytes, bytes]) -> None:
            assert not changed._is_owned(), "a slow socket must not hold commands"
            sent.append(frames)

    core: Any = Core()
    core.timing = timing
    publisher: Any = Publisher()
    runs: Any = None
    ticker = Ticker(core, runs, publisher, changed)
    ticker._seq = 7
    ticker._send([(b"tick", b"")], 0)
    assert sent == [(b"tick", b"")]
    with changed:
        timing.close_interval()
    assert timing.lateness is not None


def test_a_sample_outside_the_lock_is_found() -> None:
    with pytest.raises(AssertionError):
        _Guarded(threading.Condition()).append(1)
