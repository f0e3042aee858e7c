"""The stream's doors: only our own pages, reached under our own names, get in."""

import http.client

import pytest

from tests.ui.conftest import Dashboard


def knock(dashboard: Dashboard, path: str, origin: str, host: str) -> int:
    connection = http.client.HTTPConnection(dashboard.host, timeout=60)
    headers = {
        "Host": host,
        "Origin": origin,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    connection.request("GET", path, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_our_own_page_gets_in(dashboard: Dashboard) -> None:
    assert knock(dashboard, "/stream", f"http://{dashboard.host}", dashboard.host) == 101


@pytest.mark.parametrize("path", ["/stream", "/ws"])
def test_a_foreign_page_does_not(dashboard: Dashboard, path: str) -> None:
    assert knock(dashboard, path, "http://evil.example", dashboard.host) == 403


def test_a_foreign_name_for_our_address_does_not(dashboard: Dashboard) -> None:
    port = dashboard.host.partition(":")[2]
    assert knock(dashboard, "/stream", f"http://evil.example:{port}", f"evil.example:{port}") == 400


def test_health_tells_what_is_missing(dashboard: Dashboard) -> None:
    health = dashboard.health()
    assert health is not None
    assert {node["node"] for node in health["nodes"]} == {"clock", "m1", "gateway", "recorder"}
    assert set(health["metrics"]) == {
        "messages_per_second",
        "messages_lost",
        "messages_repaired",
        "bad_frames",
        "pages",
        "documents",
    }
