"""What HTTP clients and proxies expect of any server: retries, buffering, methods."""

from bus.messages import Refused

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
