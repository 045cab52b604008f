"""How often do the posterior's 90 % intervals cover what was planted? At eta = 1, and tempered.

    python -m benchmarks.rddg.calibration [--runs 200]

In each run a generator is off by a shift, a scale, a category weight and a factor of a correlation
that are drawn from the prior; summaries are independent, as each knob has columns of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import RESULTS, markdown, options, write_page
from tablewright.generators.calibrated import Calibration
from tablewright.generators.parts.knobs import KnobSpace
from tablewright.tables.encoding.codec import Field, Matrix

FIELDS = (Field("moved"), Field("stretched"), Field("a"), Field("b"), Field("word", levels=2))
SPREADS = {"shift": 0.5, "scale": 0.3, "weight": 0.5, "coupling": 0.2}
KNOBS = {"shift": 0, "scale": 1, "weight": 4}
CORRELATION = 0.5
"""Of the real `a` and `b`; that of rows is this over the coupling that they still need."""
N_BATCHES, BATCH, REFERENCE = 6, 200, 200
Floats = NDArray[np.float64]


def rows(n_rows: int, rng: np.random.Generator, off: dict[str, float]) -> Floats:
    """Draw rows that need the corrections in `off`."""
    moved = rng.normal(-off["shift"], 1.0, n_rows)
    stretched = rng.normal(0, np.exp(-off["scale"]), n_rows)
    word = rng.random(n_rows) < 1 / (1 + np.exp(off["weight"]))
    a, noise = rng.normal(size=(2, n_rows))
    r = CORRELATION / (1 + off["coupling"])
    return np.column_stack([moved, stretched, a, r * a + np.sqrt(1 - r**2) * noise, word])


def run(seed: int, temper: float | None, feedback: bool) -> dict[str, Any]:
    """Calibrate once; return whether intervals cover, and how far rows are off at last."""
    rng = np.random.default_rng(seed)
    truth = {kind: float(rng.normal(0, sd)) for kind, sd in SPREADS.items()}
    truth["coupling"] = float(np.clip(truth["coupling"], -0.45, 0.9))  # no correlation above 1
    real = rows(N_BATCHES * REFERENCE, rng, dict.fromkeys(SPREADS, 0.0))
    parts = np.zeros(len(real), dtype=np.intp)
    calibration = Calibration(KnobSpace.learn(Matrix(real, FIELDS), parts, 1), temper=temper)
    at = {
        kind: next(i for i, k in enumerate(calibration.knobs)
                   if (k.kind, k.column) == (kind, column))
        for kind, column in KNOBS.items()
    }  # fmt: skip
    belief, error = calibration.posterior.coupling[0], []
    for batch in range(N_BATCHES):
        step = calibration.step if feedback else 0 * calibration.step
        used = calibration.couplings[0] if feedback else 1.0
        left = {kind: truth[kind] - step[at[kind]] for kind in at}
        left["coupling"] = (1 + truth["coupling"]) / used - 1
        error.append(np.mean([abs(value) / SPREADS[kind] for kind, value in left.items()]))
        if not feedback:
            continue
        own = real[batch::N_BATCHES]
        made, codes, own_codes = rows(BATCH, rng, left), parts[:BATCH], parts[: len(own)]
        calibration.update_coupling(made, codes, own, own_codes, [used])
        calibration.update(made, codes, own, own_codes)
    ends = calibration.posterior.interval(0.9)
    covered = {k: bool(ends[at[k]][0] <= truth[k] <= ends[at[k]][1]) for k in at}
    low, high = belief.interval(0.9)
    covered["coupling"] = low <= 1 + truth["coupling"] <= high
    return {**covered, "first": error[0], "last": error[-1]}


def main() -> None:
    parser = options(__doc__ or "")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    table = []
    for name, temper, feedback in (
        ("eta = 1", 1.0, True),
        ("tempered, the default", None, True),
        ("no feedback", 1.0, False),
    ):
        found = [run(seed, temper, feedback) for seed in range(args.runs)]
        table.append(
            {"calibration": name}
            | {f"covers {kind}": float(np.mean([one[kind] for one in found])) if feedback else None
               for kind in SPREADS}
            | {f"error, {end} batch": float(np.mean([one[end] for one in found]))
               for end in ("first", "last")}
        )  # fmt: skip
    error = 1.96 * np.sqrt(0.9 * 0.1 / args.runs)
    text = (
        f"{args.runs} runs, seeds 0 to {args.runs - 1}; {N_BATCHES} batches of {BATCH} rows "
        f"against {REFERENCE} real ones each. A coverage of 0.90 is known to ± {error:.2f} by so "
        "many runs. Errors are what rows are off by, in prior standard deviations, mean over four "
        "knobs: a shift, a scale, a weight, and a factor of a correlation."
    )
    write_page("rddg_calibration", "Coverage of the posterior", [text, markdown(table)], args.out)


if __name__ == "__main__":
    main()
