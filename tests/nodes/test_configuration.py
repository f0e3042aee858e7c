"""What supervisord.conf must and must not say."""

from configparser import RawConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = RawConfigParser(inline_comment_prefixes=(";",))
CONFIG.read(ROOT / "supervisord.conf")
PROGRAMS = [
    section for section in CONFIG.sections() if section.startswith(("program:", "fcgi-program:", "eventlistener:"))
]


def test_supervisord_is_reached_by_its_unix_socket_alone() -> None:
    assert not CONFIG.has_section("inet_http_server"), "it would let anyone on the network run any program"
    assert CONFIG["unix_http_server"]["chmod"] == "0700"


@pytest.mark.parametrize("section", PROGRAMS)
def test_every_node_is_started_again_and_never_waited_for_long(section: str) -> None:
    program = CONFIG[section]
    assert program.getboolean("autorestart") is (section != "program:addresses")
    assert program["startsecs"] == "0"
    assert float(program.get("stopwaitsecs", "10")) <= 10


def test_the_watchdogs_stdout_carries_the_event_protocol_alone() -> None:
    watchdog = CONFIG["eventlistener:watchdog"]
    assert "redirect_stderr" not in watchdog
    assert int(watchdog["buffer_size"]) >= 1024
    assert watchdog["events"] == "PROCESS_STATE"
    assert CONFIG["rpcinterface:kpp"]["watchdog"] == "watchdog"


@pytest.mark.parametrize("section", [name for name in PROGRAMS if name.startswith("fcgi-program:")])
def test_f12_a_workers_socket_stands_for_another_and_is_never_taken(section: str) -> None:
    """supervisord binds it for a moment when it starts: a port may be another plant's, and a long path is none."""
    assert CONFIG[section]["socket"].startswith("unix:///proc/self/cwd/var/")
