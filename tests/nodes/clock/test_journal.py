"""The journal: what was accepted is found again, what could not be written was never accepted."""

from pathlib import Path

import pytest

from bus.protocol.messages import Command, Sequenced
from nodes.clock.journal import Journal, JournalError

COMMAND = Command(id="abc", module="m1", name="set_parameters", args={"drag_area": 0.4}, origin="test")


def test_what_was_appended_survives_the_process(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    first = journal.next_epoch(1.0)
    journal.append(COMMAND, "0001-001", 42)
    # Not closed: a killed process does not close either.
    again = Journal(tmp_path / "journal.sqlite")
    assert again.next_epoch(2.0) > first
    assert again.find("abc") == (Sequenced(id="abc", run="0001-001", seq=42), COMMAND)
    assert again.commands("0001-001") == [(42, COMMAND)]
    assert again.find("other") is None
    journal.close()
    again.close()


def test_an_id_is_accepted_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.next_epoch(1.0)
    journal.append(COMMAND, "0001-001", 42)
    with pytest.raises(JournalError, match="cannot be written"):
        journal.append(COMMAND, "0001-001", 43)
    assert journal.commands("0001-001") == [(42, COMMAND)]
    journal.close()


def test_commit_is_forced_to_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    pragma = journal._database.execute("PRAGMA synchronous").fetchone()[0]
    assert pragma == 2, "FULL: every commit reaches the disk before the reply"
    journal.close()


def test_a_file_that_is_no_journal_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "journal.sqlite"
    broken.write_bytes(b"this is not a database, and long enough to be noticed " * 100)
    with pytest.raises(JournalError, match=r"journal\.sqlite cannot be opened"):
        Journal(broken)
