"""Bank Marketing: UCI's bank-full.csv with commas between cells in place of semicolons."""

from __future__ import annotations

from benchmarks.recipes.recipe import Files, Original, Recipe, read, write


def make(files: Files) -> list[bytes]:
    """Take the cells as they are; UCI's copy has semicolons and quotes, others commas."""
    return [write(read(files["bank-full.csv"]))]


RECIPE = Recipe(
    "bank",
    "UCI Bank Marketing (Moro, Cortez, Rita 2014; data set 222)",
    [Original(
        "bank-full.csv",
        "https://raw.githubusercontent.com/swaroop-aiml/synth_data_project/"
        "d5d1599e36a63027e1850a74c029ee4b47e7e847/data/bank-full.csv",
        "9040031e67cc90935698ba599dbd66542da63a0185525f4549c259af6ce236e3",
        "CC BY 4.0 (UCI)",
    )],
    {"htdbu/bank_full.csv": "b44507c26634736d4a0619ec2d7c4b6ff56a2c63cbeb5176d3134e7b25e416f0"},
    make,
)  # fmt: skip
