"""Every page as it looks on a desk and on a phone, in both themes, with the real plant at work.

`make pictures` has KPP_PICTURES set to docs/images, where the pictures of the documentation are; otherwise they go to
a temporary folder. Either way no page may be cut off.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Plant
from tests.ui.test_pages import PAGES
from tests.watching import Watch, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(1200)]

LOOKS = {
    "large": ("dark", {"width": 1600, "height": 950}),
    "desk": ("light", {"width": 1280, "height": 720}),
    "phone": ("dark", {"width": 390, "height": 844}),
}
"""Name of a look: theme and size in pixels."""

PICTURES = os.environ.get("KPP_PICTURES", "")
SAMPLES = 200 if PICTURES else 20
"""Samples that the plots have before a picture is taken."""

DOCUMENTED = {"large": PAGES.keys(), "desk": {"overview"}, "phone": {"overview", "energy"}}
"""Pages of which the documentation has a picture."""

CUT_OFF = """root => [...root.querySelectorAll('button, h2, td, th, dd b, .chip, .tag')].filter(each => {
    const {overflow, textOverflow} = getComputedStyle(each)
    const button = each.tagName === 'BUTTON'
    const cut = button || (overflow === 'hidden' && textOverflow !== 'ellipsis')
    const wide = each.scrollWidth > each.clientWidth + 2 || (button && each.scrollHeight > each.clientHeight + 2)
    return each.offsetParent && cut && wide
}).map(each => each.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def at_work(plant: Plant) -> Plant:
    """The plant after some laps, in real time again."""
    assert plant.post("/speed", {"speed": 50.0}).status_code == 200
    assert plant.post("/start").status_code == 200

    def laps() -> bool:
        answer = plant.get(plant.endpoints.gateway_http, "/data/live")
        shown = answer is not None and answer.status_code == 200  # a module that catches up shows no state yet
        return bool(shown and answer and (answer.json()["meters"]["laps"] or 0) >= 3)

    eventually(laps, 120, "the means of three laps")
    assert plant.post("/speed", {"speed": 1.0}).status_code == 200
    return plant


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pictures go."""
    return Path(PICTURES) if PICTURES else tmp_path_factory.mktemp("pictures")


@pytest.fixture(params=list(LOOKS) if PICTURES else ["desk", "phone"])
def look(request: pytest.FixtureRequest) -> str:
    """One look after the other."""
    return str(request.param)


@pytest.fixture
def page(browser: Browser, at_work: Plant, look: str) -> Iterator[Page]:
    """The dashboard in one look, with some data."""
    theme, size = LOOKS[look]
    page = browser.new_page(viewport=size)  # type: ignore[arg-type]  # a plain dict is what it takes
    watch = Watch(page)
    page.goto(f"{at_work.endpoints.ui_http}/?theme={theme}#window=60")
    expect(page.get_by_test_id("connection")).to_contain_text("LIVE")
    page.wait_for_function("wanted => __kpp.samples > wanted", arg=SAMPLES)
    yield page
    page.close()
    assert watch.complaints == []


def test_every_page_is_seen_whole(page: Page, folder: Path, look: str) -> None:
    for name in PAGES:
        page.evaluate("name => { location.hash = `page=${name}&window=60` }", name)
        sheet = page.get_by_test_id(f"page-{name}")
        expect(sheet).to_be_visible()
        if name == "hypotheses":
            expect(page.get_by_test_id("claims")).to_have_attribute("data-old", "no", timeout=300_000)
        elif name == "history":
            page.wait_for_function("globalThis.__kpp.history?.bins > 20")
        elif name == "system":
            expect(page.get_by_test_id("s-quota")).to_contain_text("of")
        elif name == "runs":
            expect(page.get_by_test_id("runs-answer")).to_contain_text("Recorder")
        frames = page.evaluate("__kpp.frames")
        page.wait_for_function("before => __kpp.frames > before + 12", arg=frames)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} is {wide} pixels too wide"
        assert sheet.evaluate(CUT_OFF) == [], name
        expect(page.get_by_test_id("connection")).to_be_in_viewport(ratio=1)
        if name in DOCUMENTED[look] or folder.name != "images":
            path = folder / (f"{name}.png" if look == "large" else f"{name}-{look}.png")
            page.screenshot(path=path)
