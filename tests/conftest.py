"""What several kinds of tests need: a real browser, and the examples as programs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

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

expect.set_options(timeout=10_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser; without one the tests say so, or fail where it is required.

    It goes with its module: while it is open its event loop runs, and no other test could start one.
    """
    path = os.environ.get("KPP_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        reason = f"no browser found: none of {', '.join(BROWSERS)} on the PATH"
        if os.environ.get("KPP_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
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
