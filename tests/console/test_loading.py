"""An interrupt while a command loads is heeded wherever it comes."""

import importlib
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from console import main as console
from tests.session import ROOT

LOST = """
import os, signal
from console.loading import ended_at_once

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)

class Callback:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        [number for number in range(1000)]

with ended_at_once():
    callback = Callback()
    del callback
print("lost")
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_f19_an_interrupt_in_a_callback_is_not_lost(name: str) -> None:
    script = LOST.format(name=name)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 128 + signal.Signals[name]
    assert done.stdout == ""
    assert done.stderr == "\nkpp: interrupted\n"


def test_f19_every_command_loads_like_that(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def load(_name: str) -> SimpleNamespace:
        seen.append(signal.getsignal(signal.SIGINT))
        return SimpleNamespace(verify=lambda _given: 0)

    monkeypatch.setattr(importlib, "import_module", load)
    assert console.main(["verify", "0001-001"]) == 0
    if before is not signal.SIG_IGN:
        assert seen != [before]
    assert signal.getsignal(signal.SIGINT) == before
