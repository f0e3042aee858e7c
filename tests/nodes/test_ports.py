"""What keeps this host's nodes from listening, told before the first of them is started."""

import socket

import pytest

from bus.protocol.endpoints import Endpoints
from nodes.supervision.ports import bound, unusable


def of(environ: dict[str, str], here: set[str]) -> list[str]:
    """What there is to tell of a host."""
    return unusable(Endpoints.from_environment(environ), here)


def test_s09_an_address_of_another_host_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "nodes.supervision.ports.require_safe_socket", lambda _address: None
    )  # keys are not what is at fault
    (line,) = [line for line in of({"KPP_MODULES": "m1,m2@192.0.2.7"}, {"m2"}) if "states" in line]
    assert line.startswith("states of m2.a cannot listen at 192.0.2.7:9211: 192.0.2.7 is not an address of this host")
    assert "127.0.0.1" in line, "it says which it has"
    assert line.endswith("or KPP_NODES if m2 runs on another one.")
    assert of({"KPP_MODULES": "m1,m2@192.0.2.7"}, set()) == [], "what runs elsewhere is not tried"


def test_s09_an_address_that_is_taken_is_named_with_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (line,) = of({"KPP_RECORDER": f"tcp://127.0.0.1:{port}"}, {"recorder"})
    assert line.startswith(f"port {port} for the recorder is taken: ")
    assert line.endswith("Stop it, or set KPP_RECORDER to another address.")


def test_s09_a_name_that_cannot_be_looked_up_is_named() -> None:
    (line,) = of({"KPP_RECORDER": "tcp://localhost.invalid:9230"}, {"recorder"})
    assert "localhost.invalid" in line


def test_s09_other_machines_reach_nothing_without_keys() -> None:
    (line,) = of({"KPP_RECORDER": "tcp://0.0.0.0:9230"}, {"recorder"})
    assert "kpp keys init" in line


def test_s08_modules_that_run_into_another_nodes_ports_are_refused() -> None:
    modules = ",".join(f"m{k}" for k in range(21))
    lines = of({"KPP_MODULES": modules, "KPP_PHYSICS_PUBLISH": "tcp://127.0.0.1:29210",
                "KPP_PHYSICS_SNAPSHOT": "tcp://127.0.0.1:29250", "KPP_RECORDER": "tcp://127.0.0.1:29230"},
               {"recorder", "m20"})  # fmt: skip
    assert lines[0] == (
        "port 29230 would be for the recorder (KPP_RECORDER) and states of m20.a (KPP_PHYSICS_PUBLISH): "
        "set one of them to another address."
    )


def test_every_address_of_the_plant_belongs_to_a_node() -> None:
    endpoints = Endpoints.from_environment({"KPP_MODULES": "m1,m2", "KPP_INSTANCES": "2"})
    assert len(bound(endpoints)) == 7 + 2 * 2 * 2
    assert {each.node for each in bound(endpoints)} == {"clock", "gateway", "ui", "recorder", "m1", "m2"}
