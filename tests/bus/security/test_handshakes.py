"""A handshake that fails is told on both sides, with the address and the key at fault, once."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from bus.security import keys
from bus.security.handshakes import AGAIN_AFTER, BROKEN_OFF_TIMES, MOST, Complaints, Failure
from bus.transport import sockets
from bus.transport.sockets import Publisher, Subscriber
from console.keys import main
from tests.bus.conftest import eventually
from tests.ports import free_address


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Have the sockets that are made next use the keys of a folder; of "none" there are none."""

    def use(name: str) -> Path:
        folder = tmp_path / name
        if name != "none" and not folder.exists():
            assert main(["--folder", str(folder), "init"]) == 0
        monkeypatch.setenv("KPP_KEYS", str(folder))
        return folder

    monkeypatch.setattr(sockets, "_log", sockets._Log())  # what was told before is forgotten
    yield use
    keys.curve.cache_clear()


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged."""
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize(
    ("server", "client", "says"),
    [
        (
            "here",
            "there",
            ("it has keys of another plant, not those of {server}", "breaks off the handshake with the key"),
        ),
        (
            "here",
            "none",
            ("it has no keys, and this plant has (in {server})", "requires keys, and there are none in {client}"),
        ),
        (
            "none",
            "there",
            ("it has keys, and this plant has none in {server}", "has no keys, and this host has some in {client}"),
        ),
    ],
)
def test_s09_foreign_keys_are_told_on_both_sides(
    use: Callable[[str], Path],
    caplog: pytest.LogCaptureFixture,
    server: str,
    client: str,
    says: tuple[str, str],
) -> None:
    address = free_address()
    folders = {}
    with ExitStack() as stack:
        folders["server"] = use(server)
        stack.enter_context(Publisher(address))
        folders["client"] = use(client)
        subscriber = stack.enter_context(Subscriber([address], [""]))
        texts = [each.format(**folders) for each in says]
        eventually(lambda: all(any(text in line for line in told(caplog)) for text in texts), "both sides say it")
        assert subscriber.receive(0.3) is None
    of_server = [line for line in told(caplog) if texts[0] in line]
    assert all(line.startswith(f"{address}: a connection from ") for line in of_server)
    assert len(of_server) <= 2, "it is tried again several times a second, and told once, without and with its address"
    of_client = [line for line in told(caplog) if texts[1] in line]
    assert len(of_client) == 1
    assert of_client[0].startswith(f"{address} ")


def test_s09_a_key_that_is_not_on_the_list_is_named_on_both_sides(
    use: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    address = free_address()
    with ExitStack() as stack:
        server = use("here")
        stack.enter_context(Publisher(address))
        client = use("copy")
        keys.curve.cache_clear()
        (client / "server.json").write_bytes((server / "server.json").read_bytes())
        curve = keys.curve(client)
        assert curve is not None
        stack.enter_context(Subscriber([address], [""]))
        key = curve.node.public[:8]
        texts = [
            f"a connection from 127.0.0.1 was refused: its key {key}...",
            f"{address} does not accept the key {key}...",
        ]
        eventually(lambda: all(any(line.startswith(text) for line in told(caplog)) for text in texts), "both say it")


def test_s09_keys_that_are_the_same_are_no_news(use: Callable[[str], Path], caplog: pytest.LogCaptureFixture) -> None:
    address = free_address()
    use("here")
    with closing(Publisher(address)) as publisher, closing(Subscriber([address], [""])) as subscriber:

        def heard() -> bool:
            publisher.send((b"a", b"b"))
            return subscriber.receive(0.01) is not None

        eventually(heard, "it is heard")
    assert told(caplog) == []


def test_a_complaint_is_made_again_after_a_while_and_strangers_do_not_fill_the_log() -> None:
    complaints = Complaints()
    assert [complaints.due("a", now) for now in (0.0, 1.0, AGAIN_AFTER + 1.0)] == [True, False, True]
    made = [complaints.due(f"from {k}", AGAIN_AFTER + 2.0) for k in range(2 * MOST)]
    assert sum(made) == MOST - 1


def test_one_handshake_that_is_broken_off_is_no_complaint() -> None:
    complaints = Complaints()
    times = [complaints.often(Failure.BROKEN_OFF, "x") for _ in range(BROKEN_OFF_TIMES)]
    assert times == [False, False, True]
    complaints.succeeded("x")
    assert not complaints.often(Failure.BROKEN_OFF, "x")
    assert complaints.often(Failure.REFUSED, "x")
