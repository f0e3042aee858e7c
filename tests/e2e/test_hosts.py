"""A plant on several hosts, as docs/hosts.md says: its blocks are run on three hosts in network namespaces."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil
import pytest

from tests.e2e.conftest import ROOT, START_TIMEOUT, configuration, launch, stop
from tests.session import PLANTS, Process
from tests.watching import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

PAGE = (ROOT / "docs" / "hosts.md").read_text()
ADDRESSES = {"a": "10.0.0.1", "b": "10.0.0.2", "c": "10.0.0.3"}
HUB = "hub"
RATE = "20"
"""Ticks per second: two modules and two gateways are much for a small machine."""


def blocks(language: str) -> list[str]:
    """The page's blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def block(word: str) -> str:
    """The page's one block of commands with a word."""
    (found,) = [each for each in blocks("sh") if word in each]
    return found


def exported(text: str) -> dict[str, str]:
    """The settings of a block."""
    return dict(re.findall(r"^export (\w+)=(.*)$", text, re.MULTILINE))


def nodes_of(host: str) -> dict[str, str]:
    """What KPP_NODES is on a host."""
    starting = [each for each in blocks("sh") if "KPP_NODES" in each]
    return exported(starting["ab".index(host)])


SETTINGS = exported(block("KPP_MODULES"))


@dataclass
class Host:
    """A network namespace with a folder of its own, as a checkout would be."""

    name: str
    folder: Path
    started: list[Process] = field(default_factory=list)

    @property
    def netns(self) -> str:
        """The namespace, which the test's process names too."""
        return f"kpp-{os.getpid()}-{self.name}"

    def command(self, *words: str) -> list[str]:
        """A command as it is run there."""
        return ["ip", "netns", "exec", self.netns, *words]

    def environment(self, more: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
        """The settings there: those of the page, and none of this process."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("KPP_") or "SESSION" in name}
        place = {"KPP_DATA": str(self.folder / "var"), "KPP_TICK_RATE": RATE, "KPP_SCENARIOS": str(ROOT / "scenarios")}
        return {**own, **SETTINGS, **place, **more}

    def run(self, *words: str, **more: str) -> str:
        """What a command says there; it has to succeed."""
        done = subprocess.run(
            self.command(*words), cwd=ROOT, env=self.environment(more), capture_output=True, text=True, check=False,
            timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def kpp(self, *words: str) -> str:
        """What a command of ours says there."""
        return self.run(sys.executable, "-m", "console", *words)

    def start(self) -> Process:
        """Supervisord there, as `make run` starts it, with what the page says that this host runs."""
        env = self.environment(nodes_of(self.name))
        process = launch(configuration(self.folder), env, self.folder / "output.txt", self.command())
        self.started.append(process)
        return process

    def said(self) -> str:
        """What supervisord has written to its terminal."""
        path = self.folder / "output.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    def log(self, program: str) -> str:
        """A program's log."""
        path = self.folder / "var" / "log" / f"{program}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self) -> None:
        """End what runs there."""
        while self.started:
            stop(self.started.pop())

    def rest(self, method: str, path: str, token: str) -> tuple[int, dict[str, Any]]:
        """A request to the gateway of this host, with curl as on the page."""
        url = f"http://127.0.0.1:9100{path}"
        said = self.run(
            "curl", "-s", "-m", "30", "-X", method, "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {token}", url
        )
        body, _, status = said.rpartition("\n")
        with suppress(ValueError):
            return int(status), json.loads(body or "{}")
        return int(status), {}


def ip(*words: str) -> None:
    """Run ip."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


def unable() -> str:
    """Why there can be no namespaces with addresses here, empty when there can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "network namespaces need root on Linux"
    name = f"kpp-{os.getpid()}-probe"
    try:
        ip("netns", "add", name)
        try:
            ip("-n", name, "link", "add", "x", "type", "veth", "peer", "name", "y")
            subprocess.run(["ip", "netns", "exec", name, "curl", "--version"], check=True, capture_output=True)
        finally:
            ip("netns", "del", name)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"network namespaces, or curl in one, cannot be had here: {error}"
    return ""


@contextmanager
def network(hosts: list[Host]) -> Iterator[None]:
    """The hosts with their addresses, behind one switch; nothing of this machine's own network is touched."""
    hub = Host(HUB, Path())
    with ExitStack() as stack:
        for host in (hub, *hosts):
            ip("netns", "add", host.netns)
            stack.callback(ip, "netns", "del", host.netns)
            ip("-n", host.netns, "link", "set", "lo", "up")
        ip("-n", hub.netns, "link", "add", "switch", "type", "bridge")
        ip("-n", hub.netns, "link", "set", "switch", "up")
        for host in hosts:
            port = f"to-{host.name}"
            ip("-n", hub.netns, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host.netns)
            ip("-n", hub.netns, "link", "set", port, "master", "switch", "up")
            ip("-n", host.netns, "addr", "add", f"{ADDRESSES[host.name]}/24", "dev", "eth0")
            ip("-n", host.netns, "link", "set", "eth0", "up")
        yield


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Host]]:
    """Hosts A, B and C, on which nothing runs."""
    if reason := unable():
        pytest.skip(reason)
    found = {name: Host(name, tmp_path_factory.mktemp(f"host-{name}")) for name in ADDRESSES}
    with network(list(found.values())):
        try:
            yield found
        finally:
            for host in found.values():
                host.stop()


