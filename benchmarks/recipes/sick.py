"""Sick: the split of the RDDG reference repository, labels joined, its row numbers dropped."""

from __future__ import annotations

from benchmarks.recipes.recipe import Files, Original, Recipe, read, write

_FOLDER = (
    "https://raw.githubusercontent.com/cszhangLMU/RDDG/"
    "becde2b31005a9a62716d28490944bb1b1389b44/data/realdata/Sick/"
)
_LICENCE = "none stated by the repository; the table is UCI's (OpenML 38)"


def make(files: Files) -> list[bytes]:
    """Put the label first; refuse parts whose row numbers differ."""
    result = []
    for part in ("train", "test"):
        features, labels = read(files[f"X_{part}.csv"]), read(files[f"y_{part}.csv"])
        both = [{**row, **label} for row, label in zip(features, labels, strict=True)]
        if [row["index"] for row in features] != [row["index"] for row in labels]:
            raise SystemExit(f"X_{part}.csv and y_{part}.csv do not hold the same rows")
        names = ["Class", *(name for name in features[0] if name != "index")]
        result.append(write(both, names))
    return result


RECIPE = Recipe(
    "sick",
    "UCI thyroid disease 'sick', as prepared and split by the RDDG reference repository",
    [
        Original(f"{name}.csv", f"{_FOLDER}{name}.csv", sha256, _LICENCE)
        for name, sha256 in (
            ("X_train", "22d3f7742129e74a8622a46eeb8635f3f3661fc9691eb2b3dd637ad1b0b5ae9c"),
            ("y_train", "c37f88e98178b2a757a72667364c2e17e81917486bbb702c8d278fa419d8b6ba"),
            ("X_test", "d7662656137cb9415e9ee2c9b69fcd37cc89047344a9cff01f9985f9d8910609"),
            ("y_test", "08a3c92289152b66016b68d6e867ec5da45b8af5ab0f0f6d40f70482cfda25da"),
        )
    ],
    {
        "rddg/train.csv": "eb431b56d0b8684f829a7b752e4cbe449ff3789b257d040381149bff64714e48",
        "rddg/test.csv": "beb8255217b8d3cdf8ff65bf35fea647f43f785db614196b12a70dba8c18cea5",
    },
    make,
)
