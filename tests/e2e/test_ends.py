"""How a plant ends, or does not begin: Ctrl-C, a killed supervisor, a taken port. Each test has a plant of its own."""

import os
import signal
import socket
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import START_TIMEOUT, STOP_TIMEOUT, environment, launched
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


def up(folder: Path) -> bool:
    """True once the addresses have been printed."""
    return "is up" in (folder / "output.txt").read_text()


def test_a_taken_port_is_named_with_its_holder(tmp_path: Path) -> None:
    env = environment(tmp_path)
    port = int(env["KPP_GATEWAY_HTTP"].rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)), launched(tmp_path, env) as process:
        assert process.wait(timeout=STOP_TIMEOUT) != 0
    said = (tmp_path / "output.txt").read_text()
    assert f"port {port} for the REST interface is taken" in said
    assert f"process {os.getpid()}" in said
    assert "KPP_GATEWAY_HTTP" in said


def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    with launched(tmp_path, environment(tmp_path)) as process:
        eventually(lambda: up(tmp_path), START_TIMEOUT, "the plant is up")
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        assert len(family) >= 5
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=STOP_TIMEOUT) == 0
        assert psutil.wait_procs(family, timeout=STOP_TIMEOUT)[1] == []


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    with launched(tmp_path, environment(tmp_path)) as process:
        eventually(lambda: up(tmp_path), START_TIMEOUT, "the plant is up")
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 4
        process.kill()
        process.wait()
        assert psutil.wait_procs(family, timeout=STOP_TIMEOUT)[1] == []
