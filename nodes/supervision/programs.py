"""Which programs run on this host: one for each process of each plant module, and the other nodes of KPP_NODES. Pure.

supervisord.conf has one program that stands for all plant modules; what the file says of it holds for each of them.
"""

from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bus.protocol.endpoints import INSTANCES, EndpointError, Endpoints
from system.environment_variables import setting

VARIABLE = "KPP_NODES"
"""Environment variable that names the nodes and modules that this host runs, separated by commas; all if not set."""

NODES = {
    "clock": ("clock",),
    "gateway": ("gateway", "stream"),
    "recorder": ("recorder",),
    "ui": ("ui",),
}
"""Node -> its programs in supervisord.conf."""


@dataclass(frozen=True)
class ModuleProgram:
    """The program of one process of a plant module.

    Attributes:
        module: the module's name.
        instance: which of its processes, one of `bus.protocol.endpoints.INSTANCES`.
    """

    module: str
    instance: str

    @property
    def name(self) -> str:
        """`physics_m1`, and `physics_m1.b` for the hot standby; no module's name has a dot in it."""
        standby = "" if self.instance == INSTANCES[0] else f".{self.instance}"
        return f"physics_{self.module}{standby}"

    @property
    def arguments(self) -> str:
        """The options that its command line has in addition to those of the template."""
        return f"--module {self.module} --instance {self.instance}"


def local(endpoints: Endpoints, environ: Mapping[str, str]) -> frozenset[str]:
    """Names of the nodes and modules that this host runs.

    Args:
        endpoints: what there is in the whole plant.
        environ: the variables, of which KPP_NODES is read.

    Raises:
        EndpointError: if KPP_NODES has a name that is neither a node nor a module.
    """
    # An unknown name is refused rather than ignored: a misspelt module would be missing without a word.
    known = [*NODES, *(module.module for module in endpoints.modules)]
    named = [name.strip() for name in setting(VARIABLE, ",".join(known), environ).split(",")]
    for name in named:
        if name not in known:
            raise EndpointError(f"{VARIABLE}: there is no {name!r}: name some of {', '.join(known)}")
    return frozenset(named)


def module_programs(endpoints: Endpoints, here: Collection[str]) -> list[ModuleProgram]:
    """One program for each process of each module of this host: first the leaders, then their standbys."""
    pairs = [(module.module, each.instance) for module in endpoints.modules for each in module.instances]
    # Programs of one priority start in this order, one after another: every module computes before the first standby
    # takes a processor for its own start. The sort is stable, so modules keep the order of KPP_MODULES.
    pairs.sort(key=lambda pair: INSTANCES.index(pair[1]))
    return [ModuleProgram(module, instance) for module, instance in pairs if module in here]


def arrange(groups: list[Any], modules: str, endpoints: Endpoints, here: Collection[str]) -> list[Any]:
    """The groups of programs as they are to run on this host.

    Args:
        groups: supervisord's configuration of each group, as read from its file; it is not changed.
        modules: name of the group that stands for the plant modules.
        endpoints: what there is in the whole plant.
        here: nodes and modules of this host.
    """
    # Programs that belong to no node, such as the watchdog and the address printer, are not in NODES and always stay.
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
    # Copies: one template makes several programs, and supervisord may still hold the group that was read.
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
