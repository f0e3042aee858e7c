"""Who may talk to the servers."""

import pytest

from bus.security.hosts import check, is_loopback, named


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


def test_further_names_are_let_in() -> None:
    names = named({"KPP_HOSTS": " Plant.example , other"})
    assert check(["plant.example:9100"], ["http://other:9103"], "0.0.0.0", names) is None  # noqa: S104  # a name
    assert check(["plant.example.evil"], [], "0.0.0.0", names) is not None  # noqa: S104  # as above


@pytest.mark.parametrize(("host", "local"), [("127.0.0.1", True), ("localhost", True), ("[::1]", True), ("::1", True),
    ("0.0.0.0", False), ("192.168.0.7", False), ("plant.example", False), ("127.0.0.1.evil", False)])  # fmt: skip  # noqa: S104  # a name
def test_loopback_is_this_machine_alone(host: str, local: bool) -> None:
    assert is_loopback(host) is local
