"""Draw the pictures of the report that README and gallery show: `python docs/pictures.py`.

Needs the extra [browser] and a Chromium. The table is scikit-learn's: 120 benign and 6 malignant
tumours to learn from, as in `tablewright demo`.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

IMAGES = Path(__file__).parent / "images"
LEARNED = {"benign": 120, "malignant": 6}
MARGIN = 24
SHOTS = {
    "report": ("light", 1080, "header"),
    "report-dark": ("dark", 1080, "header"),
    "report-utility": ("light", 1080, "#utility"),
    "report-pairs": ("light", 1080, "#fidelity h3:text('differ most') + .plots"),
    "report-columns": ("light", 1080, "#fidelity .plots >> nth=0"),
}
"""Name of a picture: light or dark, width of the window, and what of the page it shows."""


def tumours() -> Any:
    """Return the report on rows that fill up a class of six."""
    import polars as pl
    from sklearn.datasets import load_breast_cancer

    from tablewright import Synthesizer, evaluate

    data = load_breast_cancer()
    names = [name for name in data.feature_names if name.startswith("mean")]
    values = data.data[:, : len(names)]
    rows = pl.DataFrame(values, schema=names).with_columns(
        diagnosis=data.target_names[data.target].astype(str)
    )
    index = pl.int_range(pl.len()).shuffle(0).over("diagnosis")
    learned = rows.select(index < pl.col("diagnosis").replace_strict(LEARNED)).to_series()
    train, holdout = rows.filter(learned), rows.filter(~learned)
    made = Synthesizer("copula", target="diagnosis", random_state=0).fit(train)
    return evaluate(
        train,
        made.sample(400, balance="equal"),
        holdout,
        "diagnosis",
        effort="quick",
        provenance={
            "table": "tumours.csv",
            "method": "copula",
            "options": {"balance": "equal"},
            "seed": 0,
        },
    )


def main() -> None:
    """Write every picture."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        page = Path(folder) / "report.html"
        tumours().to_html(page)
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (scheme, width, part) in SHOTS.items():
            view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            view.goto(page.as_uri())
            box = view.locator(part).bounding_box()
            clip = {
                "x": 0,
                "y": max(box["y"] - MARGIN, 0),
                "width": width,
                "height": box["height"] + 2 * MARGIN,
            }
            view.screenshot(path=IMAGES / f"{name}.png", full_page=True, clip=clip)
        browser.close()


if __name__ == "__main__":
    main()
