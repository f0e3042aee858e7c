"""Where a replay is reached: every address that it binds lies beside the plant's own, so that both can run."""

from collections.abc import Mapping

from bus.protocol.endpoints import Endpoints, HttpAddress
from bus.security import hosts
from runtime.process import PROGRAM, RESTARTS, SUPERVISOR
from system.environment_variables import setting

SHIFT = 200
"""By how much the ports of a replay lie above those of the plant, unless KPP_REPLAY_... says otherwise."""

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
"""What a replay binds. The recorder is not among them: a replay's dashboard asks the plant's."""


def replay_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a replay of the plant that an environment describes.

    Raises:
        EndpointError: naming the variable that holds no usable address.
        SecurityError: naming the variable that holds no name of this machine.
    """
    plant = Endpoints.from_environment(environ)
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
    # Whoever reaches the plant's dashboard by a name reaches the replay's by the same one on another port. Without this
    # the replay would refuse every browser that comes by a name.
    names = [name for variable in (hosts.VARIABLE, hosts.UI_VARIABLE) for name in hosts.named(environ, variable)]
    beside = {hosts.Place(name.host, int(port)): None for name in names}  # in order, each once
    reached = ",".join(str(name) for name in dict.fromkeys([*names, *beside]))
    modules = ",".join(each.module for each in plant.modules)
    own_process = {PROGRAM, RESTARTS, SUPERVISOR}  # of whoever starts the replay
    # The child would otherwise beat under the name of its parent's program, and its restarts would be counted for it.
    inherited = {name: value for name, value in environ.items() if name not in own_process}
    return {**inherited, **chosen, hosts.UI_VARIABLE: reached, "KPP_MODULES": modules, "KPP_INSTANCES": "1"}


def _at_host_of(address: str, other: str) -> str:
    """Another address with the host of the first: a replay is one process, wherever the modules are."""
    return f"{address.rpartition(':')[0]}:{other.rpartition(':')[2]}"


def _beside(address: HttpAddress | str) -> str:
    if isinstance(address, HttpAddress):
        return f"{address.host}:{address.port + SHIFT}"
    host, _, port = address.rpartition(":")
    return f"{host}:{int(port) + SHIFT}"
