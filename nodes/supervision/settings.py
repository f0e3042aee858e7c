"""What is wrong with the environment variables other than addresses, reported before anything starts.

A node that cannot use a value ends, is started again, and ends again; the terminal would show nothing of the reason.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from bus.protocol.messages import RATE_MAX, RATE_MIN
from bus.security import hosts, keys, proxies
from bus.security.hosts import Names
from bus.security.proxies import Proxies
from catalog.scenarios import Scenarios
from system.environment_variables import data_folder, scenario_folder, setting

WHOLE_NUMBERS = {
    "KPP_TICK_RATE": ("clock", RATE_MIN, RATE_MAX, "ticks per second"),
    "KPP_RECORDER_QUOTA": ("recorder", 0, 2**63 - 1, "bytes"),
    "KPP_RECORDER_RESERVE": ("recorder", 0, 2**63 - 1, "bytes"),
}
"""Variable -> the node that reads it, its lower and upper limit, and its unit."""


def wrong(environ: Mapping[str, str], here: Collection[str]) -> list[str]:
    """One line for each variable that a node of this host could not use, naming the limit or the remedy.

    Args:
        environ: the variables.
        here: nodes and modules of this host.
    """
    # Only what a node of this host reads: a variable for a node of another host may have any value here.
    lines = [_number(name, environ) for name, (node, *_) in WHOLE_NUMBERS.items() if node in here]
    lines += [_names(environ), _told(lambda: Proxies.from_environment(environ), proxies.VARIABLE)]
    lines += [_folder_of_keys(environ)]
    # Modules read the scenario's file, and the clock begins the first run with its name. What is left of `here` besides
    # the three nodes that do not care is the clock or a module.
    if set(here) - {"gateway", "recorder", "ui"}:
        lines.append(_scenario(environ))
    return [line for line in lines if line]


def no_folder(environ: Mapping[str, str], error: OSError) -> str:
    """Why the plant's data cannot be kept in the folder of KPP_DATA, in words for the terminal."""
    return f"KPP_DATA={str(data_folder(environ))!r} cannot be used as our folder: {error.strerror or error}"


def _number(name: str, environ: Mapping[str, str]) -> str:
    _, low, high, unit = WHOLE_NUMBERS[name]
    given = setting(name, str(low), environ)
    # `int` alone would also take underscores, signs, spaces and digits of other scripts, which no node takes.
    fits = re.fullmatch(r"\d{1,19}", given, re.ASCII) is not None and low <= int(given) <= high
    return "" if fits else f"{name}={given[:64]!r}: use {low} to {high} {unit}"


def _names(environ: Mapping[str, str]) -> str:
    variables = (hosts.VARIABLE, hosts.UI_VARIABLE)
    return _told(lambda: Names.from_environment("127.0.0.1", environ, variables), "names")


def _folder_of_keys(environ: Mapping[str, str]) -> str:
    where = keys.folder(environ)
    if where.exists() and not where.is_dir():
        return f"{keys.VARIABLE}={str(where)!r} is not a folder: name the folder of the keys, or a new one"
    return _told(lambda: (keys.tokens(where), keys.curve(where)), str(where))


def _scenario(environ: Mapping[str, str]) -> str:
    folder, name = scenario_folder(environ), setting("KPP_SCENARIO", "reference", environ)
    known = Scenarios.of_plant(environ).names()
    if not known:
        return f"KPP_SCENARIOS={str(folder)!r}: no scenario there; name a folder with files such as reference.toml"
    if name not in known:
        return f"KPP_SCENARIO={name[:64]!r}: there is no such scenario in {folder}; choose one of {', '.join(known)}"
    return ""


def _told(read: Callable[[], Any], what: str) -> str:
    """Why something cannot be read; empty if it can."""
    # Errors of our own name the variable and the remedy; those of the operating system need the name in front.
    try:
        read()
    except OSError as error:
        return str(error) if error.strerror is None else f"{what}: {error.strerror}"
    return ""
