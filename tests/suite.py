"""Every test once, as `make test` runs them: `python -m tests.suite`, with arguments for pytest if there are any.

Two parts at the same time. In the foreground, one test after another, what starts processes of a plant, of which one
may live at a time, or a browser: such a test waits more than it computes. Behind it, on the other processors and with
what the foreground leaves, all the rest; its output is shown when the foreground has ended. A failure in one part does
not keep the other from running. Each test is in one part and in no other, since one asks for a marker and the other
for its absence.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Final

import pytest

from tests.session import ALONE, ROOT

WORKERS_MAX: Final = 8
"""Most processes behind: each takes several seconds to load the tests, and several hundred megabytes."""

BACKGROUND_NICENESS: Final = 5
"""A plant and a browser come first: they have people's patience, and a computation has not."""

ONE_BY_ONE: Final = ("-m", ALONE)

ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
"""Environment in which a library leaves the other processors to the other workers."""

Wait = Callable[[], int]
"""Waits for pytest to end; its exit code."""

Start = Callable[[Sequence[str], Mapping[str, str], "IO[bytes] | None"], Wait]
"""Starts pytest with arguments and further environment variables, into a file or to where this process writes."""


def together(processors: int) -> tuple[str, ...]:
    """Arguments for the part that runs behind: a worker for each processor but the one of the foreground."""
    workers = max(1, min(WORKERS_MAX, processors - 1))
    return ("-m", f"not {ALONE}", "-n", str(workers), "--dist", "worksteal")


def main(arguments: Sequence[str], start: Start) -> int:
    """Run both parts; 0 if there was a test and none failed, else pytest's exit code of the first part that did.

    Args:
        arguments: for pytest, in both parts.
        start: starts one part.
    """
    with tempfile.TemporaryFile() as output:
        behind = start([*together(os.cpu_count() or 1), *arguments], ONE_THREAD, output)
        codes = [start([*ONE_BY_ONE, *arguments], {}, None)()]
        sys.stdout.write("\nThe tests that run side by side:\n")
        sys.stdout.flush()
        codes.insert(0, behind())
        output.seek(0)
        shutil.copyfileobj(output, sys.stdout.buffer)
        sys.stdout.flush()
    empty = pytest.ExitCode.NO_TESTS_COLLECTED
    if all(code == empty for code in codes):
        return empty
    return next((code for code in codes if code not in {pytest.ExitCode.OK, empty}), pytest.ExitCode.OK)


def start_pytest(arguments: Sequence[str], environment: Mapping[str, str], output: IO[bytes] | None) -> Wait:
    """Start pytest as a process; behind the others if its output goes into a file."""
    command = [sys.executable, "-m", "pytest", *arguments]
    if output is not None:
        command = ["nice", "-n", str(BACKGROUND_NICENESS), *command]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=output)

    def wait() -> int:
        # A Ctrl-C reaches the parts as well as this process: each ends in its own time, with its report.
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue

    return wait


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], start_pytest))
