"""The fast set: unit and property tests without a browser and without processes, in a minute (`make fast`).

A test belongs to it unless it is listed in LEFT_OUT, so that a new one is fast until somebody says otherwise. Files
that are left out are not even loaded. A test of the fast set that starts a process fails, and names what it started.

`python -m tests.fast`, with arguments for pytest if there are any.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Final

import pytest

from tests.session import ALONE
from tests.suite import ONE_THREAD, WORKERS_MAX, start_pytest

PROCESSES: Final = "starts processes"
BROWSER: Final = "looks at pages in a browser, or loads Panel"
LONG: Final = "computes for several seconds"

LEFT_OUT: Final = {
    "tests/bus/security/test_keys.py": PROCESSES,
    "tests/bus/test_environment.py": PROCESSES,
    "tests/bus/test_folder.py": PROCESSES,
    "tests/bus/test_process.py": PROCESSES,
    "tests/bus/test_sockets.py": PROCESSES,
    "tests/chaos": PROCESSES,
    "tests/console": PROCESSES,
    "tests/docs/test_protocol.py::test_check_names_what_is_stale_and_writing_mends_it": PROCESSES,
    "tests/docs/test_protocol.py::test_the_snippets_run": PROCESSES,
    "tests/e2e": PROCESSES,
    "tests/examples": PROCESSES,
    "tests/kpp_physics/test_independent.py": LONG,
    "tests/kpp_physics/test_interventions.py": LONG,
    "tests/kpp_physics/test_ledgers.py": LONG,
    "tests/kpp_physics/test_operations.py": LONG,
    "tests/kpp_physics/test_properties.py": LONG,
    "tests/kpp_physics/test_start.py": PROCESSES,
    "tests/nodes/clock/test_recovery.py": LONG,
    "tests/nodes/gateway/test_clients.py": PROCESSES,
    "tests/nodes/gateway/test_conventions.py": PROCESSES,
    "tests/nodes/gateway/test_files.py": PROCESSES,
    "tests/nodes/gateway/test_fuzz.py": LONG,
    "tests/nodes/gateway/test_preconditions.py": PROCESSES,
    "tests/nodes/gateway/test_process.py": PROCESSES,
    "tests/nodes/gateway/test_prometheus.py": PROCESSES,
    "tests/nodes/gateway/test_raw.py": PROCESSES,
    "tests/nodes/gateway/test_recordings.py": PROCESSES,
    "tests/nodes/gateway/test_recordings_real.py": PROCESSES,
    "tests/nodes/gateway/test_rest.py": PROCESSES,
    "tests/nodes/gateway/test_schema.py": PROCESSES,
    "tests/nodes/gateway/test_security.py": PROCESSES,
    "tests/nodes/gateway/test_v1.py": PROCESSES,
    "tests/nodes/gateway/test_websocket.py": PROCESSES,
    "tests/nodes/gateway/test_workers.py": PROCESSES,
    "tests/nodes/test_plant_in_memory.py": LONG,
    "tests/catalog/test_presets.py::test_what_the_dashboard_": PROCESSES,
    "tests/nodes/test_usage.py": PROCESSES,
    "tests/nodes/test_written_files.py": PROCESSES,
    "tests/nodes/watchdog/test_core.py": LONG,
    "tests/recording/test_damage.py": LONG,
    "tests/recording/test_export.py::test_mcap_is_opened_by_the_reader_of_foxglove": PROCESSES,
    "tests/recording/test_full.py": PROCESSES,
    "tests/recording/test_output.py::test_f01_": PROCESSES,
    "tests/studies": LONG,
    "tests/test_environment.py": PROCESSES,
    "tests/test_fast.py::test_collecting_the_fast_set_loads_no_browser_and_no_dashboard": PROCESSES,
    "tests/test_session.py": PROCESSES,
    "tests/ui/test_access_matcher.py": BROWSER,
    "tests/ui/test_doors.py": PROCESSES,
    "tests/ui/test_flows.py": BROWSER,
    "tests/ui/test_frontend.py": PROCESSES,
    "tests/ui/test_notices.py": BROWSER,
    "tests/ui/test_numbers.py": BROWSER,
    "tests/ui/test_page.py": BROWSER,
    "tests/ui/test_pages.py": BROWSER,
    "tests/ui/test_past.py": BROWSER,
    "tests/ui/test_questions.py::test_a_comparison_ends_with_": PROCESSES,
    "tests/ui/test_questions.py::test_a_replay_that_cannot_be_says_why": PROCESSES,
    "tests/ui/test_rebuild.py": BROWSER,
    "tests/ui/test_steady.py": BROWSER,
}
"""Folders, files and tests (`file::beginning of their names`) that are not in the fast set, and why."""

_STARTS: Final = frozenset(
    {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"}
)
"""Audit events of Python by which a process begins."""


class Guard:
    """Refuses processes while a test runs."""

    def __init__(self) -> None:
        self.on = False

    def audit(self, event: str, arguments: tuple[object, ...]) -> None:
        """Hook for `sys.addaudithook`, which cannot be taken out again.

        Raises:
            pytest.fail.Exception: if a process is about to begin. No handler of the code under test catches it.
        """
        if self.on and event in _STARTS:
            pytest.fail(f"a test of the fast set starts a process ({event} {arguments[:2]}): list it in {__name__}")


GUARD: Final = Guard()


def pytest_configure() -> None:
    """As a plugin (`-p tests.fast`): set the guard."""
    sys.addaudithook(GUARD.audit)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Set-up and end of a test are part of it; what pytest itself does between tests is not."""
    GUARD.on = True
    try:
        return (yield)
    finally:
        GUARD.on = False


def selection() -> list[str]:
    """Arguments by which pytest collects the fast set, and nothing else."""
    chosen = ["-p", "tests.fast", "-p", "no:schemathesis", "-m", f"not {ALONE}"]
    return chosen + [f"{'--deselect' if '::' in place else '--ignore'}={place}" for place in LEFT_OUT]


def main(arguments: Sequence[str]) -> int:
    """Run it on all processors; pytest's exit code."""
    together = ("-n", "logical", "--maxprocesses", str(WORKERS_MAX), "--dist", "worksteal")
    return start_pytest([*selection(), *together, *arguments], ONE_THREAD, None)()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
