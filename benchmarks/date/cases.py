"""Constructed cases: greedy's first pick excludes the best pair; a pair helps only together.

    python -m benchmarks.date.cases [--seeds 20]

The reward is a formula with noise on 200 judging rows, so that the best choice is known.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import markdown
from benchmarks.trim.report import write
from tablewright.selection.arms import Pulls, best, greedy, held_out_gains, play
from tablewright.selection.selector import CONFIRMED

CASES: dict[str, dict[str, Any]] = {
    "first pick excludes the best pair": {
        "worth": [0.2, 0.2, 0.3, -0.1, -0.1, -0.1], "sizes": [10, 10, 20, 10, 10, 10],
        "pair": None, "best": {0, 1},
    },
    "pair helps only together": {
        "worth": [-0.1, -0.1, 0.02, -0.1, -0.1, -0.1], "sizes": [10] * 6,
        "pair": (0, 1, 0.6), "best": {0, 1},
    },
    "nothing helps": {
        "worth": [-0.05] * 6, "sizes": [10] * 6, "pair": None, "best": set(),
    },
}  # fmt: skip
N_ROWS, N_JUDGING = 20, 200
NOISES = (0.2, 1.0)


def reward(case: dict[str, Any], noisy: float, seed: int, counter: list[int]) -> Any:
    """Sum of the groups' worth, a bonus for the pair, and noise of each judging row and set."""

    def scores(arms: Sequence[int]) -> NDArray[np.float64]:
        counter[0] += 1
        gain = sum(case["worth"][arm] for arm in arms)
        if case["pair"] and {case["pair"][0], case["pair"][1]} <= set(arms):
            gain += case["pair"][2]
        noise = np.random.default_rng([seed, *arms]).normal(size=N_JUDGING)
        return gain + noisy * (noise if arms else np.zeros(N_JUDGING))

    return scores


def choose(how: str, case: dict[str, Any], noisy: float, seed: int) -> tuple[set[int], int]:
    """Return the groups that are chosen, and how many sets were scored for it."""
    counter, sizes = [0], np.array(case["sizes"], dtype=np.intp)
    scores = reward(case, noisy, seed, counter)

    def thinned(arms: Sequence[int]) -> NDArray[np.float64]:
        share = min(1.0, N_ROWS / max(int(sizes[list(arms)].sum()), 1))
        return np.asarray(scores(arms) * share)

    pulls = Pulls(len(sizes), scores, thinned)
    if how == "greedy":
        return set(greedy(pulls, sizes, N_ROWS)), counter[0]
    rng = np.random.default_rng(seed)
    play(pulls, sizes, N_ROWS, rng)
    gains = held_out_gains(pulls, sizes, N_ROWS, rng.permutation(N_JUDGING) % 5)
    confirmed = gains is not None and (
        gains.mean() > CONFIRMED * gains.std(ddof=1) / len(gains) ** 0.5
    )
    return set(best(pulls, sizes, N_ROWS)) if confirmed else set(), counter[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    lines = []
    for name, case in CASES.items():
        for noisy, how in itertools.product(NOISES, ("greedy", "ours")):
            found = [choose(how, case, noisy, seed) for seed in range(options.seeds)]
            hits = [chosen == case["best"] for chosen, _ in found]
            lines.append({
                "case": name, "noise": noisy, "selector": how,
                "best choice found": f"{sum(hits)} of {len(hits)}",
                "sets scored": round(float(np.mean([n for _, n in found]))),
            })  # fmt: skip
    write(Path("benchmarks/date/cases.md"), "Constructed cases", [
        f"Six groups, 20 rows to keep, {options.seeds} seeds. In the first case group 3 is "
        "the best alone and fills the budget, and groups 1 and 2 are better together. Ours "
        "is confirmed by rows that did not choose, as in the selector. Seeds 100 to 139 showed "
        "that arms left too early, and that sets were drawn twice; these are others.",
        markdown(lines)])  # fmt: skip


if __name__ == "__main__":
    main()
