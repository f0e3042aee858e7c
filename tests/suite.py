"""Every test once, as `make test` runs them: `python -m tests.suite`, with arguments for pytest if there are any.

First what takes a processor or less, as many at once as there are processors. Then what needs the machine for itself,
one after another: plants, of which one may live at a time, and browsers. A failure in one part does not keep the other
from running. Each test is in one part and in no other, since one asks for a marker and the other for its absence.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Final

import pytest

from tests.session import ALONE, ROOT

WORKERS_MAX: Final = 8
"""Most processes of the first part: each takes several seconds to load the tests, and several hundred megabytes."""

TOGETHER: Final = ("-m", f"not {ALONE}", "-n", "logical", "--maxprocesses", str(WORKERS_MAX), "--dist", "worksteal")
ONE_BY_ONE: Final = ("-m", ALONE)

ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
"""Environment in which a library leaves the other processors to the other workers."""

Run = Callable[[Sequence[str], dict[str, str]], int]


def main(arguments: Sequence[str], run: Run) -> int:
    """Run both parts; 0 if there was a test and none failed, else pytest's exit code of the first part that did.

    Args:
        arguments: for pytest, in both parts.
        run: starts pytest with arguments and further environment variables, and returns its exit code.
    """
    codes = []
    for part, environment in ((TOGETHER, ONE_THREAD), (ONE_BY_ONE, {})):
        codes.append(run([*part, *arguments], environment))
        if codes[-1] == pytest.ExitCode.INTERRUPTED:
            return codes[-1]
    empty = pytest.ExitCode.NO_TESTS_COLLECTED
    if all(code == empty for code in codes):
        return empty
    return next((code for code in codes if code not in {pytest.ExitCode.OK, empty}), pytest.ExitCode.OK)


def run_pytest(arguments: Sequence[str], environment: dict[str, str]) -> int:
    """Run pytest as a process; its exit code."""
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:], run_pytest))
    except KeyboardInterrupt:
        sys.exit(pytest.ExitCode.INTERRUPTED)
