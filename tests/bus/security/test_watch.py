"""The thread that tells when a file of a folder changes."""

import os
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bus.security.watch import Watch

PATIENCE = 60

# inotify is a part of Linux; elsewhere a watch hears of nothing, as its docstring says.
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of changes")


@pytest.fixture
def many_files() -> Iterator[None]:
    """More open files than select() can count."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        # The fault is one of descriptors above 1023: where there can be none, there is nothing to show.
        pytest.skip(f"no more than {hard} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    with ExitStack() as opened:
        while (last := os.open(os.devnull, os.O_RDONLY)) <= 1100:
            opened.callback(os.close, last)
        os.close(last)
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def hears(folder: Path) -> bool:
    told = threading.Event()
    watch = Watch((folder,), told.set)
    watch.start()
    (folder / "new").write_text("key")
    try:
        return told.wait(PATIENCE)
    finally:
        watch.close()


def test_a_new_file_is_told(tmp_path: Path) -> None:
    assert hears(tmp_path)


@pytest.mark.usefixtures("many_files")
def test_a_process_with_thousands_of_open_files_is_told_as_well(tmp_path: Path) -> None:
    assert hears(tmp_path)


def test_a_watch_that_is_closed_ends_its_thread(tmp_path: Path) -> None:
    watch = Watch((tmp_path,), lambda: None)
    watch.start()
    watch.close()
    watch.join(PATIENCE)
    assert not watch.is_alive()
