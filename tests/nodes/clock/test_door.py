"""The clock's web door, in memory: host, origin, tokens, and what Prometheus reads."""

import asyncio

import httpx
import pytest

from bus.security.admission import Admission
from bus.security.tokens import Role, Tokens, make
from nodes.clock.health_page import distributions, health_app
from nodes.clock.timing import Timing
from tests.nodes.gateway.messages import status

TOKEN, ENTRY = make("reader", Role.VIEWER)


def ask(
    path: str, headers: dict[str, str] | None = None, tokens: Tokens | None = None, method: str = "GET"
) -> httpx.Response:
    report = status(7, lateness={"p50": 0.001, "p99": 0.002, "max": 0.003})
    timing = Timing()
    timing.sent(7, 1_000_000, 30_000)
    timing.acknowledged(7, 3_500_000)
    app = health_app(
        lambda: {"status": "ok"}, lambda: report, lambda: distributions(timing), "127.0.0.1", Admission(tokens)
    )

    async def script() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9201") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(script())


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),
        ({"Host": "localhost:9201"}, 200),
        ({"Host": "evil.example"}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:9201"}, 200),
        ({"Origin": "http://localhost:9103"}, 403),
        ({"X-Large": "x" * 20_000}, 431),
    ],
)
def test_only_local_names_and_pages_get_in(headers: dict[str, str], expected: int) -> None:
    for path in ("/health", "/", "/metrics"):
        answer = ask(path, headers)
        assert answer.status_code == expected
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_with_tokens_the_metrics_need_one_and_the_health_page_does_not() -> None:
    tokens = Tokens([ENTRY])
    assert ask("/health", tokens=tokens).status_code == 200
    assert ask("/metrics", tokens=tokens).status_code == 401
    assert ask("/metrics", {"Authorization": f"Bearer {TOKEN}"}, tokens).status_code == 200


def test_f10_head_and_options_are_answered_and_the_rest_is_a_problem() -> None:
    assert (ask("/health", method="HEAD").status_code, ask("/health", method="HEAD").content) == (200, b"")
    assert ask("/health", method="OPTIONS").headers["allow"] == "GET, HEAD, OPTIONS"
    for method, path, status_code in (("GET", "/nothing", 404), ("POST", "/health", 405), ("OPTIONS", "/nothing", 404)):
        answer = ask(path, method=method)
        assert answer.status_code == status_code
        assert answer.headers["content-type"] == "application/problem+json"


def test_prometheus_reads_ticks_and_lateness() -> None:
    text = ask("/metrics").text
    assert "kpp_ticks_total 7.0" in text
    assert 'kpp_tick_lateness_recent_seconds{statistic="p99"} 0.002' in text
    assert 'kpp_tick_lateness_seconds_bucket{le="2e-05"} 0.0' in text
    assert 'kpp_tick_lateness_seconds_bucket{le="5e-05"} 1.0' in text
    assert 'kpp_tick_acknowledged_seconds_bucket{le="0.005"} 1.0' in text
