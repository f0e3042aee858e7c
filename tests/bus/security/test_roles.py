"""One table of who may do what, and every door goes by it."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import get_args

import pytest
import zmq

from bus.protocol import codec
from bus.protocol.messages import (
    Ack,
    Beat,
    ClockRequest,
    CommandRequest,
    ForkRequest,
    ModuleRequest,
    PrepareRequest,
    RecorderRequest,
)
from bus.protocol.schema import Message
from bus.security import keys
from bus.security.keys import ANYBODY
from bus.security.roles import command_role, denied, origin, request_role
from bus.security.tokens import Caller, Role
from bus.transport.sockets import Dealer, Publisher, Request, Server, Subscriber
from console.keys import main
from tests.bus.samples import sample
from tests.watching import eventually

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
    pair = made(folder, "tool", "--role", role)
    with Server(address) as server, Dealer(address) as own:
        socket = connected(zmq.REQ, address, folder, pair)
        socket.send(b"question")
        asked = received(server)
        assert asked.payload == b"question"
        assert asked.caller == Caller("tool", Role.named(role))
        server.reply(asked.peer, b"answer")
        assert socket.recv() == b"answer"
        socket.close()
        while not own.send(b"beat"):
            pass
        assert received(server).caller == ANYBODY


def test_s05_a_key_is_looked_at_with_every_request(folder: Path) -> None:
    public, _ = made(folder, "tool", "--role", "admin")
    curve = keys.curve(folder)
    assert curve is not None
    assert curve.caller(public) == Caller("tool", Role.ADMIN)
    assert main(["--folder", str(folder), "revoke", "tool"]) == 0
    assert curve.caller(public) == keys.NOBODY


def test_a_list_of_keys_that_cannot_be_read_does_not_end_the_node_that_is_asked(
    folder: Path, free_tcp_port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def damaged(_curve: keys.Curve, _public: str) -> Caller:
        raise keys.SecurityError("other.json is damaged")

    address = f"tcp://127.0.0.1:{free_tcp_port}"
    pair = made(folder, "tool", "--role", "admin")
    with Server(address) as server:
        socket = connected(zmq.DEALER, address, folder, pair)
        socket.send(b"first")
        assert received(server).caller == Caller("tool", Role.ADMIN)
        monkeypatch.setattr(keys.Curve, "caller", damaged)
        socket.send(b"second")
        asked = received(server)
        assert (asked.payload, asked.caller) == (b"second", keys.NOBODY)
        socket.close()
    assert "other.json is damaged" in caplog.text


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


def connected(kind: int, address: str, folder: Path, pair: tuple[str, str]) -> "zmq.Socket[bytes]":
    """A foreign socket with a key."""
    curve = keys.curve(folder)
    assert curve is not None
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
    socket.linger = 0
    socket.reconnect_ivl = 10
    socket.curve_publickey, socket.curve_secretkey = pair[0].encode(), pair[1].encode()
    socket.curve_serverkey = curve.server.public.encode()
    if kind == zmq.SUB:
        socket.subscribe(b"")
    socket.connect(address)
    return socket


def test_s04_a_revoked_key_is_cut_off_and_the_others_go_on(folder: Path, free_tcp_port: int) -> None:
    address = f"tcp://127.0.0.1:{free_tcp_port}"
    gone, kept = made(folder, "gone"), made(folder, "kept")
    with Publisher(address) as publisher, Subscriber([address], [""]) as own:
        revoked, other = (connected(zmq.SUB, address, folder, pair) for pair in (gone, kept))

        def all_hear(*sockets: "zmq.Socket[bytes]") -> bool:
            publisher.send((b"t", b"payload"))
            mine = own.receive(0.05) is not None
            return mine and all(bool(each.poll(50)) and bool(each.recv_multipart()) for each in sockets)

        eventually(lambda: all_hear(revoked, other), 20, "both hear")
        connections = publisher.connections()
        assert main(["--folder", str(folder), "revoke", "gone"]) == 0
        eventually(lambda: publisher.connections() < connections, 20, "it is cut off")
        eventually(lambda: all_hear(other), 20, "the other hears again")
        while revoked.poll(0):
            revoked.recv_multipart()
        for _ in range(50):
            all_hear(other)
        assert not revoked.poll(200)
        revoked.close()
        other.close()


def test_s04_a_revoked_requester_gets_no_answer_any_more(folder: Path, free_tcp_port: int) -> None:
    address = f"tcp://127.0.0.1:{free_tcp_port}"
    pair = made(folder, "gone", "--role", "operator")
    with Server(address) as server:
        socket = connected(zmq.DEALER, address, folder, pair)
        socket.send(b"first")
        assert received(server).caller == Caller("gone", Role.OPERATOR)
        assert main(["--folder", str(folder), "revoke", "gone"]) == 0
        eventually(lambda: server.connections() == 0, 20, "it is cut off")
        with suppress(zmq.Again):  # it may have nobody to send to any more
            socket.send(b"second", zmq.DONTWAIT)
        assert server.receive(0.5) is None
        socket.close()


def test_s04_a_key_that_is_added_disturbs_nobody(folder: Path, free_tcp_port: int) -> None:
    with Publisher(f"tcp://127.0.0.1:{free_tcp_port}") as publisher:
        cut: list[int] = []
        publisher.cut = lambda: cut.append(1)  # type: ignore[method-assign]  # to see that it is not called
        made(folder, "first")
        made(folder, "second")
        assert main(["--folder", str(folder), "revoke", "first"]) == 0
        eventually(lambda: cut, 20, "a revocation is heard of")
        assert cut == [1]
