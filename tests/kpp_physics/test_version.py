"""A kernel's version is that of what it computes: words make no other one, numbers do."""

import shutil
from pathlib import Path

import pytest

from kpp_physics import compiled

SOURCES = Path(compiled.__file__).parent


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the sources, to be edited."""
    for source in SOURCES.glob("*.py"):
        shutil.copy(source, tmp_path)
    return tmp_path


def edit(folder: Path, file: str, old: str, new: str) -> None:
    source = folder / file
    text = source.read_text(encoding="utf-8")
    assert old in text
    source.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_copy_has_the_version_of_its_original(copied: Path) -> None:
    assert compiled.version(copied) == compiled.KERNEL_VERSION


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("kernel.py", '"""The compiled 1 ms step', '"""What every millisecond brings, the step'),
        ("air.py", '    """Volume of a pocket [m3] from', '    """How large a pocket is [m3], from'),
        ("receiver.py", '"""Pairs of intervals', '"""Number of pairs of intervals'),
        ("ledger.py", 'meaning="electric energy of', 'meaning="what goes to'),
        ("parameters.py", "floaters on the chain", "floaters that hang on the chain"),
        ("motion.py", "\n\n\n", "\n\n\n# Why this is so stands elsewhere.\n"),
        ("cache.py", "_VERSION_DIGITS: Final = 16", "_VERSION_DIGITS: Final = 20"),
    ],
    ids=[
        "docstring of a module",
        "of a function",
        "of a constant",
        "a meaning",
        "a parameter's text",
        "a comment",
        "what computes nothing",
    ],
)
def test_words_make_no_other_kernel(copied: Path, file: str, old: str, new: str) -> None:
    edit(copied, file, old, new)
    assert compiled.version(copied) == compiled.KERNEL_VERSION


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("receiver.py", "RELIEF_INTERVALS = 32", "RELIEF_INTERVALS = 31"),
        ("constants.py", '"step", 1.0e-3', '"step", 2.0e-3'),
        ("coefficients.py", "lambda b: 0.5 * b.p.shaft_area,", "lambda b: 0.6 * b.p.shaft_area,"),
        ("air.py", "return exponent * energy / roof", "return exponent * (energy / roof)"),
        ("compiled.py", '"error_model": "numpy"', '"error_model": "python"'),
    ],
    ids=["a number", "a constant", "a coefficient", "an order of operations", "an option of the compiler"],
)
def test_what_is_computed_otherwise_is_another_kernel(copied: Path, file: str, old: str, new: str) -> None:
    edit(copied, file, old, new)
    assert compiled.version(copied) != compiled.KERNEL_VERSION


def test_another_file_is_another_kernel(copied: Path) -> None:
    (copied / "wind.py").write_text("SPEED = 1.0\n", encoding="utf-8")
    assert compiled.version(copied) != compiled.KERNEL_VERSION
