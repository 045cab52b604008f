"""Adult: the first 20,000 rows of the training file, blanks and question marks taken out."""

from __future__ import annotations

from benchmarks.recipes.recipe import Files, Original, Recipe, read, write

COLUMNS = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation",
    "relationship", "race", "sex", "capital-gain", "capital-loss", "hours-per-week", "country",
    "salary",
)  # fmt: skip
N_ROWS = 20_000


def make(files: Files) -> list[bytes]:
    """Name the columns where the copy has no header, as UCI's ``adult.data``."""
    content = files["adult.csv"]
    if not content.lstrip(b"\xef\xbb\xbf").startswith(b"age"):
        content = ",".join(COLUMNS).encode() + b"\n" + content
    rows = [
        {name: "" if (cell := row[name].strip()) == "?" else cell for name in COLUMNS}
        for row in read(content)[:N_ROWS]
    ]
    return [write(rows)]


RECIPE = Recipe(
    "adult",
    "UCI Adult (1994 census, data set 2)",
    [Original(
        "adult.csv",
        "https://raw.githubusercontent.com/seedatnabeel/CLLM/"
        "4ce879df21f859b7d1b637d63b938e915bd6927d/data/adult.csv",
        "24d42319846e8b6536e22d1ed8c7299e6fe7d2ca587b1f4755aaecac5ee6bc65",
        "CC BY 4.0 (UCI)",
    )],
    {"tabular/adult.csv": "f469e79833250fed4dce304984df7a96ed308be620c07f37a1169fea90586d0c"},
    make,
)  # fmt: skip
