"""Which programs run on this host: one for each process of each plant module, and of the others those KPP_NODES names.

supervisord.conf has one program for the plant modules; what it says of it holds for all of them. Pure.
"""

from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bus.protocol.endpoints import INSTANCES, EndpointError, Endpoints
from system.environment_variables import setting

VARIABLE = "KPP_NODES"
"""Environment variable with the nodes and modules that this host runs; all of them when it is not set."""

NODES = {
    "clock": ("clock",),
    "gateway": ("gateway", "stream"),
    "recorder": ("recorder",),
    "ui": ("ui",),
}
"""Node -> its programs in supervisord.conf."""


@dataclass(frozen=True)
class ModuleProgram:
    """The program of one process of a plant module."""

    module: str
    instance: str

    @property
    def name(self) -> str:
        """`physics_m1`, and `physics_m1.b` of the hot standby: a dot is in no module's name."""
        standby = "" if self.instance == INSTANCES[0] else f".{self.instance}"
        return f"physics_{self.module}{standby}"

    @property
    def arguments(self) -> str:
        """What its command line ends with."""
        return f"--module {self.module} --instance {self.instance}"


def local(endpoints: Endpoints, environ: Mapping[str, str]) -> frozenset[str]:
    """Names of the nodes and modules that this host runs.

    Raises:
        EndpointError: naming what KPP_NODES names and there is not.
    """
    known = [*NODES, *(module.module for module in endpoints.modules)]
    named = [name.strip() for name in setting(VARIABLE, ",".join(known), environ).split(",")]
    for name in named:
        if name not in known:
            raise EndpointError(f"{VARIABLE}: there is no {name!r}: name some of {', '.join(known)}")
    return frozenset(named)


def module_programs(endpoints: Endpoints, here: Collection[str]) -> list[ModuleProgram]:
    """One for each process of each module of this host: first those that publish, then their standbys."""
    pairs = [(module.module, each.instance) for module in endpoints.modules for each in module.instances]
    pairs.sort(key=lambda pair: INSTANCES.index(pair[1]))
    return [ModuleProgram(module, instance) for module, instance in pairs if module in here]


def arrange(groups: list[Any], modules: str, endpoints: Endpoints, here: Collection[str]) -> list[Any]:
    """The groups of programs as they are to run on this host.

    Args:
        groups: supervisord's configuration of each, as it has read them; not changed.
        modules: name of the one for the plant modules.
        endpoints: what there is.
        here: nodes and modules of this host.
    """
    # What is not ours at all, such as the watchdog and the address printer, is in no list of NODES and always stays.
    elsewhere = {program for node, programs in NODES.items() if node not in here for program in programs}
    arranged = []
    for group in groups:
        if group.name in elsewhere:
            continue
        if group.name != modules:
            arranged.append(group)
        elif programs := module_programs(endpoints, here):
            arranged.append(_each_module(group, programs))
    return arranged


def _each_module(group: Any, programs: list[ModuleProgram]) -> Any:
    # Copies, since one template makes several programs and may be the configuration that supervisord still holds.
    (template,) = group.process_configs
    made = copy(group)
    made.process_configs = []
    for program in programs:
        config = copy(template)
        config.name = program.name
        config.command = f"{template.command} {program.arguments}"
        if isinstance(template.stdout_logfile, str):  # else it is a marker of supervisord for "none" or "automatic"
            config.stdout_logfile = str(Path(template.stdout_logfile).with_name(f"{program.name}.log"))
        made.process_configs.append(config)
    return made
