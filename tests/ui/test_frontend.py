"""The page's JavaScript as software: its types, lint, layers and format, and the tests of its pure modules.

They need Node.js and the packages of the lock. Where there is no Node.js they are skipped; with KPP_REQUIRE_NODE=1, as
in continuous integration, they fail.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from bus.protocol.messages import Command, Snapshot
from tests.ui.synthetic_plant import PARAMETERS
from tests.ui.test_stream import Room
from ui.page_stream import PageStream
from ui.server import _hello

FRONTEND = Path(__file__).resolve().parents[2] / "ui" / "frontend"
LOCK = FRONTEND / "package-lock.json"
STAMP = FRONTEND / "node_modules" / ".kpp-lock"
"""Digest of the lock that the packages were installed from."""

REQUIRED = os.environ.get("KPP_REQUIRE_NODE") == "1"
STREAM_TYPES = {"hello": "Hello", "note": "Note", "geometry": "Geometry", "alarms": "Alarms", "command": "Command"}


def _missing(reason: str) -> NoReturn:
    if REQUIRED:
        pytest.fail(f"KPP_REQUIRE_NODE=1, but {reason}")
    # Whoever uses or changes only the Python needs no Node.js: the bundle is committed, and a test of its own sees to
    # it that it is what its sources give.
    pytest.skip(f"the page's JavaScript is not checked: {reason}")


@pytest.fixture(scope="module")
def npm() -> str:
    """The path of npm, with the packages of the lock installed."""
    found = shutil.which("npm")
    if found is None or shutil.which("node") is None:
        _missing("there is no Node.js")
    with LOCK.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests may run in several processes, and one installs
        _install(found, hashlib.sha256(lock.read()).hexdigest())
    return found


def _install(npm: str, digest: str) -> None:
    """Install the packages of the lock with this digest, unless that is done."""
    if STAMP.exists() and STAMP.read_text() == digest:
        return
    try:
        done = _run([npm, "ci", "--no-audit", "--no-fund"], timeout=120)
    except subprocess.TimeoutExpired:
        _missing("its packages could not be installed within two minutes")
    else:
        if done.returncode != 0:
            _missing(f"its packages cannot be installed: {done.stderr.strip()[-400:]}")
        STAMP.write_text(digest)


def _run(command: list[str], timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True, timeout=timeout, check=False)


def test_types_lint_layers_and_format_are_as_they_should_be(npm: str) -> None:
    done = _run([npm, "run", "--silent", "check"])
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pure_modules_do_what_their_tests_say(npm: str) -> None:
    done = _run([npm, "test", "--silent"])
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_server_sends_has_the_types_that_the_page_declares(npm: str, tmp_path: Path) -> None:
    texts = {str(text["type"]): text for text in _sent()}
    assert set(texts) == set(STREAM_TYPES)
    samples = tmp_path / "samples.ts"
    lines = [f"const {kind}: ui.{STREAM_TYPES[kind]} = {json.dumps(text)}\n" for kind, text in _typed(texts)]
    samples.write_text("".join([*lines, f"export const samples = [{', '.join(STREAM_TYPES)}]\n"]))
    types = [str(FRONTEND / "src" / name) for name in ("messages.d.ts", "types.d.ts")]
    options = ["--strict", "--noEmit", "--ignoreConfig", "--target", "es2024", "--module", "esnext", "--types", ""]
    modes = ["--moduleResolution", "bundler", "--allowJs", "--lib", "es2024,dom,dom.iterable"]
    done = _run([npm, "exec", "--offline", "--", "tsc", *options, *modes, str(samples), *types])
    assert done.returncode == 0, done.stdout + done.stderr


def _typed(texts: dict[str, dict[str, object]]) -> list[tuple[str, dict[str, object]]]:
    """Every message as the page's type has it: a command is told its kind apart."""
    command = {name: value for name, value in texts["command"].items() if name != "type"}
    return [*((kind, text) for kind, text in texts.items() if kind != "command"), ("command", command)]


def _sent() -> list[dict[str, object]]:
    """One text of each kind, as the server sends it to a page."""
    room = Room()
    room.stream = PageStream(room.plant, threading.Lock(), _hello())
    page = room.join()
    room.source.wishes.overrides = {"plc": {"state": "tripped", "trip": "shaft overspeed"}}
    command = Command("c1", "m1", "set_parameters", {"water_depth": 12.0}, "test")
    room.plant.hear(room.source.tick_message(0.01, [command]), 0.0)
    room.plant.hear(room.source.status(), 0.0)
    room.go(0.1)
    room.stream.geometry(Snapshot("m1", room.source.run, 1, 1.0, "reference", PARAMETERS, None))
    room.stream.send()
    return page.texts
