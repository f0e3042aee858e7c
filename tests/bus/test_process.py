"""What every process does: never outlive its parent, stop when told, beat, log."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bus.protocol import codec
from bus.protocol.endpoints import Endpoints
from bus.protocol.health import COMPILING, OK, STORAGE, HealthReport
from bus.protocol.messages import Beat
from bus.transport.sockets import Server
from runtime import process
from runtime.process import SUPERVISOR_PID, Heart, Starting, StopSignal, instance_name
from tests.bus.conftest import PATIENCE, eventually
from tests.ports import free_address

ROOT = Path(__file__).resolve().parents[2]

CHILD = """
import os, signal
from runtime.process import die_with_parent
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
die_with_parent()
print(os.getpid(), flush=True)
while signal.sigwait([signal.SIGUSR1]):
    print("works", flush=True)
"""

PARENT = """
import os, subprocess, sys
from runtime.process import SUPERVISOR_PID
tied = {SUPERVISOR_PID: str(os.getpid())} if len(sys.argv) > 2 else {}
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], env={**os.environ, **tied})
child.wait()
"""


def line(process: subprocess.Popen[str]) -> str:
    """The next line that a process writes."""
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], PATIENCE)[0], "it says nothing"
    return process.stdout.readline()


def test_s09_a_node_that_was_started_by_hand_outlives_its_shell() -> None:
    command = [sys.executable, "-c", PARENT, CHILD]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        node = psutil.Process(int(line(parent)))
        try:
            parent.kill()
            parent.wait()
            eventually(lambda: node.ppid() != parent.pid, "somebody else is its parent")
            node.send_signal(signal.SIGUSR1)
            assert line(parent) == "works\n"
        finally:
            node.kill()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's help is Linux's own")
def test_a_node_dies_with_a_parent_that_was_killed() -> None:
    command = [sys.executable, "-c", PARENT, CHILD, "tied"]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with parent:
        node = psutil.Process(int(line(parent)))
        try:
            assert node.ppid() == parent.pid
            parent.kill()
            parent.wait()
            assert psutil.wait_procs([node], timeout=PATIENCE)[1] == [], "the node outlived its parent"
        finally:
            if node.is_running():
                node.kill()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's help is Linux's own")
def test_a_node_whose_supervisor_died_before_it_asked_ends_at_once() -> None:
    script = "from runtime.process import die_with_parent; die_with_parent(); print('lives')"
    for parent, lives in ((os.getpid(), True), (os.getpid() + 1, False)):
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT, env={**os.environ, SUPERVISOR_PID: str(parent)}, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert ("lives" in done.stdout) is lives
        assert ("the parent process has gone" in done.stderr) is not lives


def test_children_of_a_node_do_not_take_the_supervisor_for_their_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import os; from runtime.process import SUPERVISOR_PID, die_with_parent; die_with_parent();"
        "print(SUPERVISOR_PID in os.environ)"
    )
    env = {**os.environ, SUPERVISOR_PID: str(os.getpid())}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_starting_node_beats_while_its_main_thread_is_busy() -> None:
    endpoints = Endpoints.from_environment({"KPP_CLOCK_CONTROL": free_address()})

    def heard(server: Server) -> tuple[str, str, str] | None:
        received = server.receive(0.02)
        if received is None:
            return None
        request = codec.decode_clock_request(received[1])
        assert isinstance(request, Beat)
        assert (request.node, request.pid, request.instance) == ("physics", os.getpid(), instance_name())
        return request.health, request.reason, request.status

    with Server(endpoints.clock_control) as server:
        with Starting(endpoints, "physics", "loading") as starting:
            eventually(lambda: heard(server) == ("starting", "", "starting: loading"), "it says what it does")
            starting.say("compiling", COMPILING)
            now = ("starting", COMPILING, "starting: compiling")
            eventually(lambda: heard(server) == now, "it says what it does now")
        while heard(server):
            pass
        assert heard(server) is None, "it is over"


def test_stop_signal_is_set_by_the_supervisors_signals() -> None:
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        for number, _handler in before:
            stop = StopSignal()
            assert not stop
            os.kill(os.getpid(), number)
            assert stop
    finally:
        for number, handler in before:
            signal.signal(number, handler)


SAYS = """
import logging, threading, warnings
from runtime import log
from runtime.log import Seldom
from runtime.process import begin
told = begin('clock')
told.info('started', epoch=3)
log.at('0001-001', 7)
told.info('paused')
told.info('dropped', run='0000-001')
logging.getLogger('uvicorn.error').warning('careful')
logging.getLogger('uvicorn.error').warning('Invalid HTTP request received.')
warnings.warn('old')
seldom = Seldom(pause=10.0)
for now in (1.0, 2.0, 10.9, 11.1):
    if seldom.due(now):
        told.info('bad frame', now=now)
thread = threading.Thread(target=lambda: [][1], name='ears')
thread.start()
thread.join()
raise ZeroDivisionError('in the middle')
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a log read as the supervisor does on Linux")
def test_all_that_a_process_says_is_json_with_node_pid_run_and_tick() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SAYS], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")
    said = [json.loads(line) for line in done.stdout.splitlines()]
    first = said[0]
    assert (first["node"], first["event"], first["epoch"], first["level"]) == ("clock", "started", 3, "info")
    assert isinstance(first["pid"], int)
    assert first["timestamp"].endswith("Z")
    assert [(line.get("run"), line.get("tick")) for line in said[:3]] == [
        (None, None), ("0001-001", 7), ("0000-001", None),
    ]  # fmt: skip
    assert (said[3]["event"], said[3]["source"]) == ("careful", "uvicorn.error")
    assert "old" in said[4]["event"]
    assert [line["now"] for line in said[5:7]] == [1.0, 11.1]
    assert (said[7]["thread"], said[7]["level"]) == ("ears", "critical")
    assert "IndexError" in said[7]["exception"]
    assert (said[8]["event"], said[8]["run"], said[8]["tick"]) == ("ended by an error", "0001-001", 7)
    assert "ZeroDivisionError: in the middle" in said[8]["exception"]


def test_heart_beats_at_its_own_pace_and_not_without_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "BEAT_INTERVAL", 0.0)
    endpoints = Endpoints.from_environment({"KPP_CLOCK_CONTROL": free_address()})
    heart = Heart(endpoints, "ui")
    heart.beat(1, HealthReport("ok", "nobody hears this"))
    with Server(endpoints.clock_control) as server:
        beats: list[Beat] = []

        def heard(seq: int) -> bool:
            received = server.receive(0.02)
            if received is not None:
                request = codec.decode_clock_request(received[1])
                assert isinstance(request, Beat)
                beats.append(request)
            return bool(beats) and beats[-1].seq == seq

        def beating() -> bool:
            heart.beat(41, OK)
            return heard(41)

        eventually(beating, "the clock hears a beat")
        monkeypatch.setattr(process, "BEAT_INTERVAL", 60.0)
        heart.beat(42, HealthReport("degraded", "full" * 200, STORAGE), clients=3)
        heart.beat(43, OK)
        eventually(lambda: heard(42), "the next beat")
        assert server.receive(0.02) is None
    beat = beats[-1]
    assert (beat.node, beat.pid, beat.instance, len(beat.status)) == ("ui", os.getpid(), instance_name(), 200)
    assert (beat.health, beat.reason, beat.clients) == ("degraded", STORAGE, 3)
    assert beat.status.startswith("degraded: full"), "programs from before the field find how the text began"
    assert (beats[0].health, beats[0].reason, beats[0].clients) == ("ok", "", None)
    assert beats[0].seq == 41, "nothing was kept for a clock that was not there"
    heart.close()
