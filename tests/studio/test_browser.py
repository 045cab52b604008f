"""The page in a real browser: keyboard, phone width, light and dark, and one whole way through."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.studio.conftest import TOKEN, Page

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra [browser]")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no headless Chromium is installed"),
]


@pytest.fixture(params=["light", "dark"])
def shown(page: Page, request: pytest.FixtureRequest) -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        view = browser.new_page(color_scheme=request.param)
        faults: list[str] = []
        view.on("pageerror", lambda error: faults.append(str(error)))
        view.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        view.goto(f"{page.address}/?token={TOKEN}")
        yield view
        browser.close()
        assert faults == []


def test_one_way_through_the_page(shown: Any, page: Page, tmp_path: Path) -> None:
    shown.get_by_label("kind of city").select_option("ordinal")
    shown.get_by_label("Target").select_option("<b>")
    shown.locator("[name=n_rows]").fill("40")
    shown.get_by_label("Method").select_option("independent")
    shown.locator("[name=where]").fill("age > 40")
    sync_api.expect(shown.locator("#count")).to_contain_text("of 60 rows meet it")
    shown.locator("[name=rules]").fill("- age < 75")
    sync_api.expect(shown.locator("#rules")).to_contain_text("age < 75")
    sync_api.expect(shown.locator("#command")).to_contain_text("--schema=schema.yaml")
    shown.get_by_role("button", name="Generate").click()
    sync_api.expect(shown.locator("#runs")).to_contain_text("40 rows: rows.csv", timeout=60_000)
    frame, n_rows = page.workspace.runs()[0].rows()
    assert n_rows == 40
    assert frame["age"].cast(int).is_between(41, 74).all()


def test_axe_finds_nothing(shown: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs [browser]")
    shown.locator("#command code").wait_for()
    found = axe.Axe().run(shown).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_page_fits_a_phone(shown: Any) -> None:
    shown.set_viewport_size({"width": 375, "height": 700})
    assert shown.evaluate("document.documentElement.scrollWidth") <= 375


def test_every_field_has_a_name_and_is_reached_by_the_keyboard(shown: Any) -> None:
    n_fields = shown.locator("select, input, textarea, button").count()
    reached = set()
    for _ in range(n_fields + 20):
        shown.keyboard.press("Tab")
        element = "document.activeElement"
        reached.add(shown.evaluate(f"{element}.name || {element}.innerText.slice(0, 30)"))
    names = shown.evaluate(
        "[...document.querySelectorAll('select, input, textarea')].map((e) => e.name)"
    )
    assert set(names) <= reached
    assert "Generate" in reached
    fields = "[...document.querySelectorAll('select, input, textarea')]"
    assert shown.evaluate(f"{fields}.filter((e) => !e.labels.length && !e.ariaLabel).length") == 0
