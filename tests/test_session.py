"""One plant at a time, and nothing outlives the tests, however they end."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from tests.session import MARK, ROOT, WORKER, Plants, TwoPlantsError, marked
from tests.watching import eventually

LEAVING = """
import os, subprocess, sys, time

def test_that_leaves_a_child_in_a_session_of_its_own(pytestconfig):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    with open({note!r} + ".part", "w") as file:
        file.write(os.environ["KPP_TEST_SESSION"])
    os.rename({note!r} + ".part", {note!r})
    if {hang}:
        time.sleep(600)
"""


def test_a_second_plant_beside_a_living_one_is_refused() -> None:
    plants, living = Plants(), True
    plants.add("one", lambda: living)
    plants.add("one", lambda: True)  # another part of the same
    with pytest.raises(TwoPlantsError, match="two is to start while one still lives"):
        plants.add("two", lambda: True)
    plants = Plants()
    plants.add("one", lambda: living)
    living = False
    plants.add("two", lambda: True)
    assert plants.living() == ["two"]


def test_no_plant_is_started_beside_other_tests(tmp_path: Path) -> None:
    plants = Plants(beside_others=True)
    plants.add("made up", lambda: True)
    with pytest.raises(TwoPlantsError, match="mark this one with `alone`"):
        plants.start({"KPP_CLOCK_PUBLISH": "one"}, [sys.executable, "-c", ""], None)


WAYS = pytest.mark.parametrize("way", [(), ("-n", "1")], ids=["in one process", "in a worker"])


def run(folder: Path, hang: bool, way: Sequence[str]) -> tuple["subprocess.Popen[bytes]", str]:
    """A test session of its own that leaves a process behind; returns it and its mark."""
    note = folder / "mark"
    path = ROOT / "tests" / f"leaving_{os.getpid()}.py"
    path.write_text(LEAVING.format(note=str(note), hang=hang))
    env = {name: value for name, value in os.environ.items() if name not in {MARK, WORKER}}
    command = [sys.executable, "-m", "pytest", str(path), "-o", "python_files=leaving_*.py", *way]
    # A shell that starts the tests in the background has them ignore Ctrl-C, and whatever they start would as well.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        eventually(note.exists, 20, "the test has begun")
    finally:
        path.unlink()
    return process, note.read_text()


@WAYS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_session_leaves_no_process(number: signal.Signals, way: Sequence[str], tmp_path: Path) -> None:
    process, mark = run(tmp_path, hang=True, way=way)
    process.send_signal(number)
    process.wait()
    eventually(lambda: not [*marked(mark)], 5, "what it left has gone")


@WAYS
def test_a_session_that_leaves_a_process_fails_and_it_is_ended(way: Sequence[str], tmp_path: Path) -> None:
    process, mark = run(tmp_path, hang=False, way=way)
    assert process.wait() == pytest.ExitCode.TESTS_FAILED
    eventually(lambda: not [*marked(mark)], 5, "what it left has gone")


def test_processes_of_this_session_are_marked() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        process = psutil.Process(child.pid)
        # The start of a program returns a moment before the system shows the environment of it.
        eventually(lambda: process in [*marked(os.environ[MARK])], 5, "it carries the mark")
        child.communicate(b"\n")
