"""The doors of the gateway on plain sockets: slow headers, stalled answers, sizes, and too many at a time."""

import json
import re
import socket
import time

import httpx
import pytest

from bus.protocol.endpoints import HttpAddress
from bus.security.room import SHARE
from nodes.gateway.app import CONNECTIONS, REQUESTS
from nodes.gateway.context import MAX_STREAMS
from runtime.http import HEADER_TIME, STALL_TIME
from tests.watching import eventually

from .conftest import Running


def dial(address: HttpAddress, receive_buffer: int = 0) -> socket.socket:
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(HEADER_TIME + 60)
    client.connect((address.host, address.port))
    return client


def drained(client: socket.socket, most: int = 4_000_000) -> bytes:
    """Everything until the other side ends it, which it has to do before it sent this much."""
    found = b""
    try:
        while part := client.recv(65536):
            found += part
            assert len(found) < most, "it goes on and on"
    except ConnectionResetError:
        pass
    return found


@pytest.mark.parametrize("door", ["rest", "websocket"])
def test_slow_headers_are_cut_off_while_others_are_served(gateway: Running, door: str) -> None:
    address = gateway.endpoints.gateway_http if door == "rest" else gateway.endpoints.gateway_websocket
    clients = [dial(address) for _ in range(40)]
    begun = time.monotonic()
    for client in clients:
        client.sendall(b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    while time.monotonic() - begun < 2:  # a byte now and then keeps nothing alive
        for client in clients:
            client.sendall(b"x")
        assert gateway.rest.get("/v1/status").status_code == 200
        time.sleep(0.2)  # as slow as a slow client
    for client in clients:
        assert b"200" not in drained(client)[:20]
        client.close()


def test_a_second_slow_header_on_a_kept_connection_is_cut_off_too(gateway: Running) -> None:
    with dial(gateway.endpoints.gateway_http) as client:
        client.sendall(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET /v1/hea")
        assert b"HTTP/1.1" not in drained(client)  # the rest of the first answer may come, a second one may not


def test_who_takes_nothing_of_a_stream_is_cut_off(gateway: Running) -> None:
    with dial(gateway.endpoints.gateway_http, receive_buffer=4096) as client:
        client.sendall(b"GET /v1/stream?every=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(STALL_TIME + 3)  # frames pile up, and nobody takes them
        assert drained(client, 1_000_000)
    assert gateway.rest.get("/v1/status").status_code == 200


def test_streams_that_are_asked_for_at_the_same_moment_are_no_more_than_there_may_be(gateway: Running) -> None:
    clients = [dial(gateway.endpoints.gateway_http) for _ in range(MAX_STREAMS + 8)]
    for client in clients:
        client.sendall(b"GET /v1/stream?rate=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    statuses = [client.recv(12).removeprefix(b"HTTP/1.1 ") for client in clients]
    for client in clients:
        client.close()
    assert sorted(statuses) == [b"200"] * MAX_STREAMS + [b"503"] * 8
    # Once the worker has noticed that they have gone: what follows here counts streams too.
    none = re.compile(r"^kpp_event_streams 0(\.0)?$", re.MULTILINE)
    eventually(lambda: none.search(gateway.rest.get("/metrics").text) is not None, 60, "every stream has ended")


def test_connections_and_streams_are_limited_and_come_free_again(gateway: Running) -> None:
    address = gateway.endpoints.gateway_http

    def answer(path: bytes) -> bytes:
        with dial(address) as client:
            client.sendall(b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path)
            return drained(client)

    streams = [dial(address) for _ in range(MAX_STREAMS)]
    for client in streams:
        client.sendall(b"GET /v1/stream?rate=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
    refused = answer(b"/v1/stream")
    assert refused.startswith(b"HTTP/1.1 503")
    assert b"application/problem+json" in refused
    assert b"\r\nretry-after: " in refused.lower()  # S18
    assert answer(b"/v1/status").startswith(b"HTTP/1.1 200")
    half = b"POST /v1/time/step HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"  # the rest does not come
    busy = [dial(address) for _ in range(int(REQUESTS * SHARE) - MAX_STREAMS)]
    for client in busy:
        client.sendall(half)
    eventually(lambda: answer(b"/v1/status").startswith(b"HTTP/1.1 503"), 5, "too many of one address are under way")
    refused = answer(b"/v1/status")
    assert b"application/problem+json" in refused
    assert b"\r\nretry-after: 1\r\n" in refused.lower()
    for client in (*streams, *busy):
        client.close()
    eventually(lambda: answer(b"/v1/status").startswith(b"HTTP/1.1 200"), 5, "there is room again")


@pytest.mark.parametrize("door", ["rest", "websocket"])
def test_s14_idle_sockets_keep_nobody_out(gateway: Running, door: str) -> None:
    address = gateway.endpoints.gateway_http if door == "rest" else gateway.endpoints.gateway_websocket
    path = "/v1/status" if door == "rest" else "/"
    for _ in range(2):
        idle = [dial(address) for _ in range(CONNECTIONS + 44)]
        for _ in range(5):
            assert httpx.get(f"http://{address.host}:{address.port}{path}").status_code == 200
        for client in idle:
            client.close()


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX-Large: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /v1/status?" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /v1/time/step HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 10000000\r\n\r\n" + b"x" * 100_000,
        b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\n\r\n",
        b"GET http://evil.example/v1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"POST /v1/time/step HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        b"POST /v1/time/step HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n",
    ],
    ids=["header", "query", "body", "two hosts", "no host", "foreign", "two lengths", "bad chunk", "origin"],
)
def test_what_is_not_in_order_is_refused(gateway: Running, request_: bytes) -> None:
    with dial(gateway.endpoints.gateway_http) as client:
        client.sendall(request_)
        answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 4"), answer[:60]
        assert b"\r\ncontent-type: application/problem+json\r\n" in answer.lower()  # S18: h11's own as well
        assert b"\r\nx-content-type-options: nosniff\r\n" in answer.lower()
    assert gateway.peer.commands == []


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"x" * 20_000), 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n" % (b"x" * 20_000), 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (b"X: y\r\n" * 200), 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A : b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12345", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (bytes(range(256)), 400),
    ],
)
def test_s18_what_the_websocket_door_cannot_read_is_a_problem(gateway: Running, request_: bytes, status: int) -> None:
    with dial(gateway.endpoints.gateway_websocket) as client:
        client.sendall(request_)
        head, _, body = drained(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), head[:60]
    assert b"\r\ncontent-type: application/problem+json\r\n" in head.lower()
    assert b"\r\nx-content-type-options: nosniff\r\n" in head.lower()
    assert json.loads(body)["status"] == status


def test_server_sent_events_flow_and_resume(gateway: Running) -> None:
    def read(last: str | None, count: int) -> list[int]:
        header = f"Last-Event-ID: {last}\r\n" if last else ""
        with dial(gateway.endpoints.gateway_http) as client:
            client.sendall(f"GET /v1/stream?every=1 HTTP/1.1\r\nHost: localhost\r\n{header}\r\n".encode())
            found = b""
            while found.count(b"\n\n") < count + 1:
                found += client.recv(65536)
        ids = [part.split(b"\n")[0] for part in found.split(b"id: run-1:")[1:-1]]
        return [int(number) for number in ids]

    first = read(None, 20)
    second = read(f"run-1:{first[-1]}", 40)
    found = first + second
    assert found == list(range(found[0], found[0] + len(found)))
