"""How the page writes numbers: ticks of an axis that differ, moments, temperatures, and what was typed."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SOURCE = Path(__file__).resolve().parents[2] / "ui" / "frontend" / "src" / "format.js"
CALL = """async ([source, name, argument]) => {
    const module = await import('data:text/javascript,' + encodeURIComponent(source));
    return module[name](argument);
}"""
DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def blank(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def call(page: Page, name: str, argument: Any) -> Any:
    return page.evaluate(CALL, [SOURCE.read_text(encoding="utf-8"), name, argument])


def test_no_two_ticks_of_an_axis_read_the_same(blank: Page) -> None:
    axes = []
    for exponent in range(-16, 10):
        for step in (1, 2, 2.5, 5):
            for first in (0, 363, -7, 123_456):
                size = step * 10.0**exponent
                axes.append([(first + i) * size for i in range(5)])
    told = [call(blank, "tickTexts", axis) for axis in axes]
    repeated = [(axis, texts) for axis, texts in zip(axes, told, strict=True) if len(set(texts)) < len(texts)]
    assert repeated == []
    assert max(len(text) for texts in told for text in texts) <= 18


@pytest.mark.parametrize(
    ("ticks", "texts"),
    [
        ([0, 20, 40, 60], ["0", "20", "40", "60"]),
        ([0, 0.1, 0.2], ["0", "0.1", "0.2"]),
        ([0.3631, 0.36315, 0.3632], ["0.36310", "0.36315", "0.36320"]),
        ([-2.5, 0, 2.5], [f"{MINUS}2.5", "0", "2.5"]),
        ([1e-13, 2e-13, 3e-13], ["1·10⁻¹³", "2·10⁻¹³", "3·10⁻¹³"]),
        ([2e6, 4e6], ["2·10⁶", "4·10⁶"]),
        ([363], ["363"]),
    ],
)
def test_ticks_have_as_many_decimals_as_their_step_needs(blank: Page, ticks: list[float], texts: list[str]) -> None:
    assert call(blank, "tickTexts", ticks) == texts


def test_a_moment_is_told_in_seconds_everywhere(blank: Page) -> None:
    assert [call(blank, "moment", t) for t in (0, 9.5, 4104, None)] == ["0.00 s", "9.50 s", "4104.00 s", DASH]
    assert [call(blank, "spelt", t) for t in (59, 4104, 90_061)] == ["", "1:08:24 h", "25:01:01 h"]


def test_temperatures_in_a_sentence_are_in_the_unit_beside_it(blank: Page) -> None:
    text = "icing: coldest pocket at 260.65 K, below 273.15 K"
    assert call(blank, "celsius", text) == f"icing: coldest pocket at {MINUS}12.5 °C, below 0 °C"
    assert call(blank, "celsius", "chain tension: 95.0 kN, above 90 % of 100 kN") == (
        "chain tension: 95.0 kN, above 90 % of 100 kN"
    )


@pytest.mark.parametrize(
    ("text", "value", "help_text"),
    [
        ("0.3", 0.3, ""),
        (" 12 ", 12.0, ""),
        ("0,3", None, "write a decimal point: 0.3"),
        ("1,000", None, "write a decimal point: 1.000"),
        ("", None, ""),
        ("deep", None, ""),
    ],
)
def test_a_decimal_comma_is_told_from_a_number(blank: Page, text: str, value: float | None, help_text: str) -> None:
    found = call(blank, "typed", text)
    assert math.isnan(found) if value is None else found == value
    assert call(blank, "howToType", text) == help_text
