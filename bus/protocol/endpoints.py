"""Where every node is reached: one frozen value, each part overridable by an environment variable."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from system.environment_variables import setting

DEFAULT_MODULES = "m1"
"""Value of KPP_MODULES if it is not set."""

NOT_MODULES = frozenset({"clock", "physics", "gateway", "recorder", "ui", "watchdog"})
"""Names of nodes: in beats, alarms and KPP_NODES a module of the same name could not be distinguished from the node."""

INSTANCES = ("a", "b")
"""Names of the processes of a module: the first one, and its hot standby."""


class EndpointError(ValueError):
    """A setting without a usable address; the text names the variable and what it needs."""


@dataclass(frozen=True)
class HttpAddress:
    """Host and port of an HTTP server."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"http://{self.host}:{self.port}"


@dataclass(frozen=True)
class InstanceEndpoints:
    """Sockets of one process of a plant module.

    Attributes:
        instance: one of INSTANCES.
        publish: address of its states, events and results.
        snapshot: address where it answers requests.
    """

    instance: str
    publish: str
    snapshot: str


@dataclass(frozen=True)
class ModuleEndpoints:
    """A plant module and the processes that compute it: the first one, and a hot standby if there is one."""

    module: str
    instances: tuple[InstanceEndpoints, ...]

    @property
    def publish(self) -> str:
        """Where the first instance publishes."""
        return self.instances[0].publish

    @property
    def snapshot(self) -> str:
        """Where the first instance answers requests."""
        return self.instances[0].snapshot

    def instance(self, name: str) -> InstanceEndpoints:
        """The sockets of one instance.

        Raises:
            EndpointError: if there is no such instance, naming those that exist.
        """
        for endpoints in self.instances:
            if endpoints.instance == name:
                return endpoints
        known = ", ".join(endpoints.instance for endpoints in self.instances)
        raise EndpointError(f"no instance {name!r} of module {self.module}: there are {known} (see KPP_INSTANCES)")


@dataclass(frozen=True)
class Endpoints:
    """All addresses of one plant.

    ZeroMQ addresses are `tcp://host:port`; the node that owns an address binds it, everybody else connects.
    """

    clock_http: HttpAddress
    clock_publish: str
    clock_control: str
    gateway_http: HttpAddress
    gateway_websocket: HttpAddress
    ui_http: HttpAddress
    recorder: str
    modules: tuple[ModuleEndpoints, ...]

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Endpoints":
        """Read the addresses; a variable that is not set, or is empty, has its default on 127.0.0.1.

        Variables: `KPP_CLOCK_HTTP`, `KPP_GATEWAY_HTTP`, `KPP_GATEWAY_WEBSOCKET`, `KPP_UI_HTTP` (`host:port`),
        `KPP_CLOCK_PUBLISH`, `KPP_CLOCK_CONTROL`, `KPP_PHYSICS_PUBLISH`, `KPP_RECORDER`, `KPP_PHYSICS_SNAPSHOT`
        (`tcp://host:port`; module number k, from 0, uses port + k, and its standby port + number of modules + k),
        `KPP_MODULES` (names, separated by commas, `name@host` for one on another host), `KPP_INSTANCES` (processes of
        each module: 1, or 2 with a hot standby).

        Raises:
            EndpointError: naming the variable, its value and what it needs.
        """

        def http(name: str, default: str) -> HttpAddress:
            value = setting(name, default, environ)
            match = re.fullmatch(r"([A-Za-z0-9.\-]+):(\d{1,5})", value)
            if match is None or not 0 < int(match[2]) < 65536:
                raise EndpointError(f"{name}={value!r}: needs host:port, for example {default}")
            return HttpAddress(match[1], int(match[2]))

        def tcp(name: str, default: str, offset: int = 0, host: str = "") -> str:
            value = setting(name, default, environ)
            match = re.fullmatch(r"tcp://([A-Za-z0-9.\-]+):(\d{1,5})", value)
            if match is None or not 0 < int(match[2]) + offset < 65536:
                raise EndpointError(f"{name}={value!r}: needs tcp://host:port, for example {default}")
            return f"tcp://{host or match[1]}:{int(match[2]) + offset}"

        modules = _modules(setting("KPP_MODULES", DEFAULT_MODULES, environ))
        instances = setting("KPP_INSTANCES", "1", environ)
        if instances not in {"1", "2"}:
            raise EndpointError(f"KPP_INSTANCES={instances!r}: use 1, or 2 for a hot standby of each module")

        # The standbys come after all first instances, so adding standbys moves no address that programs know.
        def sockets(k: int, host: str) -> tuple[InstanceEndpoints, ...]:
            return tuple(
                InstanceEndpoints(
                    instance=instance,
                    publish=tcp("KPP_PHYSICS_PUBLISH", "tcp://127.0.0.1:9210", k + offset * len(modules), host),
                    snapshot=tcp("KPP_PHYSICS_SNAPSHOT", "tcp://127.0.0.1:9250", k + offset * len(modules), host),
                )
                for offset, instance in enumerate(INSTANCES[: int(instances)])
            )

        return cls(
            clock_http=http("KPP_CLOCK_HTTP", "127.0.0.1:9201"),
            clock_publish=tcp("KPP_CLOCK_PUBLISH", "tcp://127.0.0.1:9202"),
            clock_control=tcp("KPP_CLOCK_CONTROL", "tcp://127.0.0.1:9203"),
            gateway_http=http("KPP_GATEWAY_HTTP", "127.0.0.1:9100"),
            gateway_websocket=http("KPP_GATEWAY_WEBSOCKET", "127.0.0.1:9101"),
            ui_http=http("KPP_UI_HTTP", "127.0.0.1:9103"),
            recorder=tcp("KPP_RECORDER", "tcp://127.0.0.1:9230"),
            modules=tuple(ModuleEndpoints(name, sockets(k, host)) for k, (name, host) in enumerate(modules.items())),
        )

    def module(self, name: str) -> ModuleEndpoints:
        """The sockets of one module.

        Raises:
            EndpointError: if there is no such module, naming those that exist.
        """
        for endpoints in self.modules:
            if endpoints.module == name:
                return endpoints
        known = ", ".join(endpoints.module for endpoints in self.modules)
        raise EndpointError(f"no module {name!r}: KPP_MODULES names {known}")

    def publishers(self) -> tuple[str, ...]:
        """Every address that publishes topics: the clock's and those of each module's instances."""
        return (self.clock_publish, *(each.publish for module in self.modules for each in module.instances))


def _modules(value: str) -> dict[str, str]:
    """Name of each module -> its host; empty where KPP_PHYSICS_PUBLISH and KPP_PHYSICS_SNAPSHOT have it."""
    modules: dict[str, str] = {}
    for text in value.split(","):
        match = re.fullmatch(r"([a-z][a-z0-9_]{0,31})(?:@([A-Za-z0-9.\-]+))?", text.strip())
        if match is None or match[1] in NOT_MODULES or match[1] in modules:
            raise EndpointError(f"KPP_MODULES: {text.strip()!r} is not a module name: use distinct names like m1,m2")
        modules[match[1]] = match[2] or ""
    return modules
