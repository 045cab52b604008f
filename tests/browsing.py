"""A headless Chromium for the tests that need one; they are skipped where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra [browser]")
CHROMIUM = next((p for p in map(shutil.which, ("chromium", "google-chrome", "chrome")) if p), None)

needs_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no headless Chromium is installed"),
]
LOOKS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]
"""Desktop and phone, light and dark."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


def opened(browser: Any, address: str, width: int = 1280, scheme: str = "light") -> Any:
    """Open a page, fail on anything that it logs as an error, and return it."""
    view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    faults: list[str] = []
    view.on("pageerror", lambda error: faults.append(str(error)))
    view.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    view.on("request", lambda r: None if r.url == view.url else faults.append(r.url))
    view.goto(address)
    assert [fault for fault in faults if fault != address] == []
    return view
