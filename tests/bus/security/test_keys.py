"""`kpp keys` and the encrypted bus: real files, real sockets."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import zmq

from bus.protocol.endpoints import HttpAddress
from bus.security import keys
from bus.security.binding import require_safe_door, require_safe_socket
from bus.security.keys import SecurityError
from bus.security.tokens import PATTERN, Role
from bus.transport.sockets import Dealer, Publisher, Server, Subscriber, curve_pair
from console.keys import main
from system.folder_lock import alone
from tests.ports import free_ports
from tests.watching import eventually

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Fresh keys that this process uses."""
    where = tmp_path / "keys"
    monkeypatch.setenv("KPP_KEYS", str(where))
    assert main(["--folder", str(where), "init"]) == 0
    capsys.readouterr()
    return where


@pytest.fixture
def address() -> str:
    return f"tcp://127.0.0.1:{free_ports(1)[0]}"


def test_init_makes_private_files_and_shows_each_token_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = tmp_path / "keys"
    os.umask(0)
    assert main(["--folder", str(where), "init"]) == 0
    assert stat.S_IMODE(where.stat().st_mode) == 0o700
    for path in where.rglob("*.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shown = PATTERN.findall(capsys.readouterr().out)
    assert len(shown) == 3
    stored = "".join(path.read_text() for path in where.rglob("*.json"))
    assert not any(token in stored for token in shown)
    found = keys.tokens(where)
    assert found is not None
    roles = [caller.role for token in shown if (caller := found.caller(token))]
    assert roles == [Role.VIEWER, Role.OPERATOR, Role.ADMIN]
    assert main(["--folder", str(where), "init"]) == 2
    assert "already" in capsys.readouterr().err


def test_of_tokens_that_two_commands_make_at_once_none_is_lost(folder: Path) -> None:
    def command(name: str) -> subprocess.Popen[bytes]:
        call = "import sys; from console.keys import main; raise SystemExit(main(sys.argv[1:]))"
        words = ["--folder", str(folder), "token", name]
        return subprocess.Popen([sys.executable, "-c", call, *words], stdout=subprocess.PIPE, cwd=ROOT)

    names = {f"t{k}" for k in range(3)}
    with alone(folder):  # they come to the same place, and go on at once
        begun = [command(name) for name in names]
        for process in begun:
            opened = Path(f"/proc/{process.pid}/fd")
            eventually(partial(_has_open, opened, folder), 60, "it comes to write")
    for process in begun:
        process.communicate()
    found = keys.tokens(folder)
    assert found is not None
    assert names <= {entry.name for entry in found.entries}


def _has_open(opened: Path, folder: Path) -> bool:
    return any(each.exists() and each.resolve() == folder for each in opened.iterdir())


def test_tokens_are_added_listed_and_withdrawn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> str:
        assert main(["--folder", str(folder), *arguments]) == 0
        return capsys.readouterr().out

    token = run("token", "alice", "--role", "operator").strip()
    assert "alice" in run("list")
    found = keys.tokens(folder)
    assert found is not None
    assert found.caller(token) is not None
    run("revoke", "alice")
    assert "alice" not in run("list")
    assert main(["--folder", str(folder), "revoke", "nobody"]) == 2


def test_f01_a_secret_goes_into_no_folder_that_was_not_there(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "missing" / "tool.json"
    assert main(["--folder", str(folder), "client", "tool", "--out", str(out)]) == 2
    assert capsys.readouterr().err == f"kpp keys: No such folder: {out.parent}\n"
    assert not out.parent.exists()
    assert keys.clients(folder) == []


@pytest.mark.parametrize("spoil", ["mode", "folder", "garbage", "missing"])
def test_keys_that_others_could_read_or_that_are_damaged_are_refused(folder: Path, spoil: str) -> None:
    if spoil == "mode":
        (folder / "server.json").chmod(0o644)
    elif spoil == "folder":
        folder.chmod(0o755)
    elif spoil == "garbage":
        (folder / "node.json").write_text('{"public": 5}')
    else:
        (folder / "node.json").unlink()
    keys.curve.cache_clear()
    with pytest.raises(SecurityError, match=r"chmod|damaged|missing"):
        keys.curve(folder)


def test_a_pair_does_not_show_its_secret(folder: Path) -> None:
    curve = keys.curve(folder)
    assert curve is not None
    assert curve.server.secret not in repr(curve)
    assert curve.node.secret not in f"{curve}"


def test_the_nodes_hear_and_answer_each_other(folder: Path, address: str) -> None:
    with Server(address) as server, Dealer(address) as dealer:
        while not dealer.send(b"question"):
            dealer.receive(0.01)
        received = server.receive(120.0)
        assert received is not None
        assert received[1] == b"question"
        server.reply(received[0], b"answer")
        assert dealer.receive(120.0) == b"answer"


def plain(address: str, pair: tuple[str, str] | None, server: str) -> Iterator[zmq.Socket[bytes]]:
    """A foreign subscriber, with a key or without."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
    socket.linger = 0
    socket.subscribe(b"")
    if pair is not None:
        socket.curve_publickey, socket.curve_secretkey = pair[0].encode(), pair[1].encode()
        socket.curve_serverkey = server.encode()
    socket.connect(address)
    yield socket
    socket.close()


def heard(publisher: Publisher, socket: zmq.Socket[bytes], own: Subscriber) -> bool:
    """Does the foreign socket hear anything while our own subscriber hears a good deal?"""
    count = 0
    while count < 50:
        publisher.send((b"t", b"payload"))
        count += own.receive(0.02) is not None
    return bool(socket.poll(200))


@pytest.mark.parametrize("who", ["nobody", "stranger", "wrong server", "client", "withdrawn"])
def test_only_keys_on_the_list_hear_anything(
    folder: Path, address: str, who: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    curve = keys.curve(folder)
    assert curve is not None
    pair: tuple[str, str] | None = None if who == "nobody" else curve_pair()
    server = curve_pair()[0] if who == "wrong server" else curve.server.public
    if who in {"client", "withdrawn"}:
        assert main(["--folder", str(folder), "client", "tool", "--out", str(tmp_path / "tool.json")]) == 0
        given = keys._read(tmp_path / "tool.json", keys.KeyPair)
        pair = given.public, given.secret
    if who == "withdrawn":
        assert main(["--folder", str(folder), "revoke", "tool"]) == 0
    with Publisher(address) as publisher, Subscriber([address], [""]) as own:
        for socket in plain(address, pair, server):
            assert heard(publisher, socket, own) is (who == "client")


def test_a_damaged_file_hides_no_other_key(folder: Path, tmp_path: Path) -> None:
    curve = keys.curve(folder)
    assert curve is not None
    given = []
    for name in ("first", "last"):  # one of them comes after the damaged one, in whatever order the folder is read
        assert main(["--folder", str(folder), "client", name, "--out", str(tmp_path / f"{name}.json")]) == 0
        given.append(keys._read(tmp_path / f"{name}.json", keys.KeyPair).public)
        (folder / "clients" / "broken.json").write_text("garbage")
        (folder / "clients" / "broken.json").chmod(0o600)
    assert [curve.caller(public).name for public in given] == ["first", "last"]
    with pytest.raises(SecurityError, match="broken"):  # this may be whose key the file had
        curve.caller("x" * 40)


def test_a_key_that_cannot_be_checked_is_not_let_in_and_others_still_are(folder: Path, address: str) -> None:
    (folder / "clients" / "broken.json").write_text("garbage")
    (folder / "clients" / "broken.json").chmod(0o600)
    curve = keys.curve(folder)
    assert curve is not None
    with Publisher(address) as publisher, Subscriber([address], [""]) as own:
        for socket in plain(address, curve_pair(), curve.server.public):
            assert not heard(publisher, socket, own)
        with Subscriber([address], [""]) as late:
            for _ in range(500):
                publisher.send((b"t", b"payload"))
                if late.receive(0.01) is not None:
                    break
            else:
                pytest.fail("the authenticator has died")


def test_other_machines_are_let_in_only_with_keys_and_tokens(tmp_path: Path, folder: Path) -> None:
    bare = {"KPP_KEYS": str(tmp_path / "none")}
    full = {"KPP_KEYS": str(folder)}
    everywhere = HttpAddress("0.0.0.0", 9100)  # noqa: S104  # this is what is refused
    with pytest.raises(SecurityError, match="KPP_GATEWAY_HTTP"):
        require_safe_door(everywhere, "KPP_GATEWAY_HTTP", bare)
    with pytest.raises(SecurityError, match="kpp keys init"):
        require_safe_socket("tcp://0.0.0.0:9202", bare)
    require_safe_door(everywhere, "KPP_GATEWAY_HTTP", full)
    require_safe_socket("tcp://0.0.0.0:9202", full)
    require_safe_door(HttpAddress("127.0.0.1", 9100), "KPP_GATEWAY_HTTP", bare)
    require_safe_socket("tcp://localhost:9202", bare)


def test_a_socket_does_not_bind_for_others_without_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KPP_KEYS", str(tmp_path / "none"))
    with pytest.raises(SecurityError):
        Server("tcp://0.0.0.0:0")


def test_the_console_command_has_keys_and_the_studies(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "console", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert run("keys", "--folder", str(tmp_path / "k"), "init").returncode == 0
    assert "reference" in run("scenarios").stdout
    assert "keys" in run("--help").stdout
    assert run("keys", "token", "UPPER").returncode == 2


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_s16_the_folder_of_the_data_that_keys_are_made_in_is_private_too(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        assert main(["--folder", str(tmp_path / "data" / "keys"), "init"]) == 0
        assert os.umask(umask) == umask, "it is left as it was"
    finally:
        os.umask(before)
    made = [tmp_path / "data", *(tmp_path / "data").rglob("*")]
    assert [path for path in made if path.stat().st_mode & 0o077] == []
