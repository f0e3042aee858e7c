"""Who may talk to the servers."""

import pytest

from bus.security.hosts import ORIGINS_VARIABLE, UI_VARIABLE, VARIABLE, Names, check, is_loopback, named
from bus.security.keys import SecurityError

HERE = Names("127.0.0.1")


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:9100", "LOCALHOST:1", "127.0.0.1:9100", "127.1.2.3", "[::1]:9100", "plant.example:9100"],
)
def test_local_names_and_the_bound_one_pass(host: str) -> None:
    assert check([host], [], Names("plant.example")) is None


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
    problem = check(hosts, [], HERE)
    assert problem is not None
    assert problem.status == 400


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:9103", "http://localhost:9103"),
        ("LOCALHOST:9103", "http://localhost:9103"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("127.0.0.1:443", "https://127.0.0.1"),
        ("127.0.0.1", "https://127.0.0.1"),
        ("[::1]:9103", "http://[::1]:9103"),
    ],
)
def test_our_own_pages_pass(host: str, origin: str) -> None:
    assert check([host], [origin], HERE) is None


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://localhost", "https://localhost:9100x"])
def test_s18_pages_of_other_servers_on_this_machine_are_foreign(origin: str) -> None:
    problem = check(["localhost:9100"], [origin], HERE)
    assert problem is not None
    assert problem.status == 403


def test_s18_foreign_pages_are_let_in_by_origin() -> None:
    names = Names.from_environment("127.0.0.1", {ORIGINS_VARIABLE: "https://app.example, http://localhost:3000"})
    for origin in ("https://app.example", "https://app.example:443", "http://localhost:3000"):
        assert check(["localhost:9100"], [origin], names) is None, origin
    for origin in ("http://app.example", "https://app.example:8443", "http://localhost:3001", "null"):
        assert check(["localhost:9100"], [origin], names) is not None, origin
    with pytest.raises(SecurityError, match="KPP_ORIGINS: 'app"):
        Names.from_environment("127.0.0.1", {ORIGINS_VARIABLE: "app.example"})


@pytest.mark.parametrize("variable", [VARIABLE, UI_VARIABLE])
@pytest.mark.parametrize("name", ["plant.example", "plant.example:443", "Plant.Example"])
@pytest.mark.parametrize("host", ["plant.example", "plant.example:443", "127.0.0.1:9103"])
def test_f11_default_ports_may_be_left_out_behind_tls(variable: str, name: str, host: str) -> None:
    """A browser names no :443; a proxy passes its own name on, or ours."""
    names = Names.from_environment("127.0.0.1", {variable: name}, (VARIABLE, UI_VARIABLE))
    assert check([host], ["https://plant.example"], names) is None
    assert check([host], ["https://evil.example"], names) is not None
    assert check([host], ["https://plant.example:8443"], names) is not None


def test_f11_a_port_that_is_no_default_is_said() -> None:
    names = Names.from_environment("127.0.0.1", {VARIABLE: "plant.example:8443"})
    assert check(["127.0.0.1:9103"], ["https://plant.example:8443"], names) is None
    assert check(["127.0.0.1:9103"], ["https://plant.example"], names) is not None
    assert check(["plant.example:9103"], ["http://plant.example:9103"], names) is None
    with pytest.raises(SecurityError, match="KPP_HOSTS: 'https://plant"):
        Names.from_environment("127.0.0.1", {VARIABLE: "https://plant.example"})


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
    problem = check(["localhost"], [origin], HERE)
    assert problem is not None
    assert problem.status == 403


def test_further_names_are_let_in() -> None:
    names = Names.from_environment("192.0.2.7", {"KPP_HOSTS": " Plant.example , other"})
    assert [str(name) for name in named({"KPP_HOSTS": " Plant.example , other:80"})] == ["plant.example", "other:80"]
    assert check(["plant.example:9100"], ["http://plant.example:9100"], names) is None
    assert check(["plant.example.evil"], [], names) is not None


@pytest.mark.parametrize(("host", "local"), [("127.0.0.1", True), ("localhost", True), ("[::1]", True), ("::1", True),
    ("0.0.0.0", False), ("192.168.0.7", False), ("plant.example", False), ("127.0.0.1.evil", False)])  # fmt: skip  # noqa: S104  # a name
def test_loopback_is_this_machine_alone(host: str, local: bool) -> None:
    assert is_loopback(host) is local
