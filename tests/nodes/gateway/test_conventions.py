"""What HTTP clients and proxies expect of any server: retries, buffering, methods."""

import httpx
import pytest

from bus.protocol.messages import Refused
from nodes.gateway.rest import description

from .conftest import Running
from .test_rest import problem


def test_s13_a_module_that_is_not_caught_up_is_503_and_says_when_to_ask_again(gateway: Running) -> None:
    reason = "module m1 is not caught up, 70 ticks behind"
    gateway.peer.switches.refuse = Refused(id="x", field="", reason=reason, retry_after=60.0)
    answer = gateway.rest.post("/v1/controls/plant/start")
    found = problem(answer, 503)
    assert (found["type"], found["detail"]) == ("urn:kpp:problem:not-ready", reason)
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["idempotency-key"] == found["id"]


def test_s13_every_503_says_when_to_ask_again(gateway: Running) -> None:
    gateway.peer.switches.states = False
    gateway.until(backend_status="degraded")
    for path in ("/v1/health", "/v1/data/live", "/v1/parameters", "/v1/data/summary"):
        answer = gateway.rest.get(path)
        problem(answer, 503)
        assert int(answer.headers["retry-after"]) >= 1, path


def test_f18_events_are_not_gathered_by_a_proxy(gateway: Running) -> None:
    with gateway.rest.stream("GET", "/v1/stream?rate=1") as answer:
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.headers["cache-control"] == "no-store"


GETS = [
    path.format(run="0001-001", name="deep-water", module="m1")
    for path, operations in description()["paths"].items()
    if "get" in operations
]


@pytest.mark.parametrize("path", GETS)
def test_f10_head_is_get_without_a_body(gateway: Running, path: str) -> None:
    head = gateway.rest.head(path)
    assert head.content == b""
    with gateway.rest.stream("GET", path) as get:
        assert head.status_code == get.status_code
        assert head.headers["content-type"] == get.headers["content-type"]
        names = set(get.headers)
    assert set(head.headers) == names


def test_head_of_the_stream_door_is_answered(gateway: Running) -> None:
    head = httpx.head(f"http://{gateway.websocket}/")
    assert (head.status_code, head.content) == (200, b"")


def test_f10_options_names_the_methods(gateway: Running) -> None:
    assert gateway.rest.options("/v1/parameters").headers["allow"] == "GET, HEAD, OPTIONS, PATCH"
    answer = gateway.rest.options("/v1/presets/x")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"
    for undescribed in ("/metrics", "/openapi.json"):
        assert gateway.rest.options(undescribed).headers["allow"] == "GET, HEAD, OPTIONS"
    problem(gateway.rest.options("/v1/nothing"), 404)
    assert problem(gateway.rest.delete("/v1/parameters"), 405)["detail"]
    assert gateway.rest.delete("/v1/parameters").headers["allow"] == "GET, HEAD, OPTIONS, PATCH"


def test_s18_answers_are_compressed_for_who_takes_it(gateway: Running) -> None:
    for path in ("/v1/parameters", "/v1/data/live", "/v1/openapi.json"):
        packed = gateway.rest.get(path, headers={"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip", path
        assert "accept-encoding" in packed.headers["vary"].lower()
        plain = gateway.rest.get(path, headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert packed.json().keys() == plain.json().keys()
    with gateway.rest.stream("GET", "/v1/stream?rate=5", headers={"Accept-Encoding": "gzip"}) as events:
        assert "content-encoding" not in events.headers


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:9103", "https://app.example"])
def test_s18_pages_that_are_not_named_command_nothing(gateway: Running, origin: str) -> None:
    for answer in (
        gateway.rest.post("/v1/time/start", headers={"Origin": origin}),
        gateway.rest.options("/v1/time/start", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}),
    ):
        problem(answer, 403)
        assert "access-control-allow-origin" not in answer.headers
    assert gateway.peer.commands == []
