"""Whose address a request comes from behind proxies."""

import pytest

from bus.security.keys import SecurityError
from bus.security.proxies import VARIABLE, Proxies

PROXIES = Proxies.from_environment({VARIABLE: "127.0.0.1, 10.0.0.0/8,::1"})


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.9", ["198.51.100.7"], "192.0.2.9"),  # anybody can write the header
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["203.0.113.5, 198.51.100.7"], "198.51.100.7"),  # what the client itself wrote is not believed
        ("127.0.0.1", ["203.0.113.5", "198.51.100.7, 10.1.2.3"], "198.51.100.7"),
        ("127.0.0.1", ["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
        ("127.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("::1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("::1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["unknown"], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.7, garbage"], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("", ["198.51.100.7"], ""),
    ],
)
def test_f08_forwarded_addresses_are_believed_from_named_proxies_alone(
    peer: str, forwarded: list[str], client: str
) -> None:
    assert PROXIES.client(peer, forwarded) == client


def test_without_named_proxies_nobody_is_believed() -> None:
    for environ in ({}, {VARIABLE: ""}, {VARIABLE: " , "}):
        assert Proxies.from_environment(environ).client("127.0.0.1", ["198.51.100.7"]) == "127.0.0.1"


def test_what_is_no_address_is_named() -> None:
    with pytest.raises(SecurityError, match=r"KPP_TRUSTED_PROXIES: 'proxy\.example'"):
        Proxies.from_environment({VARIABLE: "10.0.0.1,proxy.example"})
