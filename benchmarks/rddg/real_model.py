"""A real model writes a rare class: does feedback stop class means from drifting, and does it copy?

    python -m benchmarks.rddg.real_model MODEL.gguf --data DIR [--table travel] [--rows 60]
        [--minutes 10] [--feedback on off] [--batch 40] [--out DIR]
    python -m benchmarks.rddg.real_model NAME --base-url http://127.0.0.1:8080/v1 --data DIR ...

Once with feedback and once without, from the same seed; the miner finds the relations, so that the
model is asked for rows alone. Each batch is a line of the file. A run is capped in minutes, and
what it has by then counts. A table whose two runs stand in the file is not run again.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.measure import RESULTS, append_csv, markdown, options, write_page
from benchmarks.rddg.arms import copies
from benchmarks.rddg.tables import TASKS, Task
from tablewright import RDDG
from tablewright.errors import ModelError
from tablewright.llm import connect
from tablewright.llm.endpoint.client import Client
from tablewright.systems.rddg import writers

SPLIT = 20


def connected(args: Any, place: str) -> Client:
    """Connect to the server, or to the file."""
    more: dict[str, Any] = {"run": place, "max_minutes": args.minutes}
    if args.base_url is not None:
        return connect(args.model, args.base_url, share="rows", **more)
    return connect(f"gguf:{args.model}?threads=1", **more)


def run(task: Task, args: Any, active: bool) -> Iterator[dict[str, Any]]:
    """Give a line for each batch."""
    train, _ = task.split(args.data, SPLIT)
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as place,
        connected(args, place) as client,
    ):
        system = RDDG(task.target, llm={"writer": client}, feedback=active, random_state=0)
        system.fit(train)
        try:
            rows = system.sample(args.rows)
        except ModelError as error:
            print(error, flush=True)
            rows = train.clear()
        seconds, spent = time.monotonic() - began, client.spending()
    result = system.result_
    lost = Counter(result.rejected["_stage"].to_list()) if result.rejected.height else Counter()
    known = {
        "feedback": "on" if active else "off", "kept": rows.height, "proposed": result.n_proposed,
        "copies kept": copies(rows.select(train.columns).cast(pl.String), train),
        "copies refused": lost["copies"] + lost["near-duplicates"],
        "broken": lost["rules"], "unread": result.parse_errors.total(),
        "calls": spent.calls, "tokens": spent.tokens, "seconds": round(seconds),
    }  # fmt: skip
    for number, batch in enumerate(result.details["batches"] or [None]):
        seen = {} if batch is None else batch.divergence
        yield {
            **known, "batch": number, "rows": batch.n_rows if batch else 0,
            "class means": seen.get("mean"), "ks": seen.get("ks"), "tv": seen.get("tv"),
            "orders": len(batch.orders) if batch else 0,
        }  # fmt: skip


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("model", help="path of a GGUF file, or a name with --base-url")
    parser.add_argument("--base-url")
    parser.add_argument("--feedback", nargs="*", default=["on", "off"], choices=["on", "off"])
    parser.add_argument("--table", choices=TASKS, default="travel")
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--batch", type=int, default=writers._SMALLEST, help="rows of one")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    writers._SMALLEST = args.batch
    name = f"rddg_real_model_{args.table}"
    file = args.out / f"{name}.csv"
    done = set(pl.read_csv(file)["feedback"]) if file.exists() else set()
    for told in args.feedback:
        if told not in done:
            append_csv(file, list(run(TASKS[args.table], args, told == "on")))
    lines = pl.read_csv(file).to_dicts()
    text = (
        f"{Path(args.model).name}, one run with feedback and one without, {args.rows} rows asked "
        f"for in batches of {args.batch}, capped at {args.minutes:g} minutes each; the first four "
        "columns of numbers are of the whole run. Class means: mean distance between the rows of "
        "a batch and the real rows of their class that were not shown, in standard deviations of "
        "the class."
    )
    write_page(name, f"A real model on {args.table}", [text, markdown(lines)], args.out)


if __name__ == "__main__":
    main()
