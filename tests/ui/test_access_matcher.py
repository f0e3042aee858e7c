"""The dashboard's door with tokens, and what it tells Prometheus."""

import asyncio
import base64
import gzip
import http.client
import json
import socket
from pathlib import Path

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from bus.protocol.endpoints import Endpoints
from bus.security.admission import Admission
from bus.security.hosts import Names
from bus.security.roles import command_role, lacking
from bus.security.tokens import Caller, Role, Tokens, make
from bus.transport.client import Commander
from catalog.data_folder import DataFolder
from catalog.presets import Presets
from tests.ui.conftest import Dashboard
from tests.ui.synthetic_plant import free_endpoints
from ui.access_matcher import AccessMatcher
from ui.lab import Lab
from ui.places import MOST, most
from ui.questions import Questions
from ui.replays import Replays

TOKEN, ENTRY = make("somebody", Role.OPERATOR)
READER, READER_ENTRY = make("reader", Role.VIEWER)


@pytest.fixture
def access() -> AccessMatcher:
    return AccessMatcher(Names("127.0.0.1"), Admission(Tokens([ENTRY, READER_ENTRY])))


class Connection:
    """As much of a connection as a request asks for."""

    class Context:
        remote_ip = "127.0.0.1"
        protocol = "http"

    context = Context()


def status(access: AccessMatcher, path: str, **headers: str) -> int:
    """What a request gets, 0 if it is let in."""
    given = HTTPHeaders(
        {"Host": "127.0.0.1:9103", **{name.replace("_", "-"): value for name, value in headers.items()}}
    )
    line = RequestStartLine("GET", path, "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, headers=given, connection=Connection())  # type: ignore[arg-type]  # what the door reads of one
    access.match(request)
    refusal = access.judge(request)
    return 0 if refusal is None else refusal.status


def test_s03_mistyped_passwords_lock_nobody_out(access: AccessMatcher) -> None:
    answers = [status(access, "/", Authorization=basic("mistyped")) for _ in range(14)]
    assert answers == [401] * 5 + [429] * 9  # each counts once, however many rules look at it
    assert status(access, "/", Authorization=basic(TOKEN)) == 0
    assert status(access, "/health", Authorization=basic("mistyped")) == 0


def basic(token: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{token}".encode()).decode()


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/", {}, 401),
        ("/stream", {}, 401),
        ("/ws", {}, 401),
        ("/static/js/bokeh.min.js", {}, 401),
        ("/health", {}, 0),
        ("/", {"Authorization": basic(TOKEN)}, 0),
        ("/", {"Authorization": f"Bearer {TOKEN}"}, 0),
        ("/", {"Authorization": basic(READER)}, 0),
        ("/metrics", {"Authorization": basic(READER)}, 0),
        ("/", {"Authorization": basic("wrong")}, 401),
        ("/", {"Authorization": "Basic !!!"}, 401),
        ("/", {"Host": "evil.example", "Authorization": basic(TOKEN)}, 400),
        ("/ws", {"Origin": "http://evil.example", "Authorization": basic(TOKEN)}, 403),
        ("/ws", {"Origin": "http://127.0.0.1:9103", "Authorization": basic(TOKEN)}, 0),
    ],
)
def test_who_is_let_in(access: AccessMatcher, path: str, headers: dict[str, str], expected: int) -> None:
    assert status(access, path, **headers) == expected


