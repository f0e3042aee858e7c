"""One table of who may do what, and every door goes by it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import zmq

from bus import codec
from bus.messages import (
    Ack,
    Beat,
    ClockRequest,
    CommandRequest,
    ForkRequest,
    ModuleRequest,
    PrepareRequest,
    RecorderRequest,
)
from bus.schema import Message
from bus.security import keys
from bus.security.command import main
from bus.security.keys import ANYBODY
from bus.security.roles import command_role, denied, origin, request_role
from bus.security.tokens import Caller, Role
from bus.sockets import Dealer, Request, Server
from tests.bus.samples import sample

NODE_ALONE = {Ack, Beat, PrepareRequest}


def request(name: str = "start", module: str = "clock") -> CommandRequest:
    return CommandRequest(id="x", module=module, name=name, args={}, origin="gateway:ann")


@pytest.mark.parametrize("cls", [*get_args(ClockRequest), *get_args(ModuleRequest), *get_args(RecorderRequest)])
def test_s05_who_may_send_what_on_the_bus(cls: type[Message]) -> None:
    made = codec.build(cls, sample(cls))
    needed = Role.NODE if cls in NODE_ALONE else Role.OPERATOR if cls in {CommandRequest, ForkRequest} else Role.VIEWER
    assert request_role(made) == needed
    for role in Role:
        refused = denied(made, Caller("ann", role))
        assert (refused is None) == (role >= needed)


@pytest.mark.parametrize(
    ("module", "name", "role"),
    [("clock", "set_policy", Role.ADMIN), ("clock", "start", Role.OPERATOR), ("m1", "set_policy", Role.OPERATOR)],
)
def test_s05_the_role_of_a_command(module: str, name: str, role: Role) -> None:
    assert command_role(module, name) == role


def test_s05_the_origin_is_what_the_door_says() -> None:
    assert origin(request(), ANYBODY) == "gateway:ann"
    assert origin(request(), Caller("other-host", Role.NODE)) == "gateway:ann"
    assert origin(request(), Caller("tool", Role.ADMIN)) == "bus:tool"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Fresh keys that the sockets of this process use."""
    where = tmp_path / "keys"
    assert main(["--folder", str(where), "init"]) == 0
    monkeypatch.setenv("KPP_KEYS", str(where))
    keys.curve.cache_clear()
    yield where
    keys.curve.cache_clear()


def made(folder: Path, *arguments: str) -> tuple[str, str]:
    """The pair of a new program."""
    out = folder.parent / f"{arguments[0]}.json"
    assert main(["--folder", str(folder), "client", *arguments, "--out", str(out)]) == 0
    pair = json.loads(out.read_text())
    return pair["public"], pair["secret"]


def received(server: Server) -> Request:
    found = server.receive(120.0)
    assert found is not None
    return found


@pytest.mark.parametrize("role", ["viewer", "operator", "admin", "node"])
def test_s05_a_request_comes_with_the_role_of_its_key(folder: Path, role: str, free_tcp_port: int) -> None:
    address = f"tcp://127.0.0.1:{free_tcp_port}"
    curve = keys.curve(folder)
    assert curve is not None
    public, secret = made(folder, "tool", "--role", role)
    with Server(address) as server, Dealer(address) as own:
        socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.REQ)
        socket.linger = 0
        socket.curve_publickey, socket.curve_secretkey = public.encode(), secret.encode()
        socket.curve_serverkey = curve.server.public.encode()
        socket.connect(address)
        socket.send(b"question")
        asked = received(server)
        assert asked.payload == b"question"
        assert asked.caller == Caller("tool", Role.named(role))
        server.reply(asked.peer, b"answer")
        assert socket.recv() == b"answer"
        assert main(["--folder", str(folder), "revoke", "tool"]) == 0
        socket.send(b"once more")
        assert received(server).caller == keys.NOBODY, "it is asked about at every request"
        socket.close()
        while not own.send(b"beat"):
            pass
        assert received(server).caller == ANYBODY


def test_s05_a_key_from_before_there_were_roles_goes_on_commanding(folder: Path) -> None:
    keys.write(folder / "clients" / "old.json", {"public": "x" * 40})
    curve = keys.curve(folder)
    assert curve is not None
    assert curve.caller("x" * 40) == Caller("old", Role.OPERATOR)


def test_s05_keys_are_listed_with_their_roles(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(folder, "tool")
    made(folder, "robot", "--role", "operator")
    capsys.readouterr()
    assert main(["--folder", str(folder), "list"]) == 0
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["client", "robot", "operator"] in told
    assert ["client", "tool", "viewer"] in told, "the least by default"
