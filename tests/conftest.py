"""What several kinds of tests need: one plant at a time, a real browser, and the examples as programs."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import session as session_of_tests
from tests.watching import PAGE_PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


LARGE = frozenset({"make_plant", "workers", "browser"})
"""Fixtures that start processes of a plant under their supervisor, or a browser."""

MEMORY = Path("/dev/shm")  # noqa: S108  # nothing in it outlives a test
WARDEN = pytest.StashKey[session_of_tests.Process]()


def pytest_configure(config: pytest.Config) -> None:
    """Whatever ends the session, nothing that it has started shall be left.

    A worker of a session has its mark, and leaves the rest to it.
    """
    if session_of_tests.WORKER not in os.environ:
        config.stash[WARDEN] = session_of_tests.begin()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts the processes of a plant, or a browser, needs the machine for itself."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if item.get_closest_marker("e2e") or item.get_closest_marker("browser") or LARGE & {*fixtures}:
            item.add_marker(session_of_tests.ALONE)


def pytest_unconfigure(config: pytest.Config) -> None:
    """At an orderly end the warden's work is done here."""
    if session_of_tests.WORKER in os.environ:
        return
    session_of_tests.end(os.environ.pop(session_of_tests.MARK))
    config.stash[WARDEN].terminate()
    config.stash[WARDEN].wait()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Fail a test beside which a second plant lives, however it came there."""
    yield
    if session_of_tests.PLANTS.living():
        clocks = session_of_tests.clocks()
        assert len(clocks) <= 1, f"{len(clocks)} plants live at a time: {clocks}"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a session that leaves a process behind; what a worker leaves is the session's."""
    if session_of_tests.WORKER in os.environ:
        return
    left = session_of_tests.left_behind()
    if left:
        sys.stderr.write(f"\nThe tests have left processes behind: {left}\n")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def memory_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one, for what writes through to the disk thousands of times."""
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="kpp-test-", dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A real browser; without one the tests say so, or fail where it is required.

    It goes with its module: while it is open its event loop runs, and no other test could start one.
    """
    path = os.environ.get("KPP_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        reason = f"no browser found: none of {', '.join(BROWSERS)} on the PATH"
        if os.environ.get("KPP_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415 - half a second that most tests do not need

    expect.set_options(timeout=PAGE_PATIENCE)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=PAGE_PATIENCE)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def c_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C example, compiled as its header says."""
    program = tmp_path_factory.mktemp("example") / "subscribe"
    source = ROOT / "examples" / "subscribe.c"
    required = os.environ.get("KPP_REQUIRE_C_EXAMPLE") == "1"
    compiler = shutil.which("gcc")
    if compiler is None:
        _missing("gcc is not installed", required)
    flags = next(line for line in source.read_text().splitlines() if "gcc -std" in line).split("gcc ")[1].split()
    command = [str(compiler), "-Werror", *flags]
    command[command.index("examples/subscribe.c")] = str(source)
    command[command.index("-o") + 1] = str(program)
    probe = subprocess.run(
        [str(compiler), "-E", "-x", "c", "-"], input="#include <zmq.h>\n#include <msgpack.h>\n",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if probe.returncode != 0:
        _missing("headers are missing: apt install libzmq3-dev libmsgpack-dev", required)
    subprocess.run(command, check=True)
    return program


def _missing(reason: str, required: bool) -> None:
    if required:
        pytest.fail(f"KPP_REQUIRE_C_EXAMPLE=1, but {reason}")
    pytest.skip(f"the C example cannot be compiled: {reason}")


@pytest.fixture(params=["python", "c"])
def subscriber(request: pytest.FixtureRequest) -> list[str]:
    """The command line of each subscriber."""
    if request.param == "c":
        return [str(request.getfixturevalue("c_program"))]
    return [sys.executable, str(ROOT / "examples" / "subscribe.py")]
