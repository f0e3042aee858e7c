"""Supervisord's event protocol: whole events out of bytes that come in any pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.supervision.watchdog.event_listener import EventListener, ListenerError, Notice
from nodes.supervision.watchdog.supervisor import Supervisor

PAYLOADS = (
    "processname:ui groupname:ui from_state:BACKOFF",
    "processname:clock groupname:clock from_state:RUNNING expected:0 pid:2766",
)
EVENTS = "".join(
    f"ver:3.0 server:kpp serial:{k} pool:watchdog poolserial:{k} eventname:PROCESS_STATE_FATAL "
    f"len:{len(payload)}\n{payload}"
    for k, payload in enumerate(PAYLOADS)
).encode()


@given(cuts=st.lists(st.integers(0, len(EVENTS)), max_size=6))
def test_events_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    listener = EventListener()
    edges = [0, *sorted(cuts), len(EVENTS)]
    notices = [notice for begin, end in pairwise(edges) for notice in listener.take(EVENTS[begin:end])]
    assert notices == [
        Notice("PROCESS_STATE_FATAL", {"processname": "ui", "groupname": "ui", "from_state": "BACKOFF"}),
        Notice(
            "PROCESS_STATE_FATAL",
            {"processname": "clock", "groupname": "clock", "from_state": "RUNNING", "expected": "0", "pid": "2766"},
        ),
    ]


@pytest.mark.parametrize(
    "words", [b"ver:3.0 len:3\nabc", b"eventname:X len:-1\n", b"eventname:X len:9e9\n", bytes(5000)]
)
def test_what_is_not_the_protocol_is_refused(words: bytes) -> None:
    with pytest.raises(ListenerError):
        EventListener().take(words)


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9001", "unix://"])
def test_only_a_unix_socket_is_taken(url: str) -> None:
    with pytest.raises(ValueError, match="SUPERVISOR_SERVER_URL"):
        Supervisor(url)