def is_up(host: Host) -> bool:
    """Has its terminal said so?"""
    return "is up" in host.said()


@dataclass(frozen=True)
class Keyed:
    """What `kpp keys init` showed on host A."""

    tokens: dict[str, str]
    panel: Path


@pytest.fixture(scope="module")
def keyed(hosts: dict[str, Host]) -> Keyed:
    """Host A with keys and that of the panel, as step 2 says."""
    a = hosts["a"]
    assert block("keys init").split() == [".venv/bin/kpp", "keys", "init"]
    tokens = dict(re.findall(r"(viewer|operator|admin)\s+(kpp_\S+)", a.kpp("keys", "init")))
    panel = a.folder / "panel.json"
    words = block("keys client").split()
    assert words[0] == ".venv/bin/kpp"
    a.kpp(*[str(panel) if word == "panel.json" else word for word in words[1:]])
    return Keyed(tokens, panel)


def copy_keys(of: Host, to: Host) -> None:
    """The pipe of step 2, whose `ssh` goes to a folder instead."""
    script = block("tar -C var").replace("ssh 10.0.0.2 ", "sh -c ").replace("kpp/var", str(to.folder / "var"))
    script = script.replace("-C var ", f"-C {of.folder / 'var'} ")
    subprocess.run(["sh", "-c", script], check=True)


def test_s09_what_is_not_this_hosts_address_is_told_before_anything_starts(
    hosts: dict[str, Host], keyed: Keyed
) -> None:
    a = hosts["a"]
    assert keyed.tokens
    env = a.environment()  # all nodes, m2 among them
    process = launch(configuration(a.folder), env, a.folder / "output.txt", a.command())
    assert process.wait(timeout=60) != 0
    said = a.said()
    (a.folder / "output.txt").unlink()
    assert "states of m2.a cannot listen at 10.0.0.2:9211: 10.0.0.2 is not an address of this host" in said
    assert "10.0.0.1" in said.partition("not an address")[2]
    assert "clock" not in said


def test_s09_foreign_keys_are_told_on_both_hosts(hosts: dict[str, Host], keyed: Keyed) -> None:
    a, b = hosts["a"], hosts["b"]
    assert keyed.panel.stat().st_mode & 0o777 == 0o600
    a.start()
    b.kpp("keys", "init")
    b.start()
    eventually(lambda: "keys of another plant" in a.log("clock"), START_TIMEOUT, "host A says whom it refuses")
    assert re.search(r"a connection from (10\.0\.0\.2|a host that was gone at once) was refused", a.log("clock"))
    eventually(
        lambda: "tcp://10.0.0.1:9202 breaks off the handshake" in b.log("physics_m2"), START_TIMEOUT, "so does B"
    )
    eventually(lambda: "waiting for:" in b.said(), START_TIMEOUT, "the terminal of B says what it waits for")
    assert "module m2 (the clock at tcp://10.0.0.1:9202 is not heard" in b.said()
    assert "is up" not in b.said()
    b.stop()
    (b.folder / "output.txt").unlink()


