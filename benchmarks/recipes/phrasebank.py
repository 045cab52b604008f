"""Financial PhraseBank: sentences of 50 % agreement, those that all agree on marked."""

from __future__ import annotations

import csv
import io
import re

from benchmarks.recipes.recipe import Files, Original, Recipe, read, write

_FOLDER = (
    "https://raw.githubusercontent.com/ishu121992/financial-news-sentiment-classification/"
    "5e03836f0d5b109d1499a9855b942409f10b5809/"
)
_LICENCE = "CC BY-NC-SA 3.0 (Malo et al. 2014)"


def letters(text: str) -> str:
    """Return letters and digits alone: the two lists spell damaged letters in different ways."""
    return re.sub(r"[^a-zA-Z0-9]", "", text)


def make(files: Files) -> list[bytes]:
    """Join the list of 50 % agreement with that of 100 %."""
    rows = read(files["all-data.csv"], "latin-1")
    listed = csv.reader(io.StringIO(files["financial_phrasebank.csv"].decode(), newline=""))
    agreed = {letters(row[1]) for row in [*listed][1:]}
    marked = [
        {
            "sentiment": row["label"],
            "text": row["news"],
            "all_agree": int(letters(row["news"]) in agreed),
        }
        for row in rows
    ]
    return [write(marked)]


RECIPE = Recipe(
    "phrasebank",
    "Financial PhraseBank v1.0 (Malo, Sinha, Korhonen, Wallenius, Takala 2014)",
    [
        Original(
            "all-data.csv",
            f"{_FOLDER}all-data.csv",
            "da2a57789cc6099aa27c6300550ca46d8351f9b4a6c8b03e32cf8081dd236d15",
            _LICENCE,
        ),
        Original(
            "financial_phrasebank.csv",
            f"{_FOLDER}financial_phrasebank.csv",
            "24f61d767c2fd153bed6561af797ad4e7c823ae1007ddc6b6189408fdf8501c7",
            _LICENCE,
        ),
    ],
    {
        "htdbu/financial_phrasebank_50agree.csv": (
            "e53f824f55762b3158d37c57a0d2ac8b3f07f20741da7a03091692e29291d544"
        )
    },
    make,
)
