"""The published H-TDBU benchmark: bank clients with a mood, 12,000 rows, one texture after another.

    python -m benchmarks.htdbu.bank_text --data DIR [--pools DIR] --log FILE --out FILE

The mood goes with the target: by the manual rule 1 has positive or neutral and 0 neutral or
negative, by the strict rule 1 has positive alone. Under the strict rule the mood is the target,
so that real rows score 1.0000: those figures are printed and judged by nobody. Every texture
fills the same skeleton of targets and moods under the same rule.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.htdbu.bank import LEADING, PAIRS, Bank, load
from benchmarks.judge import detection
from benchmarks.measure import cpu, markdown, options
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.privacy import distance_share, exact_copies, search
from tablewright.systems.htdbu.system import HTDBU
from tablewright.tables.inference.infer import infer_schema
from tablewright.threads import one_thread

Pairs = Mapping[str, list[str]]

ROWS = 12_000
SEEDS = (42, 123, 2024)


@dataclass(frozen=True)
class Texture:
    """One generator below the rules."""

    method: Any
    options: Mapping[str, Any] = field(default_factory=dict)


TEXTURES = {
    "independent": Texture("independent"),
    "copula": Texture("copula"),
    "trees": Texture("trees"),
    "forest": Texture("forest"),
    "boosted": Texture("boosted"),
    "boosted, rate 0.3": Texture("boosted", {"learning_rate": 0.3}),
}
PUBLISHED = {
    "manual": {
        "independent": (0.8830, 0.0000, 0.4905, 0.1094),
        "copula": (0.8949, 0.2034, 0.7738, 0.0485),
        "forest": (0.9281, 0.6122, 0.9188, 0.0555),
        "boosted": (0.9139, 0.5621, 0.9190, 0.1127),
        "CTGAN": (0.8992, 0.2694, 0.8358, 0.0646),
        "TVAE": (0.8622, 0.5581, 0.8827, 0.0533),
    },
    "strict": {
        "independent": (0.8830, 0.0000, 0.5359, 0.3320),
        "copula": (0.9423, 0.6749, 0.9968, 0.1605),
        "forest": (0.9971, 0.9878, 0.9998, 0.1437),
        "boosted": (0.9746, 0.9003, 0.9948, 0.3234),
        "CTGAN": (0.9574, 0.7863, 0.9903, 0.1225),
        "TVAE": (0.9881, 0.9476, 0.9885, 0.0193),
    },
}


def rules(pairs: Pairs) -> list[dict[str, Any]]:
    return [{"kind": "align", "on": "y", "attribute": "sentiment", "pairs": dict(pairs)}]


def cross_modal(real: pl.DataFrame, made: pl.DataFrame) -> float:
    """Half the L1 distance of the shares of target and mood."""
    sides = [f.group_by(LEADING).len().with_columns(pl.col("len") / f.height) for f in (real, made)]
    both = sides[0].join(sides[1], on=LEADING, how="full", coalesce=True).fill_null(0)
    return float((both["len"] - both["len_right"]).abs().sum() / 2)


def learned(made: pl.DataFrame, test: pl.DataFrame) -> tuple[float, float, float]:
    """Accuracy, F1 and AUROC on real rows of a logistic regression that learned from made ones."""
    inputs = [c for c in made.columns if c != "y"]
    listed = [c for c in inputs if made.schema[c] == pl.String]
    encode = ColumnTransformer(
        [
            ("codes", OneHotEncoder(handle_unknown="ignore"), listed),
            ("numbers", StandardScaler(), [c for c in inputs if c not in listed]),
        ]
    )
    model = make_pipeline(encode, LogisticRegression(max_iter=1000))
    model.fit(made.select(inputs), made["y"] == "yes")
    probability = model.predict_proba(test.select(inputs))[:, 1]
    truth = (test["y"] == "yes").to_numpy()
    declared = probability > 0.5
    return (
        accuracy_score(truth, declared),
        f1_score(truth, declared),
        roc_auc_score(truth, probability),
    )


def measure(bank: Bank, made: pl.DataFrame, pairs: Pairs) -> dict[str, float]:
    """All measures of made rows."""
    accuracy, f1, auroc = learned(made, bank.test)
    schema = infer_schema(bank.train, target="y")
    ruler = FeatureEncoder.fit(bank.train, schema)
    real, other, rest = (ruler.rows(frame) for frame in (bank.train, made, bank.test))
    rng = np.random.default_rng(0)
    kept = [
        (pl.col("y") == label) & pl.col("sentiment").is_in(moods) for label, moods in pairs.items()
    ]
    return {
        "Acc": accuracy,
        "F1": f1,
        "AUROC": auroc,
        "AUROC, no mood": learned(made.drop("sentiment"), bank.test.drop("sentiment"))[2],
        "XModal": cross_modal(bank.test, made),
        "violations": float(made.filter(~pl.any_horizontal(kept)).height),
        "detection": detection(rest, other),
        "copies": exact_copies(real, other, rest, rng).value or 0.0,
        "DCR share": distance_share(search(real, other, rest, rng)).value or np.nan,
    }


def run(bank: Bank, texture: Texture, pairs: Pairs, seed: int) -> dict[str, float]:
    """Fit one texture, write 12,000 rows under the rule, measure."""
    system = HTDBU(
        "y",
        texture={"method": texture.method, **texture.options},
        rules=rules(pairs),
        skeleton=LEADING,
        random_state=seed,
    )
    _, fitting = cpu(lambda: system.fit(bank.train))
    created, drawing = cpu(lambda: system.sample(ROWS))
    with one_thread():
        result = measure(bank, created, pairs)
    foreign = getattr(texture.method, "seconds", None)
    if foreign:
        fitting, drawing = foreign["fit"], foreign["sample"]
    return {**result, "fit s": fitting, "sample s": drawing}


class Pool:
    """Rows that a peer drew in its own environment, as a texture."""

    def __init__(self, folder: Path, name: str, rule: str, seed: int) -> None:
        self.path = folder / f"{name}_{rule}_{seed}.parquet"
        self.seconds = json.loads(self.path.with_suffix(".json").read_text())

    def fit(self, frame: Any) -> None:
        self.rows = pl.read_parquet(self.path)
        self.at = 0

    def sample(self, n: int) -> pl.DataFrame:
        """Give the next rows; from the first one again when all are used."""
        indices = (self.at + np.arange(n)) % self.rows.height
        self.at += n
        return self.rows[indices]


def textures(names: list[str], pools: Path | None, rule: str, seed: int) -> dict[str, Texture]:
    """Ours, and those peers that drew a pool for this rule and seed."""
    result = {name: texture for name, texture in TEXTURES.items() if not names or name in names}
    for name in ("CTGAN", "TVAE"):
        if pools is not None and (pools / f"{name}_{rule}_{seed}.json").exists():
            result[name] = Texture(Pool(pools, name, rule, seed))
    return result


def real(bank: Bank, pairs: Pairs, seed: int) -> dict[str, float]:
    """Measure 12,000 real training rows in place of made ones."""
    rows = np.random.default_rng(seed).permutation(bank.train.height)[:ROWS]
    return measure(bank, bank.train[rows], pairs)


MEASURES = (
    "Acc",
    "F1",
    "AUROC",
    "AUROC, no mood",
    "XModal",
    "violations",
    "detection",
    "copies",
    "DCR share",
    "fit s",
    "sample s",
)


def table(found: list[dict[str, Any]], rule: str) -> str:
    """Means over seeds with their standard deviation, and the published figures beside them."""
    lines = []
    for name in dict.fromkeys(row["texture"] for row in found if row["rule"] == rule):
        mine = [row for row in found if (row["texture"], row["rule"]) == (name, rule)]
        cells = {m: [row[m] for row in mine if row.get(m) is not None] for m in MEASURES}
        lines.append(
            {
                "texture": name,
                "seeds": len(mine),
                **{m: _cell(m, values) for m, values in cells.items()},
                "published Acc / F1 / AUROC / XModal": " / ".join(
                    f"{x:.4f}" for x in PUBLISHED[rule].get(name, ())
                ),
            }
        )
    return markdown(lines)


def _cell(measure: str, values: list[float]) -> str:
    if not values:
        return "–"
    if measure in ("violations", "copies", "fit s", "sample s"):
        return f"{np.mean(values):.4g}"
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1) if len(values) > 1 else 0:.3f}"


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--pools", type=Path, default=None, help="what peer_pools.py wrote")
    parser.add_argument("--textures", default="", help="some of them, with commas between")
    parser.add_argument("--rules", default="manual,strict")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--log", type=Path, required=True, help="one JSON line for each run")
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # that the rule changes nothing, or changes the table
    names = [name for name in asked.textures.split(",") if name]
    before = asked.log.read_text().splitlines() if asked.log.exists() else []
    result = [json.loads(line) for line in before]
    done = {(row["rule"], row["seed"], row["texture"]) for row in result}
    for rule in asked.rules.split(","):
        for seed in map(int, asked.seeds.split(",")):
            bank, pairs = load(asked.data, PAIRS[rule], seed), PAIRS[rule]
            requested: dict[str, Texture | None] = {"real rows": None} if not names else {}
            for name, texture in {**requested, **textures(names, asked.pools, rule, seed)}.items():
                if (rule, seed, name) in done:
                    continue
                created = run(bank, texture, pairs, seed) if texture else real(bank, pairs, seed)
                result.append({"rule": rule, "seed": seed, "texture": name, **created})
                with asked.log.open("a") as file:
                    file.write(json.dumps(result[-1]) + "\n")
                print(result[-1], flush=True)
    if asked.out is not None:
        pages = [f"## Rule: {rule}\n\n{table(result, rule)}" for rule in asked.rules.split(",")]
        asked.out.write_text("\n\n".join([HEAD, *pages]) + "\n")


HEAD = """# The published H-TDBU benchmark

`python -m benchmarks.htdbu.bank_text`: 12,000 rows, 80 to 20 splits with seeds 42, 123 and 2024,
one CPU thread. Means over seeds ± their standard deviation. TSTR by logistic regression (Acc and
F1 at 0.5); AUROC, no mood: without the column that the rule is about. XModal: distance of target
and mood from the test rows. Violations: rows that break the rule. Detection: AUC of boosted trees
against test rows; 0.5 is ideal. Copies: share of rows equal to a training row. DCR share: rows
nearer to training than to test rows; 0.5 is ideal. Seconds are CPU; those of CTGAN and TVAE are
of their own process. The last column is **published** (arXiv:2605.28198, its own split and code).
"""


if __name__ == "__main__":
    main()
