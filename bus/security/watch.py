"""Reports when files of a folder change, by an event of the kernel and without polling.

inotify is called by way of ctypes, since Python does not offer it and a dependency for three calls is not worth it.
"""

import ctypes
import os
import select
import sys
import threading
from collections.abc import Callable
from pathlib import Path

_CHANGED = 0x008 | 0x040 | 0x080 | 0x200
"""IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE of <sys/inotify.h>. Not IN_MODIFY, which comes with each
write: a file would be read before it is complete."""

_EVENTS = 64 * 1024
"""Bytes that are read at a time: many events, which then cause one call."""


class Watch(threading.Thread):
    """Watches folders until it is closed; on other systems than Linux it reports nothing.

    Args:
        folders: the folders, which must exist.
        tell: called in this thread after changes.

    Raises:
        OSError: if a folder cannot be watched.
    """

    def __init__(self, folders: tuple[Path, ...], tell: Callable[[], object]) -> None:
        # Everything that can fail happens here, where the caller hears of it, and not in the thread.
        super().__init__(name="watch", daemon=True)
        self._tell = tell
        self._stopping = threading.Event()
        self._wake, self._waker = os.pipe()
        self._events = -1
        if sys.platform.startswith("linux"):
            libc = ctypes.CDLL(None, use_errno=True)
            self._events = libc.inotify_init1(os.O_CLOEXEC)
            for folder in folders:
                if self._events < 0 or libc.inotify_add_watch(self._events, os.fsencode(folder), _CHANGED) < 0:
                    raise OSError(ctypes.get_errno(), f"{folder} cannot be watched")

    def run(self) -> None:
        """Wait for changes, and report them, until the watch is closed."""
        watched = select.poll()  # select() takes no descriptor above 1023, and a door may have more
        for each in (self._wake, self._events):
            if each >= 0:
                watched.register(each, select.POLLIN)
        while not self._stopping.is_set():
            if any(ready == self._events for ready, _ in watched.poll()):
                # What the events say does not matter: the listener reads the files as they are then.
                os.read(self._events, _EVENTS)
                self._tell()

    def close(self) -> None:
        """End the watch. It must not be called twice."""
        # The pipe wakes the thread, which waits without a limit. A call from `tell` runs in the thread itself, which
        # cannot wait for its own end.
        self._stopping.set()
        os.write(self._waker, b".")
        if self.is_alive() and threading.current_thread() is not self:
            self.join(timeout=2.0)
        # Only after the thread has ended: the kernel gives the numbers to the next files that are opened.
        for each in (self._wake, self._waker, self._events):
            if each >= 0:
                os.close(each)
