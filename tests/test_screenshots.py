"""Pictures of report, contest and studio, to be looked at by a person: in build/screenshots."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_diabetes, load_wine

from tablewright import Synthesizer, compare, evaluate
from tests.browsing import LOOKS, browser, needs_browser, opened
from tests.studio.conftest import TOKEN, Page, page, table

pytestmark = [*needs_browser, pytest.mark.slow]
__all__ = ["browser", "page", "table"]

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "screenshots"


def classes() -> Any:
    return runpy.run_path(str(ROOT / "docs" / "pictures.py"))["tumours"]()


def numbers() -> Any:
    data = load_diabetes(scaled=False)
    rows = pl.DataFrame(data.data, schema=data.feature_names).with_columns(progress=data.target)
    made = Synthesizer("trees", target="progress", random_state=0).fit(rows[:250]).sample(300)
    return evaluate(rows[:250], made, rows[250:], "progress", effort="quick")


def rare_class() -> Any:
    data = load_wine()
    rows = pl.DataFrame(data.data, schema=data.feature_names)
    rows = rows.with_columns(cultivar=data.target_names[data.target].astype(str))
    rows = rows.sample(fraction=1, shuffle=True, seed=0)
    rare = pl.int_range(pl.len()).over("cultivar") < pl.lit(5)
    rows = rows.with_columns(_rare=rare, _late=pl.int_range(pl.len()) >= 90)
    train = rows.filter((pl.col("cultivar") == "class_2") & pl.col("_rare")
                        | (pl.col("cultivar") != "class_2") & ~pl.col("_late"))  # fmt: skip
    held = rows.filter((pl.col("cultivar") == "class_2") & ~pl.col("_rare")
                       | (pl.col("cultivar") != "class_2") & pl.col("_late"))  # fmt: skip
    train, held = (part.drop("_rare", "_late") for part in (train, held))
    made = pl.concat([Synthesizer("trees", target="cultivar").fit(train).sample(90), train[:9]])
    return evaluate(train, made, held, "cultivar", effort="quick")


def texts_and_dates() -> Any:
    rng, n = np.random.default_rng(1), 500
    words = ["slow", "kind", "cold", "late", "again", "never", "blue", "thanks", "rude", "quick"]
    rating = rng.integers(1, 6, n)
    rows = pl.DataFrame({
        "order": [f"A{100_000 + 7 * i}" for i in range(n)],
        "day": np.datetime64("2021-01-01") + rng.integers(0, 1400, n),
        "city": rng.choice([f"City {c}" for c in "ABCDEFGHIJKLMN"], n),
        "price": np.round(np.exp(rng.normal(3, 0.6, n)), 2),
        "rating": rating,
        "comment": [" ".join(rng.choice(words, rng.integers(2, 14))) for _ in range(n)],
        "returned": np.where(rng.random(n) < 1 / rating, "yes", "no"),
    }).with_columns(pl.when(pl.Series(rng.random(n) > 0.2)).then("price"))  # fmt: skip
    made = Synthesizer("trees", target="returned", random_state=0).fit(rows[:300]).sample(300)
    rules = ["price > 0", "rating BETWEEN 1 AND 5"]
    return evaluate(rows[:300], made, rows[300:], "returned", rules=rules, effort="quick")


def contest() -> Any:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(160, 3))
    label = np.where(x.sum(axis=1) + rng.normal(size=160) > 1.5, "yes", "no")
    rows = pl.DataFrame(x, schema=["a", "b", "c"]).with_columns(y=label)
    return compare(rows, "y", methods=["trees", "copula", "copula:fill"], n_splits=3, n_repeats=1)


MADE = {"classes": classes, "numbers": numbers, "rare-class": rare_class,
        "texts-and-dates": texts_and_dates, "contest": contest}  # fmt: skip


@pytest.fixture(scope="module", params=MADE)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / f"{request.param}.html"
    MADE[request.param]().to_html(path)
    return path


def shoot(view: Any, name: str) -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.png"
    view.screenshot(path=path, full_page=True)
    view.close()
    return path


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_report_is_pictured(browser: Any, written: Path, width: int, scheme: str) -> None:
    view = opened(browser, written.as_uri(), width, scheme)
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    assert shoot(view, f"{written.stem}-{width}-{scheme}").stat().st_size > 10_000


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_studio_is_pictured(browser: Any, page: Page, width: int, scheme: str) -> None:
    view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    view.goto(f"{page.address}/?token={TOKEN}")
    view.locator("#command code").wait_for()
    assert shoot(view, f"studio-{width}-{scheme}").stat().st_size > 10_000
