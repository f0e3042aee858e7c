"""The fast set is what it says: no processes, no browser, and nothing left out that has gone."""

import re
import subprocess
import sys

import pytest

from tests import fast
from tests.session import ROOT

PROBE = """
import sys, pytest
code = pytest.main(["--collect-only", "-qq", *sys.argv[1:]])
print(code, *sorted({name.split(".")[0] for name in sys.modules} & {"bokeh", "panel", "playwright"}))
"""


@pytest.mark.parametrize("place", fast.LEFT_OUT)
def test_what_is_left_out_is_still_there(place: str) -> None:
    file, _, name = place.partition("::")
    assert (ROOT / file).exists(), f"{file} has moved: tell tests/fast.py"
    assert not name or re.search(rf"^def {re.escape(name)}", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_a_test_that_starts_a_process_fails_and_says_what_it_started() -> None:
    guard = fast.Guard()
    guard.audit("subprocess.Popen", ("true",))  # between tests nothing is refused
    guard.on = True
    guard.audit("open", ("file",))
    with pytest.raises(pytest.fail.Exception, match=r"starts a process \(subprocess.Popen \('true',\)\)"):
        guard.audit("subprocess.Popen", ("true",))


def test_the_guard_is_set_where_the_fast_set_runs() -> None:
    selection = fast.selection()
    assert selection[selection.index("-p") + 1] == fast.__name__


def test_collecting_the_fast_set_loads_no_browser_and_no_dashboard() -> None:
    command = [sys.executable, "-c", PROBE, *fast.selection()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "0", done.stdout[-2000:] + done.stderr
