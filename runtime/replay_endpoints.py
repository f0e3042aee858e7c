"""Where a replay is reached: every address that it binds lies beside the plant's own, so both can run at once."""

from collections.abc import Mapping

from bus.protocol.endpoints import Endpoints, HttpAddress
from bus.security import hosts
from runtime.process import PROGRAM, RESTARTS, SUPERVISOR
from system.environment_variables import setting

SHIFT = 200
"""How far the ports of a replay lie above those of the plant, unless variables KPP_REPLAY_... give others."""

VARIABLES = (
    "KPP_CLOCK_HTTP",
    "KPP_GATEWAY_HTTP",
    "KPP_GATEWAY_WEBSOCKET",
    "KPP_UI_HTTP",
    "KPP_CLOCK_PUBLISH",
    "KPP_CLOCK_CONTROL",
    "KPP_PHYSICS_PUBLISH",
    "KPP_PHYSICS_SNAPSHOT",
)
"""What a replay binds. The recorder's address is not among them: a replay's dashboard asks the plant's recorder."""


def replay_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a replay of the plant that an environment describes.

    Args:
        environ: the plant's variables; it is not changed.

    Raises:
        EndpointError: naming the variable that has no usable address.
        SecurityError: naming the variable that has no name by which this machine could be reached.
    """
    plant = Endpoints.from_environment(environ)
    # The first module's addresses suffice: those of the others follow from them and from KPP_MODULES.
    module = plant.modules[0]
    own: tuple[HttpAddress | str, ...] = (
        plant.clock_http,
        plant.gateway_http,
        plant.gateway_websocket,
        plant.ui_http,
        plant.clock_publish,
        plant.clock_control,
        _at_host_of(plant.clock_publish, module.publish),
        _at_host_of(plant.clock_publish, module.snapshot),
    )
    chosen = {
        name: setting(name.replace("KPP_", "KPP_REPLAY_", 1), _beside(address), environ)
        for name, address in zip(VARIABLES, own, strict=True)
    }
    port = chosen["KPP_UI_HTTP"].rpartition(":")[2]
    # A browser that reaches the plant's dashboard by a name reaches the replay's by the same name, on another port. If
    # that were not allowed, the replay would refuse the browser, as a protection against DNS rebinding.
    names = [name for variable in (hosts.VARIABLE, hosts.UI_VARIABLE) for name in hosts.named(environ, variable)]
    beside = {hosts.Place(name.host, int(port)): None for name in names}  # in order, each once
    reached = ",".join(str(name) for name in dict.fromkeys([*names, *beside]))
    modules = ",".join(each.module for each in plant.modules)
    own_process = {PROGRAM, RESTARTS, SUPERVISOR}  # what supervisord has said to the process that starts the replay
    # With them the replay would beat under the name of its parent's program, and as often restarted as that.
    inherited = {name: value for name, value in environ.items() if name not in own_process}
    return {**inherited, **chosen, hosts.UI_VARIABLE: reached, "KPP_MODULES": modules, "KPP_INSTANCES": "1"}


def _at_host_of(address: str, other: str) -> str:
    """The port of `other` at the host of `address`: a replay is one process, wherever the modules run."""
    return f"{address.rpartition(':')[0]}:{other.rpartition(':')[2]}"


def _beside(address: HttpAddress | str) -> str:
    if isinstance(address, HttpAddress):
        return f"{address.host}:{address.port + SHIFT}"
    host, _, port = address.rpartition(":")
    return f"{host}:{int(port) + SHIFT}"
