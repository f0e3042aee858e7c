"""The compiled kernel is read where it can be read, kept where it can be written, and else compiled for once."""

import hashlib
import runpy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numba
import numpy as np
import pytest

from kpp_physics import cache, compiled
from tests.unprivileged import only_read

VERSION = "0123456789abcdef" * 4


def double(x: int) -> int:
    """What is compiled here."""
    return 2 * x


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Where the kernel may be kept, instead of the environment's own folders."""
    found = [tmp_path / "prefix", tmp_path / "home"]
    monkeypatch.setattr(cache, "_roots", lambda: found)
    monkeypatch.setattr(compiled, "KERNEL_VERSION", VERSION)
    monkeypatch.setattr(compiled, "_kept", True)
    cache.place.cache_clear()
    yield found
    cache.place.cache_clear()


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was compiled and not read."""
    found: list[str] = []
    compile_it: Callable[..., object] = numba.core.compiler.compile_extra

    def noted(*args: object, **options: object) -> object:
        found.append("compiled")
        return compile_it(*args, **options)

    monkeypatch.setattr(numba.core.compiler, "compile_extra", noted)
    return found


def import_kernel() -> None:
    """As a process does that has just begun."""
    cache.place.cache_clear()
    assert compiled.compiled("int64(int64)")(double)(21) == 42
    compiled.note_compiled()


def test_what_was_compiled_is_read(roots: list[Path], compilations: list[str]) -> None:
    assert not compiled.is_compiled()
    import_kernel()
    assert compiled.is_compiled()
    import_kernel()
    assert compilations == ["compiled"]
    assert [path.name for path in roots[0].iterdir()] == [VERSION[:16]]


def test_a_comment_compiles_nothing_again(roots: list[Path], compilations: list[str], tmp_path: Path) -> None:
    source = tmp_path / "doubling.py"
    for comment in ("", "# A reason, which moves the function down by a line.\n"):
        source.write_text(f"{comment}def double(x):\n    return 2 * x\n", encoding="utf-8")
        cache.place.cache_clear()
        assert compiled.compiled("int64(int64)")(runpy.run_path(str(source))["double"])(21) == 42
        compiled.note_compiled()
        assert compiled.is_compiled()
    assert compilations == ["compiled"]


def test_what_takes_memory_is_no_part_of_the_kernel(roots: list[Path]) -> None:
    with pytest.raises(numba.core.errors.TypingError, match="Only accept returning of array passed into the function"):
        compiled.compiled("float64(int64)")(lambda count: np.zeros(count).sum())


def test_f05_a_cache_that_can_be_read_alone_is_read(roots: list[Path], compilations: list[str], tmp_path: Path) -> None:
    import_kernel()
    with only_read(roots[0]) as prefix:
        roots[:] = [prefix]
        import_kernel()
        assert compiled.is_compiled()
    assert compilations == ["compiled"]


def test_f05_the_kernel_is_compiled_for_once_where_nothing_can_be_kept(
    roots: list[Path], compilations: list[str], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with only_read(tmp_path / "empty") as prefix:
        roots[:] = [prefix]
        import_kernel()
        assert not compiled.is_compiled()
    roots.clear()
    import_kernel()
    assert len(compilations) == 2


def test_f05_a_user_without_a_home_has_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    before = cache._roots()
    assert len(before) in {1, 2}
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setattr(Path, "home", no_home)
    assert len(cache._roots()) == 1
    monkeypatch.setattr(Path, "home", Path)
    assert len(cache._roots()) == 1, "an empty HOME is no folder of the user"


@pytest.mark.parametrize("damage", ["gone", "empty", "cut off"])
def test_f04_the_mark_says_what_is_really_there(roots: list[Path], compilations: list[str], damage: str) -> None:
    import_kernel()
    (path,) = (roots[0] / VERSION[:16]).glob("*.nbc")
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 0 if damage == "empty" else 100])
    cache.place.cache_clear()
    assert not compiled.is_compiled()
    import_kernel()
    assert compiled.is_compiled()
    import_kernel()
    assert len(compilations) == 2


def test_f04_half_a_mark_marks_nothing_and_is_written_again(roots: list[Path], compilations: list[str]) -> None:
    import_kernel()
    (mark,) = (roots[0] / VERSION[:16]).glob("whole-*")
    whole = mark.read_bytes()
    files = {path.name for path in mark.parent.iterdir()}
    for length in range(len(whole)):
        mark.write_bytes(whole[:length])
        assert not cache.is_complete(mark.parent)
    cache.place.cache_clear()
    import_kernel()
    assert mark.read_bytes() == whole
    assert {path.name for path in mark.parent.iterdir()} == files
    assert compilations == ["compiled"], "the kernel itself is whole"


def test_f04_a_copy_of_the_environment_is_complete_and_another_processor_is_none(
    roots: list[Path], compilations: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_kernel()
    roots[:] = [Path(shutil.copytree(roots[0], tmp_path / "copy"))]
    import_kernel()
    assert compilations == ["compiled"]
    monkeypatch.setattr(cache, "_processor", lambda: hashlib.sha256(b"another").hexdigest()[:16])
    cache.place.cache_clear()
    assert not compiled.is_compiled()
