"""The real plant: supervisord with the own configuration of the project, on free ports, its files in a new folder."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import psutil
import pytest

from bus.protocol.endpoints import Endpoints
from runtime.replay_endpoints import VARIABLES
from tests.ports import free_ports
from tests.session import PLANTS
from tests.watching import eventually

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 60.0
ANSWER_TIMEOUT = 60.0
"""Seconds that a door may take to answer."""

STOP_TIMEOUT = 60.0
"""Seconds that supervisord may take to stop: it kills after 5 to 10 s whoever does not."""


def get(address: object, path: str) -> httpx.Response | None:
    """An HTTP answer, None when nobody listens."""
    try:
        return httpx.get(f"{address}{path}", timeout=ANSWER_TIMEOUT)
    except httpx.TransportError:
        return None


def healthy(endpoints: Endpoints) -> bool:
    """True when clock, plant and gateway say that nothing is missing, and the dashboard answers."""
    gateway = get(endpoints.gateway_http, "/health")
    pages = [get(endpoints.clock_http, "/health"), get(endpoints.gateway_websocket, "/"), get(endpoints.ui_http, "/")]
    return (
        gateway is not None
        and gateway.status_code == 200
        and all(page is not None and page.status_code == 200 for page in pages)
    )


@dataclass
class Plant:
    """A running supervisord and how to reach what it started."""

    process: subprocess.Popen[bytes]
    config: Path
    environment: dict[str, str]
    endpoints: Endpoints
    output: Path

    def said(self) -> str:
        """What supervisord has written to its terminal."""
        return self.output.read_text(errors="replace")

    def log(self, node: str) -> str:
        """A node's log."""
        path = self.config.parent / "var" / "log" / f"{node}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def get(self, address: object, path: str) -> httpx.Response | None:
        """An HTTP answer, None when nobody listens."""
        return get(address, path)

    def healthy(self) -> bool:
        """True when clock, plant and gateway say that nothing is missing, and the dashboard answers."""
        return healthy(self.endpoints)

    def replaced(self, node: str, pid: int) -> bool:
        """True once a node has another process than the one that is given."""
        return self.pid(node) not in {0, pid}

    def pid(self, node: str, plant_module: str = "") -> int:
        """Process id of a node, 0 while it has none.

        Args:
            node: its name.
            plant_module: which one, of several.
        """
        for child in psutil.Process(self.process.pid).children():
            try:
                command = child.cmdline()
            except psutil.Error:
                continue
            module = command[command.index("-m") + 1] if "-m" in command else ""
            if module.rpartition(".")[2] == node and (not plant_module or plant_module in command):
                return child.pid
        return 0

    def family(self) -> list[psutil.Process]:
        """Supervisord and all that it started."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def post(self, path: str, body: Any = None) -> httpx.Response:
        """A REST command."""
        return httpx.post(f"{self.endpoints.gateway_http}{path}", json=body, timeout=ANSWER_TIMEOUT)


def configuration(folder: Path, option: str = "-I") -> Path:
    """The project's supervisord.conf with its files in `folder`.

    Args:
        folder: where they are.
        option: of Python; -P lets PYTHONPATH have its say, for tests that put a module of theirs before all.
    """
    text = (ROOT / "supervisord.conf").read_text()
    text = text.replace("/proc/self/cwd/var/", f"{folder}/var/")
    text = re.sub(r"(?<![\w/])var/", f"{folder}/var/", text)
    text = text.replace(".venv/bin/python -I", f"{sys.executable} {option}")
    (folder / "var" / "log").mkdir(parents=True, exist_ok=True)
    path = folder / "supervisord.conf"
    path.write_text(text)
    return path


WEB = ("KPP_CLOCK_HTTP", "KPP_GATEWAY_HTTP", "KPP_GATEWAY_WEBSOCKET", "KPP_UI_HTTP")
OF_MODULES = ("KPP_PHYSICS_PUBLISH", "KPP_PHYSICS_SNAPSHOT")
BUS = ("KPP_CLOCK_PUBLISH", "KPP_CLOCK_CONTROL", *OF_MODULES, "KPP_RECORDER")


def environment(folder: Path, instances: int = 1, modules: Sequence[str] = ("m1",)) -> dict[str, str]:
    """Free ports for every address, and the journal in `folder`.

    Args:
        folder: where the files are.
        instances: processes of each module: 1, or 2 with a hot standby.
        modules: plant modules.
    """
    replays = [name.replace("KPP_", "KPP_REPLAY_", 1) for name in VARIABLES]
    names = [*WEB, *BUS, *replays]
    width = {name: len(modules) * instances if name.replace("REPLAY_", "") in OF_MODULES else 1 for name in names}
    ports = free_ports(sum(width.values()))
    chosen = {}
    for name in names:
        scheme = "tcp://" if name.replace("REPLAY_", "") in BUS else ""
        chosen[name] = f"{scheme}127.0.0.1:{ports[0]}"
        del ports[: width[name]]
    chosen |= {"KPP_INSTANCES": str(instances), "KPP_MODULES": ",".join(modules)}
    return {**os.environ, **chosen, "KPP_DATA": str(folder / "var")}


def launch(config: Path, env: dict[str, str], output: Path, before: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start supervisord as `make run` does.

    Args:
        config: its configuration.
        env: its whole environment.
        output: where it writes.
        before: words before the command, of a program that runs it.
    """
    command = [*before, str(Path(sys.executable).with_name("supervisord")), "-n", "-c", str(config)]
    with output.open("ab") as file:
        return PLANTS.start(env, command, file)


@contextmanager
def launched(folder: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Supervisord with its files in `folder` and its words in `output.txt` there; whatever happens, it ends."""
    process = launch(configuration(folder), env, folder / "output.txt")
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C, and the end of whoever does not heed it."""
    family = [] if process.poll() is not None else psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()  # its children go with it
        process.wait()
    for each in psutil.wait_procs(family, timeout=STOP_TIMEOUT)[1]:
        each.kill()


@contextmanager
def started(
    folder: Path,
    extra: Mapping[str, str] = MappingProxyType({}),
    instances: int = 1,
    modules: Sequence[str] = ("m1",),
) -> Iterator[Plant]:
    """The plant, started as a user does and healthy; at the end nothing of it may be left.

    Args:
        folder: where its files are.
        extra: more environment variables.
        instances: processes of each module: 1, or 2 with a hot standby.
        modules: plant modules.
    """
    config = configuration(folder, "-P" if "PYTHONPATH" in extra else "-I")
    env, output = {**environment(folder, instances, modules), **extra}, folder / "output.txt"
    process = launch(config, env, output)
    plant = Plant(process, config, env, Endpoints.from_environment(env), output)
    try:
        eventually(plant.healthy, START_TIMEOUT, "the plant is healthy")
        yield plant
    finally:
        stop(process)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """The plant of one file of tests."""
    with started(tmp_path_factory.mktemp("plant")) as plant:
        yield plant
