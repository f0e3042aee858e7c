"""Who may talk to the servers."""

import pytest

from nodes.gateway.hosts import check


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:9100", "LOCALHOST:1", "127.0.0.1:9100", "127.1.2.3", "[::1]:9100", "plant.example:9100"],
)
def test_local_names_and_the_bound_one_pass(host: str) -> None:
    assert check([host], [], "plant.example") is None


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [""],
        ["evil.example"],
        ["evil.example:9100"],
        ["localhost.evil.example"],
        ["localhost@evil.example"],
        ["evil.example@localhost"],
        ["127.0.0.1.evil.example"],
        ["localhost/evil"],
        ["localhost:evil"],
        ["localhost:99999"],
        ["[::1"],
        ["192.168.1.1"],
        ["localhost", "localhost"],
        ["localhost", "evil.example"],
    ],
)
def test_other_hosts_are_refused(hosts: list[str]) -> None:
    problem = check(hosts, [], "127.0.0.1")
    assert problem is not None
    assert problem.status == 400


@pytest.mark.parametrize("origin", ["http://localhost:9103", "https://127.0.0.1", "http://[::1]:9103"])
def test_local_pages_pass(origin: str) -> None:
    assert check(["localhost"], [origin], "127.0.0.1") is None


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://evil.example",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "file://localhost",
        "localhost",
        "http://",
        "http://localhost/x",
    ],
)
def test_other_pages_are_refused(origin: str) -> None:
    problem = check(["localhost"], [origin], "127.0.0.1")
    assert problem is not None
    assert problem.status == 403
