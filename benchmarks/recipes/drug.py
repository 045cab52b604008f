"""Drug consumption: two groups of people, and whether they smoked in the last ten years.

The Team-then-Trim paper names 24 features and one label; which answers count as 1 it does not
say. Without those who claim a drug that does not exist, and without chocolate and caffeine, there
are 24 beside nicotine. Its shares of 1 (63.11 and 74.07 %) are those of no cut of the answers;
from "in the last decade" on they are 66.3 and 88.2 %.
"""

from __future__ import annotations

from benchmarks.recipes.recipe import Files, Original, Recipe, Row, read, write

GROUPS = {"drug_a": ("F", "25-34"), "drug_b": ("M", "18-24")}
LEFT_OUT = ("ID", "Age", "Gender", "Ethnicity", "Choc", "Caff", "Semer", "Nicotine")


def features(row: Row) -> dict[str, object]:
    """Write answers as numbers from 0 (never) to 6 (yesterday), and the label last."""
    kept = {name: cell for name, cell in row.items() if name not in LEFT_OUT}
    numbers = {name: cell[2:] if cell.startswith("CL") else cell for name, cell in kept.items()}
    return {**numbers, "Smokes": int(int(row["Nicotine"][2:]) >= 2)}


def make(files: Files) -> list[bytes]:
    """Return white women from 25 to 34, and white men from 18 to 24."""
    rows = [row for row in read(files["Drug_Consumption.csv"]) if row["Semer"] == "CL0"]
    return [
        write([
            features(row)
            for row in rows
            if (row["Gender"], row["Age"], row["Ethnicity"]) == (gender, age, "White")
        ])
        for gender, age in GROUPS.values()
    ]  # fmt: skip


RECIPE = Recipe(
    "drug",
    "Drug consumption, quantified (Fehrman et al. 2017; UCI data set 373)",
    [Original(
        "Drug_Consumption.csv",
        "https://raw.githubusercontent.com/seedatnabeel/CLLM/"
        "4ce879df21f859b7d1b637d63b938e915bd6927d/data/Drug_Consumption.csv",
        "7266f90d0012026c74baefc687b33415a35c734022c79a3e69e989b31acb62df",
        "CC BY 4.0 (UCI)",
    )],
    {
        "tabular/drug_a.csv": "2dcdeadbb855bd8c0cbe9332d2b0c28747033b285baf7bd9eb442eb5e727d013",
        "tabular/drug_b.csv": "f90b01c20872be87dccb6ec42dc75ed2792aeb362248101133147a28ab5b830b",
    },
    make,
)  # fmt: skip
