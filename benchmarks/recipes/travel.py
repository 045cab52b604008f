"""Travel: customer churn, and a stratified split of ours, since the published one is not told."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import train_test_split

from benchmarks.recipes.recipe import Files, Original, Recipe, read, write


def make(files: Files) -> list[bytes]:
    """Put the target first; four fifths are for training, seed 0."""
    rows = read(files["Customertravel.csv"])
    names = ["Target", *(name for name in rows[0] if name != "Target")]
    labels = [row["Target"] for row in rows]
    parts = train_test_split(np.arange(len(rows)), test_size=0.2, random_state=0, stratify=labels)
    return [write(rows, names), *(write([rows[i] for i in part], names) for part in parts)]


RECIPE = Recipe(
    "travel",
    "Tour & Travels Customer Churn Prediction",
    [Original(
        "Customertravel.csv",
        "https://raw.githubusercontent.com/ChanapatC/Customer-Analytics/"
        "3d6e65954228cae5ace40c4ca83e5113fe81a6bf/%234%20Churn%20scoring/Customertravel.csv",
        "b31e1de1a6c727d0004644e3f2c9dbd566e6c5a5c51905995254fbb46a163c10",
        "none stated",
    )],
    {
        "rddg/travel/full.csv": "62200de47169b8035ad3fbbc640c07cd16e396ff83a5c226eff2fa1a316c9019",
        "rddg/travel/train.csv": "7a8d1cd6bac3d5bef04779df07813bf9197c8061d586165708793a7fd0556a14",
        "rddg/travel/test.csv": "bf0c4950612b12ebf6c4ba1fe5340212697f7de0705ff71a7ef367e0a36d7a61",
    },
    make,
)  # fmt: skip
