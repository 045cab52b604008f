"""Made-up news with a mood, and rows that carry them."""

from __future__ import annotations

import numpy as np
import polars as pl

WORDS = {
    "good": ["rose", "grew", "gained", "improved"],
    "neutral": ["stayed", "met", "began", "opened"],
    "bad": ["fell", "shrank", "lost", "worsened"],
}
SUBJECTS = ["Sales", "Profits", "Orders", "Exports", "Margins", "Shares"]


def news(n: int = 240, seed: int = 0) -> pl.DataFrame:
    """Rows with a number, a class, a mood that goes with it, and a text of that mood."""
    rng = np.random.default_rng(seed)
    wins = rng.random(n) < 0.4
    mood = np.where(wins, rng.choice(["good", "neutral"], n), rng.choice(["neutral", "bad"], n))
    texts = [
        f"{rng.choice(SUBJECTS)} {rng.choice(WORDS[str(m)])} in region {rng.integers(1, 60)}."
        for m in mood
    ]
    return pl.DataFrame(
        {
            "size": rng.normal(50 + 10 * wins, 8, n).round(1),
            "mood": mood,
            "text": texts,
            "wins": np.where(wins, "yes", "no"),
        }
    )
