"""Put on PYTHONPATH by tests alone: two signals that make the main thread of any Python process hang.

SIGUSR1 is a deadlock (a lock taken twice), SIGUSR2 a loop that never ends. Other threads go on, as they would.
"""

import signal
import threading
from types import FrameType


def _deadlock(_number: int, _frame: FrameType | None) -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def _busy(_number: int, _frame: FrameType | None) -> None:
    while True:
        pass


signal.signal(signal.SIGUSR1, _deadlock)
signal.signal(signal.SIGUSR2, _busy)
