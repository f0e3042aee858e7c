"""The process: how it starts, stops and dies."""

import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from .conftest import shake_hands, start_gateway
from .peer import free_environment


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_soon_with_code_0_whoever_is_connected(number: signal.Signals) -> None:
    environment = free_environment()
    process = start_gateway(environment)
    host, port = environment["KPP_GATEWAY_WEBSOCKET"].split(":")
    with (
        httpx.Client(base_url=f"http://{environment['KPP_GATEWAY_HTTP']}") as client,
        socket.create_connection((host, int(port))) as stalled,
    ):
        assert client.get("/status").json()["backend_status"] == "down"
        shake_hands(stalled, "/ws")
        process.send_signal(number)
        assert process.wait(60) == 0, "the stalled client, which would stay for ever, does not hold it"


def test_a_taken_port_is_named() -> None:
    environment = free_environment()
    host, port = environment["KPP_GATEWAY_WEBSOCKET"].split(":")
    with socket.create_server((host, int(port))):
        run = subprocess.run(
            [sys.executable, "-m", "nodes.gateway"],
            env=os.environ | environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert run.returncode == 1
    assert b"KPP_GATEWAY_WEBSOCKET" in run.stdout
    assert port.encode() in run.stdout


def test_a_wrong_setting_is_named() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "nodes.gateway"],
        env=os.environ | {"KPP_MODULES": "clock"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert b"KPP_MODULES" in run.stdout


def test_a_defect_in_a_task_ends_the_process_with_an_error() -> None:
    script = "import nodes.gateway.app as server, nodes.gateway.__main__ as node; server.PULSE = None; node.main()"
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | free_environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert b"TypeError" in run.stdout
