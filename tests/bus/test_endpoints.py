"""Addresses: defaults, every variable, and errors that say which variable and what it needs."""

import pytest

from bus.protocol.endpoints import EndpointError, Endpoints, HttpAddress

HTTP = {
    "KPP_CLOCK_HTTP": "clock_http",
    "KPP_GATEWAY_HTTP": "gateway_http",
    "KPP_GATEWAY_WEBSOCKET": "gateway_websocket",
    "KPP_UI_HTTP": "ui_http",
}
CLOCK = {"KPP_CLOCK_PUBLISH": "clock_publish", "KPP_CLOCK_CONTROL": "clock_control"}
MODULE = {"KPP_PHYSICS_PUBLISH": "publish", "KPP_PHYSICS_SNAPSHOT": "snapshot"}


def test_defaults_are_the_documented_ports_on_loopback() -> None:
    endpoints = Endpoints.from_environment({})
    assert [str(getattr(endpoints, name)) for name in HTTP.values()] == [
        "http://127.0.0.1:9201",
        "http://127.0.0.1:9100",
        "http://127.0.0.1:9101",
        "http://127.0.0.1:9103",
    ]
    assert (endpoints.clock_publish, endpoints.clock_control) == ("tcp://127.0.0.1:9202", "tcp://127.0.0.1:9203")
    (module,) = endpoints.modules
    assert (module.module, module.publish, module.snapshot) == ("m1", "tcp://127.0.0.1:9210", "tcp://127.0.0.1:9250")


@pytest.mark.parametrize("variable", HTTP)
def test_http_addresses(variable: str) -> None:
    endpoints = Endpoints.from_environment({variable: "plant.example:8080"})
    assert getattr(endpoints, HTTP[variable]) == HttpAddress("plant.example", 8080)


@pytest.mark.parametrize("variable", CLOCK)
def test_clock_addresses(variable: str) -> None:
    endpoints = Endpoints.from_environment({variable: "tcp://10.0.0.7:7000"})
    assert getattr(endpoints, CLOCK[variable]) == "tcp://10.0.0.7:7000"


@pytest.mark.parametrize("variable", MODULE)
def test_each_module_has_the_next_port(variable: str) -> None:
    endpoints = Endpoints.from_environment({variable: "tcp://10.0.0.7:7000", "KPP_MODULES": "m1, m2 ,east_3"})
    found = [getattr(module, MODULE[variable]) for module in endpoints.modules]
    assert found == ["tcp://10.0.0.7:7000", "tcp://10.0.0.7:7001", "tcp://10.0.0.7:7002"]
    assert [module.module for module in endpoints.modules] == ["m1", "m2", "east_3"]


@pytest.mark.parametrize(
    "value",
    ["9201", "host", "host:", ":80", "host:0", "host:65536", "host:99999", "host:-1", "http://host:80", "host:80/",
     "ho st:80", "host:80\n", "[::1]:80", "user@host:80"],
)  # fmt: skip
@pytest.mark.parametrize("variable", HTTP)
def test_bad_http_addresses(variable: str, value: str) -> None:
    with pytest.raises(EndpointError) as caught:
        Endpoints.from_environment({variable: value})
    text = str(caught.value)
    assert text.startswith(f"{variable}={value!r}: needs host:port, for example 127.0.0.1:9")


@pytest.mark.parametrize(
    "value",
    ["tcp://", "tcp://host", "host:80", "tcp://host:0", "tcp://host:65536", "ipc:///x", "inproc://x", "tcp://*:80",
     "tcp://host:80\n", "tcp://host:80;tcp://other:81", "tcp://[::1]:80", "udp://host:80"],
)  # fmt: skip
@pytest.mark.parametrize("variable", [*CLOCK, *MODULE])
def test_bad_bus_addresses(variable: str, value: str) -> None:
    with pytest.raises(EndpointError) as caught:
        Endpoints.from_environment({variable: value})
    text = str(caught.value)
    assert text.startswith(f"{variable}={value!r}: needs tcp://host:port, for example tcp://127.0.0.1:9")


def test_a_module_beyond_the_last_port() -> None:
    with pytest.raises(EndpointError, match=r"^KPP_PHYSICS_PUBLISH='tcp://h:65535': "):
        Endpoints.from_environment({"KPP_PHYSICS_PUBLISH": "tcp://h:65535", "KPP_MODULES": "m1,m2"})


@pytest.mark.parametrize("value", ["m1,", "M1", "m1,m1", "clock", "*", "m-1", "m1;m2", "m" * 33, "1m", "m1\n/"])
def test_bad_module_names(value: str) -> None:
    with pytest.raises(EndpointError, match=r"^KPP_MODULES: .* is not a module name: use distinct names like m1,m2$"):
        Endpoints.from_environment({"KPP_MODULES": value})


def test_the_sockets_of_one_module() -> None:
    endpoints = Endpoints.from_environment({"KPP_MODULES": "m1,m2"})
    assert endpoints.module("m2").snapshot == "tcp://127.0.0.1:9251"
    with pytest.raises(EndpointError, match=r"^no module 'm3': KPP_MODULES names m1, m2$"):
        endpoints.module("m3")


def test_everything_that_publishes() -> None:
    endpoints = Endpoints.from_environment({"KPP_MODULES": "m1,m2"})
    assert endpoints.publishers() == ("tcp://127.0.0.1:9202", "tcp://127.0.0.1:9210", "tcp://127.0.0.1:9211")
