"""COMPAS: ProPublica's filters, two races, coded as OpenML's compas-two-years."""

from __future__ import annotations

from benchmarks.recipes.recipe import Files, Original, Recipe, Row, read, write

COUNTS = ("age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count")
INDICATORS = {
    "age_cat_25-45": ("age_cat", "25 - 45"),
    "age_cat_Greaterthan45": ("age_cat", "Greater than 45"),
    "age_cat_Lessthan25": ("age_cat", "Less than 25"),
    "race_African-American": ("race", "African-American"),
    "race_Caucasian": ("race", "Caucasian"),
    "c_charge_degree_F": ("c_charge_degree", "F"),
    "c_charge_degree_M": ("c_charge_degree", "M"),
}
READABLE = (
    "sex", "age", "age_cat", "race", "juv_fel_count", "juv_misd_count", "juv_other_count",
    "priors_count", "c_charge_degree", "c_charge_desc", "days_b_screening_arrest", "decile_score",
    "v_decile_score", "two_year_recid",
)  # fmt: skip


def is_kept(row: Row) -> bool:
    """Screened within 30 days of the arrest, with a score, a charge and a known outcome."""
    days = row["days_b_screening_arrest"]
    return (
        bool(days)
        and abs(float(days)) <= 30
        and row["is_recid"] != "-1"
        and row["c_charge_degree"] != "O"
        and row["score_text"] != "N/A"
    )


def coded(row: Row) -> dict[str, object]:
    """Code a row as numbers."""
    return {
        "sex": int(row["sex"] == "Male"),
        **{name: row[name] for name in COUNTS},
        **{name: int(row[column] == value) for name, (column, value) in INDICATORS.items()},
        "two_year_recid": row["two_year_recid"],
    }


def make(files: Files) -> list[bytes]:
    """Return the coded table of two races, and the readable one of all."""
    rows = [row for row in read(files["compas-scores-two-years.csv"]) if is_kept(row)]
    two = [row for row in rows if row["race"] in ("African-American", "Caucasian")]
    return [write([coded(row) for row in two]), write(rows, READABLE)]


RECIPE = Recipe(
    "compas",
    "ProPublica's two-year file; names, dates and case numbers are dropped",
    [Original(
        "compas-scores-two-years.csv",
        "https://raw.githubusercontent.com/propublica/compas-analysis/"
        "bafff5da3f2e45eca6c2d5055faad269defd135a/compas-scores-two-years.csv",
        "c451db85908b2f7fef1d83203bedf6b71ecda0d5af468d82ae62178f91d0cc7d",
        "none stated",
    )],
    {
        "tabular/compas.csv": "558d856f69969d8cb4e1404d43160ea74bd6381ffd694bbe6aedd86f7e867180",
        "tabular/compas_readable.csv":
            "54e3eb0eb884c6d7170e7e5ec47153e993dc1b23b63e7d452daaab3517e2b030",
    },
    make,
)  # fmt: skip