def test_s09_a_plant_on_two_hosts_runs_as_the_page_says(hosts: dict[str, Host], keyed: Keyed) -> None:
    a, b, c = hosts["a"], hosts["b"], hosts["c"]
    copy_keys(a, b)
    b.start()
    for host in (a, b):
        eventually(partial(is_up, host), 2 * START_TIMEOUT, "both say that they are up")
    operator = keyed.tokens["operator"]
    eventually(lambda: b.rest("GET", "/v1/health", operator)[0] == 200, START_TIMEOUT, "both modules are heard")
    assert "127.0.0.1:9100/v1/time/start" in block("curl")
    status, answer = b.rest("POST", "/v1/time/start", operator)
    assert (status, answer.get("command")) == (200, "start")
    words = block("examples/subscribe.py").split()
    assert words[0] == "python"
    told = c.run(sys.executable, *[str(keyed.panel) if word == "panel.json" else word for word in words[1:]])
    assert "20 frames, 0 missed, 0 unreadable" in told
    programs = {name: {each.name() for each in psutil.Process(hosts[name].started[0].pid).children()} for name in "ab"}
    assert programs["b"], "the watchdog of B looks after its own"
    stopped, answer = a.rest("POST", "/v1/controls/emergency-stop/all", operator)
    assert (stopped, answer["applied"].keys()) == (200, {"m1", "m2"})


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGSTOP])
def test_s09_a_module_on_another_host_that_dies_or_hangs_comes_back(
    hosts: dict[str, Host], keyed: Keyed, kind: signal.Signals
) -> None:
    """Supervisord of its host starts it again; the watchdog there ends one that the clock does not hear any more."""
    a, b = hosts["a"], hosts["b"]
    token = keyed.tokens["operator"]

    def module() -> psutil.Process | None:
        for each in psutil.Process(b.started[0].pid).children():
            with suppress(psutil.Error):  # one that has just been killed
                if "nodes.physics" in each.cmdline():
                    return each
        return None

    def tick() -> int:
        status, said = a.rest("GET", "/v1/nodes", token)
        assert status == 200, said
        nodes = said["nodes"]
        return max((each["seq"] for each in nodes if each["node"] == "m2"), default=0)

    killed = module()
    assert killed is not None
    before = tick()
    killed.send_signal(kind)
    eventually(
        lambda: (found := module()) is not None and found.pid != killed.pid, 60, "supervisord of B starts it again"
    )
    eventually(lambda: tick() > before + 20, START_TIMEOUT, "it folds on")
    eventually(lambda: a.rest("GET", "/v1/health", token)[0] == 200, START_TIMEOUT, "both modules are heard")


def test_s09_what_is_started_in_a_session_of_its_own_outlives_the_shell(hosts: dict[str, Host], keyed: Keyed) -> None:
    a, b = hosts["a"], hosts["b"]
    b.stop()
    (b.folder / "output.txt").unlink()
    config, env = configuration(b.folder), b.environment(nodes_of("b"))
    make = f"{sys.executable} -I -m supervisor.supervisord -n -c {config}"
    script = block("setsid").replace("make run", make).replace("run.log", str(b.folder / "output.txt"))
    PLANTS.expect(env["KPP_CLOCK_PUBLISH"])
    subprocess.run(b.command("sh", "-c", script), cwd=ROOT, env=env, check=True)
    try:
        eventually(lambda: "is up" in b.said(), 2 * START_TIMEOUT, "it is up, and its shell has gone")
        eventually(lambda: a.rest("GET", "/v1/health", keyed.tokens["viewer"])[0] == 200, 60, "both modules are heard")
    finally:
        pid = int((b.folder / "var" / "supervisord.pid").read_text())
        psutil.Process(pid).terminate()
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=60)
