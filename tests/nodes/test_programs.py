"""Which programs run on a host: those of all modules, and of the nodes that KPP_NODES names."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from supervisor import events
from supervisor.loggers import getLogger
from supervisor.options import ServerOptions

from bus.protocol.endpoints import EndpointError, Endpoints
from nodes.supervision.plugin import make_interface
from nodes.supervision.programs import NODES, arrange, local

ROOT = Path(__file__).resolve().parents[2]


def options() -> Any:
    """The project's supervisord.conf as supervisord reads it."""
    read = ServerOptions()
    read.realize(["-n", "-c", str(ROOT / "supervisord.conf")])
    read.process_config(do_usage=False)
    read.logger = getLogger()
    return read


def programs(environ: dict[str, str]) -> dict[str, Any]:
    """Name -> configuration of every program of a host."""
    endpoints = Endpoints.from_environment(environ)
    groups = arrange(options().process_group_configs, "physics", endpoints, local(endpoints, environ))
    return {config.name: config for group in groups for config in group.process_configs}


def test_s08_every_module_has_a_program() -> None:
    found = programs({"KPP_MODULES": "m1,m2,east"})
    modules = {name: config for name, config in found.items() if name.startswith("physics")}
    assert {name: config.command.partition("nodes.physics ")[2] for name, config in modules.items()} == {
        "physics_m1": "--module m1 --instance a",
        "physics_m2": "--module m2 --instance a",
        "physics_east": "--module east --instance a",
    }
    assert [Path(config.stdout_logfile).name for config in modules.values()] == [f"{name}.log" for name in modules]
    assert all(config.autorestart and config.startsecs == 0 and config.autostart for config in modules.values())


def test_s08_every_module_has_a_standby() -> None:
    found = programs({"KPP_MODULES": "m1,m2", "KPP_INSTANCES": "2"})
    modules = {name: config.command for name, config in found.items() if name.startswith("physics")}
    assert [*modules] == ["physics_m1", "physics_m2", "physics_m1.b", "physics_m2.b"]
    assert modules["physics_m2.b"].endswith(" --module m2 --instance b")


def test_s09_a_host_runs_what_it_is_told_to() -> None:
    shared = {"KPP_MODULES": "m1,m2@10.0.0.2"}
    assert programs(shared).keys() >= {"clock", "gateway_0", "stream_1", "ui", "recorder", "physics_m1", "physics_m2"}
    here = programs(shared | {"KPP_NODES": "m2, ui"})
    assert here.keys() == {"watchdog", "addresses", "physics_m2", "ui"}
    other = programs(shared | {"KPP_NODES": "clock,recorder,gateway"})
    names = {"watchdog", "addresses", "clock", "recorder", "gateway_0", "gateway_1", "stream_0", "stream_1"}
    assert other.keys() == names


@pytest.mark.parametrize("value", ["m3", "clock,physics", "clock,", "all"])
def test_s09_a_node_that_there_is_not_is_refused(value: str) -> None:
    with pytest.raises(
        EndpointError, match=r"^KPP_NODES: there is no '\w*': name some of clock, gateway, recorder, ui, m1$"
    ):
        local(Endpoints.from_environment({}), {"KPP_NODES": value})


def test_every_program_of_the_file_belongs_to_a_node_or_to_supervision() -> None:
    named = {program for programs in NODES.values() for program in programs}
    assert {group.name for group in options().process_group_configs} - named == {"physics", "watchdog", "addresses"}


def test_s08_supervisord_that_reads_its_file_again_finds_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KPP_MODULES", "m1,m2")
    read = options()
    read.here = str(tmp_path)
    (tmp_path / "var" / "log").mkdir(parents=True)
    groups = {config.name: config.make_group() for config in read.process_group_configs}
    make_interface(SimpleNamespace(options=read, process_groups=groups))
    assert [*groups["physics"].processes] == ["physics_m1", "physics_m2"]
    read.process_config(do_usage=False)
    assert read.process_group_configs == [group.config for group in groups.values()]


def test_a_node_is_told_how_often_its_program_was_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KPP_MODULES", "m1")
    read = options()
    read.here = str(tmp_path)
    (tmp_path / "var" / "log").mkdir(parents=True)
    kernel = SimpleNamespace(prctl=lambda *_: 0)  # nobody is to die with this test's parent
    monkeypatch.setattr("nodes.supervision.plugin.ctypes.CDLL", lambda _name: kernel)
    told: list[str | None] = []
    read.execve = lambda _file, _arguments, environ: told.append(environ.get("KPP_RESTARTS"))
    groups = {config.name: config.make_group() for config in read.process_group_configs}
    make_interface(SimpleNamespace(options=read, process_groups=groups))
    monkeypatch.setenv("KPP_SUPERVISOR_PID", str(os.getppid()))
    environ = {"SUPERVISOR_GROUP_NAME": "recorder", "SUPERVISOR_PROCESS_NAME": "recorder"}
    recorder = groups["recorder"].processes["recorder"]
    for _ in range(3):
        events.notify(events.ProcessStateStartingEvent(recorder, None))
        read.execve("python", ["python"], environ)
    assert told == ["0", "1", "2"]
