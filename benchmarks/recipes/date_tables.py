"""The tables of DATE, as its reference repository holds them, as typed Parquet."""

from __future__ import annotations

import io

import polars as pl

from benchmarks.recipes.recipe import Files, Original, Recipe

_FOLDER = (
    "https://raw.githubusercontent.com/windblow32/DATE/"
    "3a0aaa67d49b2b8ac41fdd96f93150f21a3ac5fc/dataset/"
)
_TABLES = {
    "MagicTelescope": (
        "f928c21cc0d55689c266d55607e14e51c448f9bb14a6db172fceb4c9f54baae3",
        "f928c21cc0d55689c266d55607e14e51c448f9bb14a6db172fceb4c9f54baae3",
    ),
    "bank-marketing": (
        "86fe1f6ab3772df234721994db58e2c6fc0f6ba38dbfeaad85f57e2cacf95bf5",
        "631c54d4da3c61a34ad50a57631b4a8593742325cc2c296dc4bac3f0ae080802",
    ),
    "boston": (
        "ebf8b4a9ceaf375f9591be7b862b3eafc6efc952251e77f09dd6c2df9e216ba0",
        "d0a8dba1d66346fb31288ad7f629f78c7a9709e5d8a2b0eff718aa352bad1b48",
    ),
    "california": (
        "0aeeed42d3a451767b44c8f8af6973eb9874a58c5bbe5a3732fb526f926a35be",
        "0aeeed42d3a451767b44c8f8af6973eb9874a58c5bbe5a3732fb526f926a35be",
    ),
    "heloc": (
        "656c893ddc6447de22786db47ce79530ac607c772b326f396bb11768ef25cd91",
        "656c893ddc6447de22786db47ce79530ac607c772b326f396bb11768ef25cd91",
    ),
}
"""Checksum of the original, and of our rows as CSV."""


def make(files: Files) -> list[bytes]:
    """Read numbers as numbers; nothing is dropped."""
    result = []
    for name in _TABLES:
        frame = pl.read_csv(io.BytesIO(files[f"{name}.csv"]), infer_schema_length=None)
        file = io.BytesIO()
        frame.write_parquet(file)
        result.append(file.getvalue())
    return result


RECIPE = Recipe(
    "date-tables",
    "Five benchmark tables as the DATE reference repository holds them",
    [
        Original(f"{name}.csv", f"{_FOLDER}{name}.csv", original, "none stated by the repository")
        for name, (original, _) in _TABLES.items()
    ],
    {f"date/{name}/real.parquet": ours for name, (_, ours) in _TABLES.items()},
    make,
)
