"""The environment and the configuration work in any folder, after any move, and beside anybody's modules."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from supervisor.loggers import getLogger
from supervisor.options import ServerOptions

from runtime.process import isolated
from scripts import environment
from tests.e2e.conftest import environment as free_environment
from tests.watching import eventually

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ["with space", "it's", 'a "quoted" one', "100% of %(here)s", "x" * 120, "a; b # c", "dollar $HOME", "ümläut"]
PACKAGES = ("bus", "catalog", "console", "kpp_physics", "nodes", "recording", "runtime", "studies", "system", "ui")
FOREIGN = (*PACKAGES, "msgspec")
PROBE = """
[program:probe]
command=.venv/bin/python -I -c "print('probed')"
autorestart=false
startsecs=0
stdout_logfile=var/log/probe.log
"""


def run(command: list[str], cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run in a folder, and as from a shell: not as a part of the `make` that runs the tests."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"}
    environ = {**outer, **variables}
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=100)


def checkout(folder: Path) -> Path:
    """What supervisord sees of a checkout."""
    (folder / "var" / "log").mkdir(parents=True)
    (folder / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "supervisord.conf", folder)
    shutil.copytree(ROOT / "scenarios", folder / "scenarios")
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    return folder


def only_probe(folder: Path) -> None:
    """Have a checkout's supervisord start one small program and no node."""
    parts = re.split(r"(?m)^(?=\[)", (folder / "supervisord.conf").read_text())
    kept = ("[supervisord]", "[unix_http", "[supervisorctl]", "[rpcinterface:supervisor]", "[rpcinterface:kpp]")
    (folder / "supervisord.conf").write_text("".join(part for part in parts if part.startswith(kept)) + PROBE)


@pytest.mark.parametrize("name", FOLDERS)
def test_f12_the_configuration_is_read_in_any_folder(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout(tmp_path / name))
    options = ServerOptions()
    options.realize(["-n", "-c", "supervisord.conf"])
    options.process_config(do_usage=False)
    options.logger = getLogger()
    started = {
        process.config.name: process.get_execv_args()
        for group in options.process_group_configs
        for process in group.make_group().processes.values()
    }
    assert started["clock"] == (".venv/bin/python", [".venv/bin/python", "-I", "-m", "nodes.clock"])
    for program, arguments in started.values():
        assert Path(program).exists()
        assert arguments[1] == "-I", "neither the present folder nor PYTHONPATH has a say"
    address = options.configroot.supervisord.server_configs[0]["file"]
    assert Path(address).parent.samefile("var")
    assert len(address) < 40, "a socket's address has 107 bytes at most"


@pytest.mark.parametrize("name", ['100% it\'s a "long" one ' + "x" * 90])
def test_f12_f17_supervisord_runs_in_any_folder_beside_anybodys_modules(tmp_path: Path, name: str) -> None:
    folder = checkout(tmp_path / name)
    only_probe(folder)
    for each in FOREIGN:
        (folder / f"{each}.py").write_text("raise SystemExit('a foreign module runs')")
    chosen = free_environment(folder) | {"PYTHONPATH": str(folder), "KPP_DATA": ""}
    output, log = folder / "output.txt", folder / "var" / "log" / "probe.log"
    command = isolated("supervisor.supervisord", "-n", "-c", "supervisord.conf")
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=folder, env=chosen, stdout=file, stderr=file, umask=0)
    try:
        eventually(
            lambda: process.poll() is not None or (log.exists() and log.read_text() == "probed\n"), 60, "it runs"
        )
    finally:
        process.terminate()
        process.wait(60)
    said = output.read_text()
    assert log.read_text() == "probed\n", said
    assert "foreign" not in said
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder / "var", folder / "var" / "log", log)}
    assert modes == {"var": 0o700, "log": 0o700, "probe.log": 0o600}
    assert (folder / "var" / "log" / "supervisord.log").stat().st_mode & 0o777 == 0o600


def test_f17_a_command_of_ours_runs_beside_anybodys_modules(tmp_path: Path) -> None:
    for each in FOREIGN:
        (tmp_path / f"{each}.py").write_text("raise SystemExit('a foreign module runs')")
    done = run(isolated("console", "parameters"), tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "water_depth" in done.stdout


def test_f17_every_process_of_ours_is_started_isolated() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "sys.executable" in path.read_text()
    ]
    assert found == ["runtime/process.py"]


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """A checkout with an environment, moved to another place."""
    old, new = tmp_path / "old", tmp_path / 'a new place, it\'s "100%"'
    place = old / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    (old / "ours.py").write_text("print('ours', __file__)")
    scripts = {
        "tool": f"#!{place}/bin/python3.11\nimport sys, ours\nprint(sys.argv[1:])\n",
        "long": f"#!/bin/sh\n'''exec' \"{place}/bin/python\" \"$0\" \"$@\"\n' '''\nprint('long')\n",
        "other": "#!/bin/sh\necho other\n",
    }
    for name, text in scripts.items():
        (place / "bin" / name).write_text(text)
        (place / "bin" / name).chmod(0o755)
    environment.make_movable(old, place)
    old.rename(new)
    return new


