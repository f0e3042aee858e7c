"""The dashboard's door with tokens, and what it tells Prometheus."""

import base64
import http.client

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from bus.security.admission import Admission
from bus.security.hosts import Names
from bus.security.tokens import Role, Tokens, make
from tests.ui.conftest import Dashboard
from ui.door import Door

TOKEN, ENTRY = make("somebody", Role.OPERATOR)
READER, READER_ENTRY = make("reader", Role.VIEWER)


@pytest.fixture
def door() -> Door:
    return Door(Names("127.0.0.1"), Admission(Tokens([ENTRY, READER_ENTRY])))


class Connection:
    """As much of a connection as a request asks for."""

    class Context:
        remote_ip = "127.0.0.1"
        protocol = "http"

    context = Context()


def status(door: Door, path: str, **headers: str) -> int:
    """What a request gets, 0 if it is let in."""
    given = HTTPHeaders(
        {"Host": "127.0.0.1:9103", **{name.replace("_", "-"): value for name, value in headers.items()}}
    )
    line = RequestStartLine("GET", path, "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, headers=given, connection=Connection())  # type: ignore[arg-type]  # what the door reads of one
    door.match(request)
    refusal = door.judge(request)
    return 0 if refusal is None else refusal.status


def test_s03_mistyped_passwords_lock_nobody_out(door: Door) -> None:
    answers = [status(door, "/", Authorization=basic("mistyped")) for _ in range(14)]
    assert answers == [401] * 5 + [429] * 9  # each counts once, however many rules look at it
    assert status(door, "/", Authorization=basic(TOKEN)) == 0
    assert status(door, "/health", Authorization=basic("mistyped")) == 0


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
        ("/", {"Authorization": basic(READER)}, 403),
        ("/metrics", {"Authorization": basic(READER)}, 0),
        ("/", {"Authorization": basic("wrong")}, 401),
        ("/", {"Authorization": "Basic !!!"}, 401),
        ("/", {"Host": "evil.example", "Authorization": basic(TOKEN)}, 400),
        ("/ws", {"Origin": "http://evil.example", "Authorization": basic(TOKEN)}, 403),
        ("/ws", {"Origin": "http://127.0.0.1:9103", "Authorization": basic(TOKEN)}, 0),
    ],
)
def test_who_is_let_in(door: Door, path: str, headers: dict[str, str], expected: int) -> None:
    assert status(door, path, **headers) == expected


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
