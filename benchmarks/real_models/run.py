"""Let each system write rows with a model, and keep what it wrote.

    python -m benchmarks.real_models.run MODEL.gguf --out runs.jsonl [--data DIR] [--systems epic]
    python -m benchmarks.real_models.run NAME --base-url http://127.0.0.1:8080/v1 --out runs.jsonl

Each run is added to the file as a line of JSON, with its rows; `benchmarks.real_models.report`
judges them and makes the page. A run is capped in minutes, and what it has by then counts. With
--base-url of a llama.cpp server that serves nobody else and was started with --metrics, its own
count of tokens stands beside the bill.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.real_models.ledger_count import ledger_count
from benchmarks.real_models.server_count import server_count
from benchmarks.real_models.systems import SYSTEMS, facts, suits
from benchmarks.real_models.tables import TABLES, Split, load
from tablewright.errors import TablewrightError
from tablewright.llm import connect
from tablewright.llm.endpoint.client import Client


def connected(options: argparse.Namespace, **more: Any) -> Client:
    """Connect to the server, or to the file."""
    if options.base_url is not None:
        return connect(options.model, options.base_url, share="rows", **more)
    return connect(f"gguf:{options.model}?threads={options.threads}", **more)


def write(name: str, split: Split, options: argparse.Namespace, run: Path) -> dict[str, Any]:
    """Let a system write rows with the model."""
    before, began = server_count(options.base_url), time.monotonic()
    entry: dict[str, Any] = {"kept": 0}
    with connected(options, run=run, max_minutes=options.minutes) as client:
        try:
            system = SYSTEMS[name](split, client).fit(split.train)
            rows = system.sample(options.rows)
        except TablewrightError as error:
            entry["error"] = str(error)
        else:
            entry |= {"kept": rows.height, **facts(system, split), **_equal(rows, split)}
            entry["rows"] = json.loads(rows.write_json())
            usage = system.result_.usage
            entry |= {"bill": usage.tokens, "calls": usage.attempts}
        entry["seconds"] = round(time.monotonic() - began, 1)
        after = server_count(options.base_url)
        counted = client.spending()
    entry |= {"spent": counted.tokens, **ledger_count(run)}
    if before is not None and after is not None:
        entry["server"] = after.since(before).total
    return entry | {"estimate": estimate(name, split, options)}


def _equal(rows: pl.DataFrame, split: Split) -> dict[str, int]:
    """Count the rows that equal one of the real rows."""
    real = split.train.select(rows.columns).cast(dict(rows.schema), strict=False)
    return {"equal to a real row": rows.join(real, on=rows.columns, how="semi").height}


def estimate(name: str, split: Split, options: argparse.Namespace) -> int:
    """Return the tokens that a dry run expects."""
    with connected(options, dry_run=True) as client:
        SYSTEMS[name](split, client).fit(split.train).sample(options.rows)
        return client.spending().tokens


def main() -> None:
    """Make the runs that are asked for."""
    options = _options()
    runs = [
        (seed, table, name)
        for seed in options.seeds for table in options.tables for name in options.systems
    ]  # fmt: skip
    for seed, table, name in runs:
        split = load(table, seed, options.data)
        if not suits(name, split):
            continue
        told = {
            "model": Path(options.model).name, "where": options.where, "table": table,
            "system": name, "seed": seed, "asked": options.rows,
            "load": round(os.getloadavg()[0], 1),
        }  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            entry = {**told, **write(name, split, options, Path(folder))}
            if options.keep is not None and (Path(folder) / "ledger.sqlite").exists():
                kept = options.keep / f"{told['model']}_{table}_{name}_{seed}.sqlite"
                shutil.copy(Path(folder) / "ledger.sqlite", kept)
        with options.out.open("a") as file:
            file.write(json.dumps(entry, default=str) + "\n")
        print({k: v for k, v in entry.items() if k not in ("rows", "plan", "texts")}, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="path of a GGUF file, or a name with --base-url")
    parser.add_argument("--base-url")
    parser.add_argument("--threads", type=int, default=1, help="of a GGUF file")
    parser.add_argument("--where", default="", help="the machine, for the page")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--keep", type=Path, help="folder for the ledgers")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--systems", nargs="*", default=list(SYSTEMS), choices=list(SYSTEMS))
    parser.add_argument("--tables", nargs="*", default=list(TABLES))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10.0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
