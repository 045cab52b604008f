"""Insurance: medical costs, numbers with a point written in their shortest form."""

from __future__ import annotations

from benchmarks.recipes.recipe import Files, Original, Recipe, Row, read, write

COLUMNS = ("age", "sex", "bmi", "children", "smoker", "region", "charges")


def rows_of(content: bytes) -> list[Row]:
    """Drop empty lines and columns, and write 33 and 33.00 as 33.0."""
    numbers = ("bmi", "charges")
    return [
        {**row, **{name: str(float(row[name])) for name in numbers}}
        for row in read(content)
        if row["age"]
    ]


def make(files: Files) -> list[bytes]:
    """Return one file; the columns come in our order."""
    (content,) = files.values()
    return [write(rows_of(content), COLUMNS)]


RECIPE = Recipe(
    "insurance",
    "Medical costs (Lantz, Machine Learning with R), 1,338 rows",
    [Original(
        "medical_insurance.csv",
        "https://raw.githubusercontent.com/4nirudh5/Medical_Insurance/"
        "cee84fce2162071738f8bd0a25be3d1fd80ecd40/medical_insurance.csv",
        "388eff679557d08ac19f463d025de5e0b4adc482537c8456d19934d78621fd47",
        "Open Database Licence",
    )],
    {
        "mallm_gan/insurance_1338.csv":
            "bf24b412bee5075f277201c613a5e45f2704a9c28bf9fe7e6638b2c05cb4a014"
    },
    make,
)  # fmt: skip
DUPLICATED = Recipe(
    "insurance-duplicated",
    "The same with the 2,772 rows that the MALLM-GAN paper states; 1,337 of them differ",
    [Original(
        "medical_insurance.csv",
        "https://raw.githubusercontent.com/ParthDodia/MedicalChargesPrediction/"
        "5423f022c7e3b82a3b0492fa2b9ee2f63ad39177/medical_insurance.csv",
        "b7898183dd05d4b3f7e3e4031474d16771a8afb52060893a8a927420c62411a2",
        "Open Database Licence",
    )],
    {
        "mallm_gan/insurance_2772_with_duplicates.csv":
            "61600940a9b4b1f3afb6d2177bd25e61fee15c39f9693e9eb1e706f3cc80a169"
    },
    make,
)  # fmt: skip
