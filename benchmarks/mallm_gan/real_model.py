"""A real model optimizes the process and writes the rows of few real ones; and it proposes edges.

    python -m benchmarks.mallm_gan.real_model MODEL --base-url URL --data DIR --out FILE
        [--job rows|edges] [--tables adult,insurance] [--sizes 25,50,100] [--minutes 4]

MODEL is a name with --base-url, or the path of a GGUF file. A run is a line of JSON with the rows
that were kept; what a cap in minutes leaves counts. Without --base-url and with the name
`stand-in` a simulation answers, to rehearse. `--report FILE...` makes the page.
"""

from __future__ import annotations

import json
import tempfile
import time
import warnings
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mallm_gan.tables import CONTEXT, GIVEN, WHERE, drawn, whole
from benchmarks.measure import options
from tablewright import MALLMGAN
from tablewright.errors import TablewrightError
from tablewright.llm import connect
from tablewright.systems.mallm_gan.optimizer import Optimizer
from tablewright.systems.mallm_gan.process import Process
from tablewright.systems.mallm_gan.search import EdgeFrequencies
from tablewright.tables.table import load_table
from tablewright.testing import StandIn

ASIA_SIZES = (25, 100, 200)
MEANINGS = {
    "asia": "visited Asia lately", "tub": "has tuberculosis", "smoke": "smokes",
    "lung": "has lung cancer", "bronc": "has bronchitis",
    "either": "has tuberculosis or lung cancer", "xray": "the chest X-ray is abnormal",
    "dysp": "is short of breath (dyspnoea)",
}  # fmt: skip


def connected(asked: Namespace, place: str, table: str) -> Any:
    if asked.model == "stand-in":
        frame, target, _ = whole(asked.data, table)
        return StandIn(frame, target=target)
    if asked.base_url is not None:
        return connect(
            asked.model, asked.base_url, share="rows", run=place, max_minutes=asked.minutes
        )
    return connect(f"gguf:{asked.model}?threads=1", run=place, max_minutes=asked.minutes)


def write_rows(asked: Namespace, table: str, size: int, arm: str) -> dict[str, Any]:
    """Search with the model and let it write as many rows as there are real ones."""
    split, _ = drawn(asked.data, table, size, asked.seed)
    began = time.monotonic()
    entry: dict[str, Any] = {
        "job": "rows", "table": table, "size": size, "arm": arm, "seed": asked.seed
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = connected(asked, place, table)
        system = MALLMGAN(
            split.target, llm=model, context=CONTEXT[table], rounds=asked.rounds,
            random_state=asked.seed,
        )  # fmt: skip
        if arm == "csv":
            system = _csv(system)
        condition = WHERE[table] if arm == "condition" else None
        n_rows = min(size, 20) if arm in ("condition", "csv") else size
        try:
            system.fit(split.train)
            entry |= {"process": system.process_.as_data(), "history": system.history_}
            entry["search"] = round(time.monotonic() - began, 1)
            rows = system.sample(n_rows, where=condition)
            entry["rows"] = json.loads(rows.write_json())
        except TablewrightError as error:
            entry["error"] = str(error)[:300]
        result = system.result_
        lost = result.rejected["_stage"].to_list() if result.rejected.height else []
        entry |= {
            "asked": n_rows, "proposed": result.n_proposed, "lost": dict(Counter(lost)),
            "unread": result.parse_errors.total(), "notes": [str(note) for note in result.notes],
        }  # fmt: skip
        if not isinstance(model, StandIn):
            spent = model.spending()
            entry |= {"calls": spent.calls, "tokens": spent.tokens}
            model.close()
    return entry | {"seconds": round(time.monotonic() - began, 1)}


def _csv(system: MALLMGAN) -> MALLMGAN:
    """Write rows as lines of CSV in prompts and replies."""
    from tablewright.llm.rows.parser import FORMATS

    system.row_form = FORMATS["csv"]  # type: ignore[misc]  # one object alone
    return system


def propose_edges(asked: Namespace, size: int, draw: int) -> dict[str, Any]:
    """Ask for edges of Asia's graph, from the searched and from the empty one."""
    frame, target, _ = whole(asked.data, "asia")
    order = np.random.default_rng([16, size, draw]).permutation(frame.height)
    schema = {name: {"description": text} for name, text in MEANINGS.items()}
    table = load_table(frame[order[:size]], schema, target)
    frequencies = EdgeFrequencies(table.frame, table.schema, draw)
    entry: dict[str, Any] = {"job": "edges", "size": size, "draw": draw}
    with tempfile.TemporaryDirectory() as place:
        model = connected(asked, place, "asia")
        optimizer = Optimizer(model, table.schema, table.frame, calls=100 * draw)
        for start in ("heuristic", "empty"):
            graph = frequencies.graph()
            graph = graph if start == "heuristic" else graph.from_edges(graph.columns, [])
            process = Process(graph, CONTEXT["asia"])
            try:
                found = optimizer.edges(process, frequencies.lines() if start != "empty" else [])
            except TablewrightError as error:
                entry["error"] = str(error)[:300]
                break
            after = frequencies.graph(found)
            entry[start] = {
                "before": graph.edges, "proposed": found, "after": after.edges
            }  # fmt: skip
        if not isinstance(model, StandIn):
            entry["tokens"] = model.spending().tokens
            model.close()
    return entry


def runs(asked: Namespace) -> Iterator[dict[str, Any]]:
    """Give a line for each run, until the minutes are over."""
    ends = time.monotonic() + 60 * asked.minutes
    if asked.job == "edges":
        for draw in range(asked.draws):
            for size in ASIA_SIZES:
                if time.monotonic() < ends:
                    asked.minutes = max(0.1, (ends - time.monotonic()) / 60)
                    yield propose_edges(asked, size, asked.seed + draw)
        return
    for table in asked.tables.split(","):
        for size in map(int, asked.sizes.split(",")):
            for arm in asked.arms.split(","):
                if time.monotonic() < ends:
                    asked.minutes = max(0.1, (ends - time.monotonic()) / 60)
                    yield write_rows(asked, table, size, arm)


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("model")
    parser.add_argument("--base-url")
    parser.add_argument("--job", choices=("rows", "edges"), default="rows")
    parser.add_argument("--tables", default="adult,insurance")
    parser.add_argument("--sizes", default="25,50,100")
    parser.add_argument("--arms", default="system")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    assert set(asked.tables.split(",")) <= set(GIVEN)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    for entry in runs(asked):
        entry["model"] = Path(asked.model).name
        with asked.out.open("a") as file:
            file.write(json.dumps(entry, default=str) + "\n")
        print({k: v for k, v in entry.items() if k not in ("rows", "history")}, flush=True)


if __name__ == "__main__":
    main()
