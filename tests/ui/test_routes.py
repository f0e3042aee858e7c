"""The pages: whatever the router has is looked at by the page tests, described, and pictured."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROUTER = (ROOT / "ui/frontend/src/pages/router.js").read_text(encoding="utf-8")
PAGES = dict(re.findall(r'^  \{ id: "(\w+)", title: "([^"]+)", page: \w+ \},$', ROUTER, re.MULTILINE))


def looked_at() -> set[str]:
    """Pages that the tests in a browser go through; read, since they cannot be imported without one."""
    tree = ast.parse((ROOT / "tests/ui/test_pages.py").read_text(encoding="utf-8"))
    (found,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "PAGES"
    )
    return set(ast.literal_eval(found))


def test_every_page_is_looked_at_by_the_page_tests() -> None:
    listed = ROUTER.partition("const PAGES = [")[2].partition("\n]")[0]
    assert len(PAGES) == listed.count("id:"), "a route that is not understood"
    assert looked_at() == PAGES.keys()


def test_every_page_is_described() -> None:
    dashboard = (ROOT / "docs/dashboard.md").read_text(encoding="utf-8")
    table = dashboard.partition("## Pages")[2].partition("\n## ")[0]
    rows = [name.strip() for row in re.findall(r"^\| ([A-Z][^|]*)\|", table, re.MULTILINE) for name in row.split(",")]
    assert sorted(rows) == sorted(PAGES.values())
    told = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert [title for title in PAGES.values() if not re.search(rf"\b{title}\b", told)] == []


def test_every_page_has_its_picture() -> None:
    dashboard = (ROOT / "docs/dashboard.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in PAGES:
        assert (ROOT / f"docs/images/{name}.png").is_file()
        assert f"images/{name}.png" in dashboard + readme