def test_f13_commands_and_imports_of_a_moved_checkout_work(moved: Path, tmp_path: Path) -> None:
    commands = moved / ".venv" / "bin"
    (tmp_path / "link").symlink_to(commands / "tool")
    for command in (commands / "tool", tmp_path / "link"):
        done = run([str(command), "a b", "c"], tmp_path)
        assert done.stdout == f"ours {moved / 'ours.py'}\n['a b', 'c']\n", done.stderr
    assert run([str(commands / "long")], tmp_path).stdout == "long\n"
    assert (commands / "other").read_text() == "#!/bin/sh\necho other\n"


def test_f13_make_says_that_a_checkout_was_moved_and_mends_what_is_left(
    moved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed: list[str] = []
    monkeypatch.setattr(environment, "_install", lambda _root, _place, extra: installed.append(extra))
    monkeypatch.setattr(environment, "is_whole", lambda _place: True)
    for name in ("pyproject.toml", "constraints.txt"):
        (moved / name).write_text("x")
    (moved / ".venv" / "place").write_text("/old/place")
    environment.make(moved, "test")
    assert "This checkout was at /old/place: its environment is adapted to the new place" in capsys.readouterr().out
    assert "a new place" in (moved / ".venv" / "bin" / "activate").read_text()
    environment.make(moved, "test")
    assert (installed, capsys.readouterr().out) == (["", "test"], "")
    (moved / "constraints.txt").write_text("y")
    environment.make(moved, "")
    assert installed == ["", "test", ""]


@pytest.mark.parametrize("half", ["without pip", "gone", "empty"])
def test_f14_half_an_environment_is_made_again(tmp_path: Path, half: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / ".venv"
    assert not environment.is_whole(place)
    if half == "without pip":
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    elif half == "gone":
        place.symlink_to(tmp_path / "gone")
    else:
        place.mkdir()
    assert not environment.is_whole(place)
    environment._begin_again(place)
    assert environment.is_whole(place)
    assert "is incomplete: it is made again" in capsys.readouterr().out


def test_f14_a_python_that_can_make_none_leaves_none_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, lame = tmp_path / ".venv", tmp_path / "python"
    lame.write_text(f"#!/bin/sh\nmkdir -p '{place}/bin'\necho ensurepip is not available >&2\nexit 1\n")
    lame.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(lame))
    with pytest.raises(environment.SetupError, match=r"(?s)ensurepip is not available.*python3-venv.*PYTHON="):
        environment._begin_again(place)
    assert not place.exists()


BACKEND = """
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "tiny-1-py3-none-any.whl"
    about = "tiny-1.dist-info"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{about}/RECORD", "")
    return name
"""

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "tiny"
version = "1"
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A checkout with the real Makefile. Its project needs nothing: it is installed in seconds, without a network."""
    folder = tmp_path / "kpp"
    (folder / "kpp_physics").mkdir(parents=True)
    (folder / "scripts").mkdir()
    (folder / "var" / "log").mkdir(parents=True)
    for name in ("Makefile", "scripts/environment.py", "supervisord.conf"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "kpp_physics" / "__main__.py").write_text("print('compiled')")
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "backend.py").write_text(BACKEND)
    (folder / "constraints.txt").write_text("")
    return folder


def test_f13_f14_make_mends_half_an_environment_and_one_that_was_moved(tiny: Path, tmp_path: Path) -> None:
    def make(folder: Path) -> str:
        done = run(["make", "install", f"PYTHON={sys.executable}"], folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tiny / ".venv")], check=True)
    first = make(tiny)
    assert "is incomplete: it is made again" in first
    assert "compiled" in first
    assert make(tiny) == ""
    moved = tmp_path / "kpp 2"
    tiny.rename(moved)
    assert make(moved) == f"This checkout was at {tiny}: its environment is adapted to the new place\n"
    assert make(moved) == ""
    assert run([str(moved / ".venv" / "bin" / "pip"), "--version"], tmp_path).stdout.startswith("pip ")


def test_f13_make_run_starts_the_plant_of_a_moved_checkout(tiny: Path, tmp_path: Path) -> None:
    place, moved = tiny / ".venv", tmp_path / "kpp 2"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text("\n".join(each for each in sys.path if each.endswith("site-packages")))
    environment.make_movable(tiny, place)
    (place / "place").write_text(str(tiny))
    (place / "installed").write_text(environment._wanted(tiny, ""))
    for package in ("bus", "catalog", "nodes", "runtime", "system", "scenarios"):
        (tiny / package).symlink_to(ROOT / package)
    for source in (ROOT / "kpp_physics").glob("*.py"):  # for the scenario that is named; nothing is compiled there
        if source.name != "__main__.py":
            (tiny / "kpp_physics" / source.name).symlink_to(source)
    only_probe(tiny)
    tiny.rename(moved)
    log, output = moved / "var" / "log" / "probe.log", tmp_path / "output.txt"
    chosen = free_environment(moved) | {"KPP_DATA": ""}
    with output.open("wb") as file:
        command = ["make", "run", f"PYTHON={sys.executable}"]
        process = subprocess.Popen(command, cwd=moved, env=chosen, stdout=file, stderr=file, start_new_session=True)
    try:
        eventually(
            lambda: process.poll() is not None or (log.exists() and log.read_text() == "probed\n"), 60, "it runs"
        )
        assert process.poll() is None, output.read_text()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
    assert f"This checkout was at {tiny}: its environment is adapted to the new place" in output.read_text()
