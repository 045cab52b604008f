"""Asia: 10,000 draws from the network of Lauritzen and Spiegelhalter (1988); needs no original."""

from __future__ import annotations

import numpy as np

from benchmarks.recipes.recipe import Files, Recipe, write

SEED, N_ROWS = 20240610, 10_000
DRAWN = ("asia", "smoke", "tub", "lung", "bronc", "xray", "dysp")
COLUMNS = ("asia", "tub", "smoke", "lung", "bronc", "either", "xray", "dysp")


def draw(seed: int, n: int) -> dict[str, np.ndarray]:
    """Draw one column after the other."""
    rng = np.random.default_rng(seed)
    u = {name: rng.random(n) for name in DRAWN}
    asia, smoke = u["asia"] < 0.01, u["smoke"] < 0.5
    tub = u["tub"] < np.where(asia, 0.05, 0.01)
    lung = u["lung"] < np.where(smoke, 0.1, 0.01)
    bronc = u["bronc"] < np.where(smoke, 0.6, 0.3)
    either = tub | lung
    ill = np.where(either, np.where(bronc, 0.9, 0.7), np.where(bronc, 0.8, 0.1))
    return {
        "asia": asia, "tub": tub, "smoke": smoke, "lung": lung, "bronc": bronc, "either": either,
        "xray": u["xray"] < np.where(either, 0.98, 0.05), "dysp": u["dysp"] < ill,
    }  # fmt: skip


def make(files: Files) -> list[bytes]:
    """Write yes and no."""
    drawn = draw(SEED, N_ROWS)
    rows = [{name: "yes" if drawn[name][i] else "no" for name in COLUMNS} for i in range(N_ROWS)]
    return [write(rows)]


RECIPE = Recipe(
    "asia",
    "Lauritzen and Spiegelhalter (1988), drawn anew",
    [],
    {
        "mallm_gan/asia_10000.csv": (
            "bfc2efb6f8ffdf0cd9427fd6346768ee04949785da298ce36a7c117620472e06"
        )
    },
    make,
)