@pytest.mark.parametrize("path", ["/", "/stream", "/ws", "/health", "/static/js/bokeh.min.js", "/nothing"])
@pytest.mark.parametrize(
    ("headers", "expected"), [({"Host": "evil.example"}, 400), ({"Origin": "http://evil.example"}, 403)]
)
def test_no_path_is_open_to_foreign_names_and_pages(
    dashboard: Dashboard, path: str, headers: dict[str, str], expected: int
) -> None:
    connection = http.client.HTTPConnection(dashboard.host, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    assert answer.status == expected
    assert answer.headers["content-type"] == "application/problem+json"
    connection.close()


def test_the_dashboard_tells_prometheus_what_it_holds(dashboard: Dashboard) -> None:
    connection = http.client.HTTPConnection(dashboard.host, timeout=60)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    assert "kpp_dashboard_pages" in text
    assert 'kpp_dashboard_node_heard{node="clock"}' in text


def test_s10_a_viewer_looks_and_commands_nothing(access: AccessMatcher) -> None:
    for path in ("/", "/ws", "/stream"):
        assert status(access, path, Authorization=basic(READER)) == 0
    viewer, operator = access.caller([basic(READER)]), access.caller([basic(TOKEN)])
    assert lacking(viewer, command_role("m1", "plant_start"), "plant_start")
    assert not lacking(operator, command_role("m1", "plant_start"), "plant_start")
    answers = asyncio.run(asked_by(viewer))
    assert answers == {"runs": False, "fork": True, "preset_save": True, "preset_delete": True, "replay": True}


async def asked_by(caller: Caller) -> dict[str, bool]:
    """Which questions are refused for want of a role."""
    endpoints = Endpoints.from_environment(free_endpoints())
    questions = Questions(
        Commander(endpoints), Presets(Path("nowhere")), Lab(), Replays(DataFolder(Path("nowhere")), lambda _told: None)
    )
    found = {}
    for kind in ("runs", "fork", "preset_save", "preset_delete", "replay"):
        reply = await questions.answer({"id": "x", "ask": kind, "module": "m1", "args": {}}, caller, "page")
        found[kind] = "needs the role" in reply.reason
    return found


def ask(dashboard: Dashboard, method: str, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(dashboard.host, timeout=5)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.mark.parametrize("path", ["/", "/health", "/metrics", "/liveness", "/static/js/bokeh.min.js", "/nothing"])
def test_f10_head_and_options_are_answered(dashboard: Dashboard, path: str) -> None:
    get, _ = ask(dashboard, "GET", path)
    head, body = ask(dashboard, "HEAD", path)
    assert (head.status, head.headers["content-type"], body) == (get.status, get.headers["content-type"], b"")
    options, _ = ask(dashboard, "OPTIONS", path)
    assert options.status == (404 if path == "/nothing" else 204)


def test_s10_no_other_site_shows_the_page_in_a_frame(dashboard: Dashboard) -> None:
    for path in ("/", "/health", "/static/js/bokeh.min.js", "/nothing"):
        answer, _ = ask(dashboard, "GET", path)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
    page, _ = ask(dashboard, "GET", "/")
    assert (
        f"connect-src 'self' blob: data: ws://{dashboard.host} wss://{dashboard.host}"
        in page.headers["content-security-policy"]
    )


@pytest.mark.parametrize(("method", "path", "expected"), [("GET", "/nothing", 404), ("POST", "/health", 405)])
def test_s18_what_fails_is_a_problem(dashboard: Dashboard, method: str, path: str, expected: int) -> None:
    answer, body = ask(dashboard, method, path)
    assert answer.status == json.loads(body)["status"] == expected
    assert answer.headers["content-type"] == "application/problem+json"


def test_s18_what_is_no_websocket_is_told_in_a_problem(dashboard: Dashboard) -> None:
    for headers in ({}, {"Upgrade": "websocket"}):
        answer, body = ask(dashboard, "GET", "/ws", **headers)
        assert answer.status == json.loads(body)["status"] == 400
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"no colon", 400),
        (b"X-A : b", 400),
        (b"Host: a\r\nHost: b", 400),
        (b"Content-Length: -1", 400),
        (b"X-Large: " + b"x" * 20_000, 431),
    ],
)
def test_s18_what_cannot_be_read_is_a_problem(dashboard: Dashboard, lines: bytes, status: int) -> None:
    host, _, port = dashboard.host.partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + lines + b"\r\n\r\n")
        told = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = told.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\ncontent-type: application/problem+json\r\n" in head.lower()
    assert json.loads(body)["status"] == status


def test_s18_what_the_page_loads_is_compressed(dashboard: Dashboard) -> None:
    answer, body = ask(dashboard, "GET", "/static/js/bokeh.min.js", **{"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert len(gzip.decompress(body)) > 2 * len(body)


def test_s14_idle_sockets_do_not_keep_the_page_away(dashboard: Dashboard) -> None:
    host, _, port = dashboard.host.partition(":")
    idle = [socket.create_connection((host, int(port)), timeout=5) for _ in range(MOST + 50)]
    assert dashboard.health() is not None
    for client in idle:
        client.close()


def test_f09_connections_leave_files_for_the_dashboard_itself() -> None:
    assert most(8192) == MOST
    assert 2 <= most(64) < 64
    assert most(1024) <= 1024 - 256
