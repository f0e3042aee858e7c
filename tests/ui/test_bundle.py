"""What is committed of the page's JavaScript."""

import hashlib
import json
import re
from pathlib import Path

UI = Path(__file__).resolve().parents[2] / "ui"


def test_the_lock_names_versions_and_no_addresses() -> None:
    lock = json.loads((UI / "frontend" / "package-lock.json").read_text())
    assert lock["packages"]
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or ("version" in package and "integrity" in package)


def test_the_bundle_is_what_its_sources_give() -> None:
    digest = hashlib.sha256()
    sources = UI / "frontend" / "src"
    for name in sorted(source.relative_to(sources).as_posix() for source in sources.rglob("*") if source.is_file()):
        digest.update(name.encode() + (sources / name).read_bytes())
    digest.update((UI / "frontend" / "package-lock.json").read_bytes())
    first = (UI / "dist" / "dashboard.js").read_text().partition("\n")[0]
    assert digest.hexdigest() in first, "run `make frontend`"


def test_the_bundle_names_no_other_host() -> None:
    bundle = (UI / "dist" / "dashboard.js").read_text()
    assert re.findall(r"(?:https?|wss?):/+[^\s\"'`]+", bundle) == []


def test_what_is_bundled_has_its_notice() -> None:
    package = json.loads((UI / "frontend" / "package.json").read_text())
    notice = (UI / "dist" / "NOTICE").read_text()
    for name, version in package["dependencies"].items():
        assert f"{name} {version}".lower() in notice.lower()
