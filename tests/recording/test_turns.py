"""Threads of one process that write to the same hot store take turns."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from recording.database import StoreError, open_database, transaction, wait_at_most


@pytest.fixture
def impatient() -> Iterator[None]:
    """Databases that this thread opens wait for nobody."""
    wait_at_most(0.0)
    yield
    wait_at_most(5.0)


def test_one_that_commits_all_the_time_keeps_nobody_from_writing(tmp_path: Path) -> None:
    path = tmp_path / "hot.sqlite"
    order: list[str] = []
    waiting = threading.Event()

    def other() -> None:
        with closing(open_database(path)) as mine:
            waiting.set()
            with transaction(mine):
                order.append("other")

    with closing(open_database(path)) as busy:
        thread = threading.Thread(target=other)
        with transaction(busy):
            thread.start()
            waiting.wait(30)
            order.append("busy")
        thread.join(30)  # it gets its turn from the end of the transaction, and not from a look that happens to meet it
        with transaction(busy):
            order.append("busy again")
    assert order == ["busy", "other", "busy again"]


def test_a_wait_for_a_turn_has_an_end_and_says_why(tmp_path: Path, impatient: None) -> None:
    path = tmp_path / "hot.sqlite"
    with closing(open_database(path)) as first, closing(open_database(path)) as second:
        with transaction(first), pytest.raises(StoreError, match="another thread of this process"), transaction(second):
            pytest.fail("both write")
        with transaction(second):
            second.execute("INSERT INTO facts VALUES ('it', 'works')")


def test_a_transaction_that_fails_leaves_its_turn(tmp_path: Path, impatient: None) -> None:
    path = tmp_path / "hot.sqlite"
    with closing(open_database(path)) as first, closing(open_database(path)) as second:
        with pytest.raises(ValueError, match="no"), transaction(first):
            raise ValueError("no")
        with transaction(second):
            second.execute("INSERT INTO facts VALUES ('it', 'works')")


def test_other_files_are_not_waited_for(tmp_path: Path, impatient: None) -> None:
    with (
        closing(open_database(tmp_path / "one.sqlite")) as one,
        closing(open_database(tmp_path / "two.sqlite")) as two,
        transaction(one),
        transaction(two),
    ):
        two.execute("INSERT INTO facts VALUES ('it', 'works')")
