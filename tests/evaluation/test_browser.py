"""The pages in a real browser: for everybody's eyes, hands and screens, and safe."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tablewright.evaluation.compare.leaderboard import Comparison, Entry
from tests.browsing import LOOKS, browser, needs_browser, opened
from tests.evaluation.test_page import hostile, judged

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs [browser]")

pytestmark = needs_browser
__all__ = ["browser"]


@cache
def compared() -> Comparison:
    entries = [
        Entry("trees", 0.8, 0.1, (0.05, 0.15), 1.0, 2.0, 0.0, 80, False),
        Entry("nothing", 0.7, 0.0, None, 0.0, 0.0, 0.0, 80, True),
        Entry("copula", None, None, None, 0.0, 0.0, 0.0, 80, False, "<b>failed</b>"),
    ]
    boards = {40: entries, 80: entries}
    return Comparison(entries, "trees", judged(), "tablewright generate x", "macro_f1", boards)


PAGES = {"report": lambda: judged().to_html(), "contest": lambda: compared().to_html(),
         "hostile": lambda: hostile().to_html()}  # fmt: skip


@pytest.fixture
def address(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    path = tmp_path / "page.html"
    path.write_text(PAGES[getattr(request, "param", "report")](), encoding="utf-8")
    return path.as_uri()


def unfolded(view: Any) -> Any:
    view.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    view.wait_for_timeout(50)
    return view


@pytest.mark.parametrize("address", ["report", "contest"], indirect=True)
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_nothing(browser: Any, address: str, width: int, scheme: str) -> None:
    found = axe.Axe().run(unfolded(opened(browser, address, width, scheme)))
    assert [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]] == []


@pytest.mark.parametrize("address", PAGES, indirect=True)
@pytest.mark.parametrize("width", [320, 390])
def test_page_fits_a_phone_and_what_is_cut_off_says_so(
    browser: Any, address: str, width: int
) -> None:
    view = unfolded(opened(browser, address, width))
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    silent = """[...document.querySelectorAll(".scroll")].filter((box) =>
      box.scrollWidth > box.clientWidth + 1 &&
      !(box.previousElementSibling?.className === "hint" && box.tabIndex === 0)).length"""
    assert view.evaluate(silent) == 0
    captions = """[...document.querySelectorAll("figcaption, .caption, h1, h2, h3")]
      .filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.innerText)"""
    assert view.evaluate(captions) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_words_of_plots_are_never_below_eleven_pixels(
    browser: Any, address: str, width: int
) -> None:
    view = unfolded(opened(browser, address, width))
    size = """Math.min(...[...document.querySelectorAll("svg text")].map((each) =>
      parseFloat(getComputedStyle(each).fontSize) * (each.getScreenCTM().a ** 2
        + each.getScreenCTM().b ** 2) ** 0.5))"""
    assert view.evaluate(size) >= 11


def test_words_of_plots_stay_inside(browser: Any, address: str) -> None:
    view = unfolded(opened(browser, address))
    outside = """[...document.querySelectorAll("svg text")].filter((each) => {
      const inner = each.getBoundingClientRect();
      const outer = each.ownerSVGElement.getBoundingClientRect();
      return inner.left < outer.left - 1 || inner.right > outer.right + 1
        || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1;
    }).map((each) => each.textContent)"""
    assert view.evaluate(outside) == []


def test_arrow_keys_say_the_values_of_a_plot(browser: Any, address: str) -> None:
    view = opened(browser, address)
    view.locator("#fidelity svg[tabindex]").first.focus()
    said = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        view.keyboard.press(key)
        said.append(view.locator("#tip").inner_text())
    assert said[0] == said[2] != said[1]
    assert ": real " in said[0]
    view.keyboard.press("Escape")
    assert view.locator("#tip").is_hidden()


def test_pointer_shows_a_share(browser: Any, address: str) -> None:
    view = opened(browser, address)
    view.locator("#fidelity [data-tip]").first.hover(force=True)
    assert ": real " in view.locator("#tip").inner_text()


def test_click_on_a_head_sorts_up_and_down(browser: Any, address: str) -> None:
    view = opened(browser, address)
    head = view.locator("#privacy th button").nth(1)
    values = """[...document.querySelectorAll("#privacy table:first-of-type tbody tr")]
      .map((row) => row.cells[1].dataset.value).filter((each) => each !== undefined).map(Number)"""
    head.click()
    up = view.evaluate(values)
    head.click()
    assert up == sorted(up)
    assert view.evaluate(values) == sorted(up, reverse=True)
    assert len(up) > 5


@pytest.mark.parametrize("address", ["hostile"], indirect=True)
def test_hostile_data_run_nothing(browser: Any, address: str) -> None:
    view = opened(browser, address)
    assert view.title().startswith("Generated rows")
    assert view.locator("img").count() == 0
    # not even where something had slipped in: only the page's own script may run
    view.evaluate("document.body.insertAdjacentHTML('beforeend', '<p onclick=\"window.x = 1\">!')")
    view.locator("body > p").last.click()
    assert json.loads(view.evaluate("JSON.stringify(window.x ?? null)")) is None
