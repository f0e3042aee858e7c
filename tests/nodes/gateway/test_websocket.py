"""The WebSocket server of the real process, with a client that is another program's."""

import asyncio
import json
import socket
import time
from itertools import pairwise
from typing import Any

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from bus.protocol import codec
from bus.protocol.endpoints import Endpoints
from bus.protocol.messages import Event, State
from bus.security.admission import Admission
from bus.security.hosts import Names
from nodes.gateway.commands import Commands
from nodes.gateway.core import GatewayPlant
from nodes.gateway.session import JSON, MSGPACK
from nodes.gateway.version import version
from nodes.gateway.websocket import MAX_MESSAGE, Stream

from . import messages
from .conftest import Running, shake_hands
from .peer import free_environment


def open_stream(gateway: Running, query: str = "", *subprotocols: str, origin: str | None = None) -> ClientConnection:
    """Connect to /ws."""
    names = [Subprotocol(name) for name in subprotocols]
    sender = None if origin is None else Origin(origin)
    return connect(
        f"ws://{gateway.websocket}/ws{query}",
        subprotocols=names or None,
        origin=sender,
        compression=None,
        max_queue=None,
    )


def receive(client: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of a kind from a JSON client."""
    while True:
        message: dict[str, Any] = json.loads(client.recv(60))
        if message["type"] == kind:
            return message


def unpack(client: ClientConnection) -> dict[str, Any]:
    """The next message of a MessagePack client."""
    payload = client.recv(60)
    assert isinstance(payload, bytes)
    message: dict[str, Any] = msgspec.msgpack.decode(payload)
    return message


def ticks(client: ClientConnection, count: int) -> list[int]:
    """Tick numbers of the next frames."""
    return [receive(client, "state")["seq"] for _ in range(count)]


def test_hello_says_how_the_plant_is(gateway: Running) -> None:
    answer = httpx.get(f"http://{gateway.websocket}/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    hello = answer.json()
    assert hello["message"]
    assert (hello["version"], hello["status"], hello["clients_connected"]) == (version(), "ok", 0)
    assert isinstance(hello["current_tick"], int)
    with open_stream(gateway):
        assert httpx.get(f"http://{gateway.websocket}/").json()["clients_connected"] == 1


def test_frames_are_complete_states_in_json(gateway: Running) -> None:
    with open_stream(gateway) as client:
        assert client.subprotocol is None
        text = client.recv(60)
        assert isinstance(text, str)
        message = json.loads(text)
        assert message.pop("type") == "state"
        state = msgspec.convert(message, State)
        assert state == messages.state(state.seq)


def test_messagepack_frames_are_the_bytes_of_the_bus(gateway: Running) -> None:
    with open_stream(gateway, "", MSGPACK) as client:
        assert client.subprotocol == MSGPACK
        payload = client.recv(60)
        assert isinstance(payload, bytes)
        state = msgspec.msgpack.decode(payload, type=State)
        assert payload == codec.encode(messages.state(state.seq))
        client.send(msgspec.msgpack.encode({"type": "rate", "rate": 100}))
        while "type" not in (message := unpack(client)):
            continue
        assert message == {"type": "rate", "rate": 100.0}


def test_the_rate_is_the_clients(gateway: Running) -> None:
    with open_stream(gateway, "?rate=100&module=m1", "chat", JSON) as every, open_stream(gateway) as tenth:
        assert every.subprotocol == JSON
        numbers = ticks(every, 30)
        assert numbers == sorted(set(numbers))
        assert numbers[-1] - numbers[0] <= 45
        numbers = ticks(tenth, 5)
        # On a busy machine the peer makes fewer ticks a second than it should; test_session has the rates in numbers.
        assert numbers[-1] - numbers[0] >= 8
        tenth.send('{"type":"rate","rate":50}')
        assert receive(tenth, "rate") == {"type": "rate", "rate": 50.0}
        numbers = ticks(tenth, 20)
        assert numbers[-1] - numbers[0] <= 60


def test_stale_is_told_once_and_frames_resume(gateway: Running) -> None:
    with open_stream(gateway, "?rate=100") as client, open_stream(gateway, "", MSGPACK) as binary:
        ticks(client, 3)
        gateway.peer.switches.states = False
        stale = receive(client, "stale")
        assert stale["missing"] == ["physics m1"]
        assert stale["age"] > 1
        with open_stream(gateway) as late:
            assert json.loads(late.recv(60))["type"] == "stale"
        time.sleep(0.3)  # long enough for a second notice at 10 a second, were one sent
        gateway.peer.switches.states = True
        assert json.loads(client.recv(60))["type"] == "state"
        found = [unpack(binary) for _ in range(20)]
        assert [message["type"] for message in found if "type" in message] == ["stale"]


def raw_stream(gateway: Running) -> socket.socket:
    """A client that has shaken hands for 1000 frames a second, with little room for them."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(60)
    address = gateway.endpoints.gateway_websocket
    client.connect((address.host, address.port))
    shake_hands(client, "/ws?rate=1000")
    return client


def test_a_stalled_client_is_sent_away_and_delays_nobody(gateway: Running) -> None:
    with raw_stream(gateway) as stalled, open_stream(gateway, "?rate=100") as other:
        gateway.until(clients_connected=2)
        seqs = ticks(other, 1)
        while gateway.status()["clients_connected"] == 2:
            seqs += ticks(other, 20)
        assert seqs[-1] - seqs[0] > 150  # it was given its two seconds
        assert len(seqs) > 0.5 * (seqs[-1] - seqs[0])  # and the one who reads was served meanwhile
        # What was under way when it was sent away arrives, and then why.
        rest = b""
        while part := stalled.recv(65536):
            rest += part
            if b"\x03\xf5nothing was taken" in rest:  # 1013
                break
        assert b"\x03\xf5nothing was taken" in rest
        assert ticks(other, 5)
    gateway.until(clients_connected=0)


def test_a_slow_client_gets_the_newest_frame_not_the_next(gateway: Running) -> None:
    with raw_stream(gateway) as slow:
        time.sleep(1.5)  # it reads nothing, but not for long enough to be sent away
        begun = gateway.status()["tick"]
        assert isinstance(begun, int)
        received = b""
        seqs: list[int] = []
        while not seqs or seqs[-1] < begun:
            received += slow.recv(65536)
            seqs = [int(part.split(b",")[0]) for part in received.split(b'"seq":')[1:-1]]
        assert seqs == sorted(set(seqs))
        assert max(later - earlier for earlier, later in pairwise(seqs)) > 50


def test_bad_messages_are_answered_and_the_fifth_ends_it(gateway: Running) -> None:
    with open_stream(gateway) as client:
        for message in ("garbage", "[" * 50_000, '{"type":"rate","rate":NaN}', b"\x00"):
            client.send(message)
            assert receive(client, "error")["reason"]
        assert ticks(client, 2)
        client.send('{"type":"rate","rate":5000}')
        assert "1000" in receive(client, "error")["reason"]
        with pytest.raises(ConnectionClosed) as closed:
            ticks(client, 100)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


def test_an_oversized_message_ends_it(gateway: Running) -> None:
    with open_stream(gateway) as client:
        client.send("x" * (MAX_MESSAGE + 1))
        with pytest.raises(ConnectionClosed) as closed:
            ticks(client, 100)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize(
    ("query", "subprotocols", "origin", "status"),
    [
        ("?rate=0", [], None, 422),
        ("?rate=nan", [], None, 422),
        ("?speed=1", [], None, 422),
        ("?module=m9", [], None, 404),
        ("/other", [], None, 404),
        ("", ["chat"], None, 400),
        ("", [], "http://evil.example", 403),
        ("", [], "null", 403),
    ],
)
def test_a_wrong_handshake_is_refused_with_a_problem(
    gateway: Running, query: str, subprotocols: list[str], origin: str | None, status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused, open_stream(gateway, query, *subprotocols, origin=origin):
        pass
    response = refused.value.response
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert json.loads(response.body or b"")["detail"]


def test_our_own_page_may_connect_and_one_of_another_server_may_not(gateway: Running) -> None:
    with open_stream(gateway, origin=f"http://{gateway.websocket}") as client:
        assert ticks(client, 1)
    with pytest.raises(InvalidStatus) as refused, open_stream(gateway, origin="http://localhost:9103"):
        pass
    assert refused.value.response.status_code == 403


def test_s18_what_is_no_handshake_is_a_problem(gateway: Running) -> None:
    base = f"http://{gateway.websocket}"
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
    version = {"Sec-WebSocket-Version": "12", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    for answer, status in (
        (httpx.post(f"{base}/ws"), 405),
        (httpx.post(base), 405),
        (httpx.get(f"{base}/ws", headers=upgrade), 400),
        (httpx.get(f"{base}/ws", headers=upgrade | version), 400),
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.json()["status"] == status
    assert httpx.options(base).headers["allow"] == "GET, HEAD, OPTIONS"


def test_other_requests_are_refused(gateway: Running) -> None:
    base = f"http://{gateway.websocket}"
    assert httpx.get(base, headers={"Host": "evil.example"}).status_code == 400
    assert httpx.get(base, headers={"Origin": "http://evil.example"}).status_code == 403
    assert httpx.get(f"{base}/nothing").status_code == 404
    assert httpx.get(f"{base}/ws").status_code == 426
    address = gateway.endpoints.gateway_websocket
    for garbage in (
        b"\x00" * 1000 + b"\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET //[ HTTP/1.1\r\n\r\n",
        b"x" * 20_000 + b"\r\n\r\n",
    ):
        with socket.create_connection((address.host, address.port)) as client:
            client.sendall(garbage)
            client.settimeout(60)
            answer = client.recv(100)
            assert not answer or answer.startswith(b"HTTP/1.1 4")
    assert httpx.get(base).status_code == 200


def test_beyond_the_limit_clients_are_turned_away() -> None:
    async def script() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            url = f"ws://127.0.0.1:{listening.getsockname()[1]}/ws"
            async with asyncio.TaskGroup() as group:
                commands = Commands(Endpoints.from_environment(free_environment()))
                plant = GatewayPlant(("m1",), loop.time())
                stream = Stream(plant, commands, Admission(None), Names("127.0.0.1"), loop.time, group, limit=2)
                server = await stream.open(listening)
                async with connect_async(url):
                    async with connect_async(url):
                        with pytest.raises(InvalidStatus) as refused:
                            async with connect_async(url):
                                pass
                        assert refused.value.response.status_code == 503
                    async with connect_async(url):
                        assert stream.clients() == 2
                server.close()
                await server.wait_closed()

    asyncio.run(script())


def say(client: ClientConnection, **message: Any) -> None:
    """Send one message."""
    client.send(json.dumps(message))


def test_a_subscription_is_a_snapshot_and_then_updates(gateway: Running) -> None:
    with open_stream(gateway, "?topics=tick,status,state/m1/&fields=chain.speed,plc&rate=100") as client:
        snapshot = json.loads(client.recv(60))
        assert (snapshot["type"], snapshot["resumed"]) == ("snapshot", False)
        newest = snapshot["newest"]
        assert set(newest) == {"tick", "status", "state/m1/"}
        assert msgspec.convert(newest["state/m1/"], State) == messages.state(newest["state/m1/"]["seq"])
        update = receive(client, "state")
        assert update["seq"] > newest["state/m1/"]["seq"]
        assert set(update) == {"type", "t", "seq", "run", "wall", "module", "chain", "plc"}
        assert set(update["chain"]) == {"speed"}
        assert receive(client, "tick")["seq"] > newest["tick"]["seq"]
        assert receive(client, "status")["scenario"] == "reference"


def test_a_subscription_changes_at_any_time_and_a_wrong_one_is_refused(gateway: Running) -> None:
    with open_stream(gateway, "", MSGPACK) as client:
        unpack(client)
        client.send(
            msgspec.msgpack.encode({"type": "subscribe", "topics": ["state/m1/"], "fields": ["chain"], "every": 10})
        )
        while (message := unpack(client)).get("type") != "snapshot":
            continue
        found = [unpack(client) for _ in range(3)]
        assert [message["seq"] % 10 for message in found] == [0, 0, 0]
        assert found[0]["seq"] + 20 == found[1]["seq"] + 10 == found[2]["seq"]
        assert set(found[0]) == {"type", "t", "seq", "run", "wall", "module", "chain"}
        client.send(msgspec.msgpack.encode({"type": "subscribe", "topics": ["nothing"]}))
        while (message := unpack(client)).get("type") != "problem":
            continue
        assert "nothing" in message["problem"]["detail"]


def test_every_frame_comes_once_and_a_client_resumes_without_a_gap(gateway: Running) -> None:
    with open_stream(gateway, "?every=1") as client:
        assert receive(client, "snapshot")
        first = ticks(client, 30)
    time.sleep(0.2)  # frames that nobody of this client hears
    with open_stream(gateway, f"?every=1&run=run-1&after={first[-1]}") as client:
        assert json.loads(client.recv(60))["resumed"] is True
        second = ticks(client, 60)
    seqs = first + second
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    with open_stream(gateway, "?run=other&after=5") as client:
        assert receive(client, "gap")["run"] == "other"


def test_events_and_results_are_passed_on(gateway: Running) -> None:
    with open_stream(gateway, "?topics=event/m1/,result/") as client:
        receive(client, "snapshot")
        event = Event(t=1.5, seq=150, run="run-1", wall=1.7e9, module="m1", severity="alarm", kind="trip", text="hot")
        gateway.peer.publish("physics", *codec.encode_published(event))
        assert receive(client, "event") == {"type": "event", **msgspec.to_builtins(event)}
        assert gateway.rest.post("/v1/time/pause", headers={"Idempotency-Key": "test:passed-on"}).status_code == 200
        assert receive(client, "result")["id"] == "test:passed-on"


def test_commands_act_over_the_same_socket(gateway: Running) -> None:
    with open_stream(gateway, "?rate=1") as client:
        say(client, type="command", module="clock", name="step", args={"ticks": 3}, id="test:ws-1")
        applied = receive(client, "applied")
        assert (applied["id"], applied["command"], applied["applied"]) == ("test:ws-1", "step", {"ticks": 3})
        assert gateway.peer.commands[-1].origin == "websocket"
        gateway.peer.switches.reason = "not now"
        say(client, type="command", module="m1", name="inject")
        refused = receive(client, "problem")
        assert (refused["problem"]["status"], refused["problem"]["detail"]) == (409, "not now")
        say(client, type="command", module="clock", name="step", args={"ticks": 4}, id="test:ws-1")
        assert receive(client, "problem")["problem"]["violations"][0]["field"] == "Idempotency-Key"


def test_what_the_bus_loses_is_asked_for_and_every_client_gets_it(gateway: Running) -> None:
    gateway.peer.switches.lose = 5
    before = gateway.status()["repaired"]
    assert isinstance(before, int)
    with open_stream(gateway, "?every=1&topics=state/m1/,tick") as client:
        found: dict[str, list[int]] = {"state": [], "tick": []}
        while min(map(len, found.values())) < 60:
            message = json.loads(client.recv(60))
            assert message["type"] != "gap"
            if message["type"] in found:
                found[message["type"]].append(message["seq"])
    for seqs in found.values():
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    status = gateway.status()
    assert status["repaired"] >= before + 20  # type: ignore[operator]  # a number
    assert gateway.rest.get("/v1/commands").status_code == 200


def test_s08_an_emergency_stop_of_all_modules(gateway: Running) -> None:
    with open_stream(gateway) as client:
        say(client, type="command", module="*", name="emergency_stop", id="test:all-1")
        applied = receive(client, "applied")
    assert (applied["id"], applied["applied"]) == ("test:all-1", {"m1": {}})
    assert [each.module for each in gateway.peer.commands if each.id == "test:all-1"] == ["*"]
