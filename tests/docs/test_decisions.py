"""Every dependency has its line of why, and no line speaks of one that has gone."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    names = {re.split(r"[^A-Za-z0-9._-]", each)[0].lower() for each in wanted}
    table = (ROOT / "docs" / "decisions" / "0004-dependencies.md").read_text()
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| ")][1:]
    reasons = {
        name.strip().lower(): why.strip() for cell, why in rows for name in cell.split(",") if "(npm" not in cell
    }
    assert sorted(names - set(reasons)) == []
    assert sorted(set(reasons) - names) == []
    assert all(reasons.values())
