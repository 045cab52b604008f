"""One part of a large table: drawn, written under its name at once, and read again."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from tablewright.engines.plan import Plan
from tablewright.errors import InputError
from tablewright.rules import as_rules
from tablewright.rules.enforcement import Audit
from tablewright.rules.enforcement.audit import RuleAudit
from tablewright.schema import outer_name
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.tables.encoding.row_digests import RowSketch
from tablewright.tables.io.frames import to_polars
from tablewright.tables.io.provenance import Origin, Part, mark, sha256_of_file
from tablewright.tables.io.writing import atomic_file
from tablewright.tables.table import for_file

RECORD = "tablewright.part"
"""Name under which a file of a part says which one it is, of what request."""


@dataclass(frozen=True)
class WrittenPart:
    """A part that stands in its folder.

    Attributes
    ----------
    number : int
    part : Part
        Its line in the manifest.
    request : dict
        See `Plan.request`.
    sketch : RowSketch
        Digests of its rows.
    audit : Audit or None
        What rules did to its rows.
    """

    number: int
    part: Part
    request: dict[str, Any]
    sketch: RowSketch
    audit: Audit | None = None


def write_part(plan: Plan, number: int) -> WrittenPart:
    """Write a part unless it stands there; the same plan and number give the same rows anywhere."""
    path = plan.path(number)
    if path.exists():
        written = read_part(path)
        if written.request == plan.request():
            return written
    frame, audit = _draw(plan, number)
    sketch = RowSketch(bytes.fromhex(plan.salt), plan.n_zero_bits)
    sketch.add(frame)
    record = {
        "number": number,
        "request": plan.request(),
        "sketch": sketch.to_dict(),
        "audit": None if audit is None else asdict(audit),
    }
    metadata = {**mark(Origin(**plan.origin)), RECORD: json.dumps(record)}
    with atomic_file(path) as temporary:
        frame.write_parquet(temporary, metadata=metadata)
    return _written(path, frame.height, record)


def _draw(plan: Plan, number: int) -> tuple[pl.DataFrame, Audit | None]:
    synthesizer = _model(plan.model, plan.model_sha256)
    rules = None if plan.rules is None else as_rules(json.loads(plan.rules))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever made the plan was told of them
        pieces = list(
            synthesizer.batches(
                plan.n_rows,
                where=plan.where,
                balance=plan.balance,
                rules=rules,
                random_state=plan.seed,
                only=plan.rows(number),
            )
        )
    frames = [for_file(to_polars(p)[0], synthesizer.schema_, plan.path(number)) for p in pieces]
    audit = None if rules is None else synthesizer.audit_
    return pl.concat(frames).rename(outer_name), audit


@lru_cache(maxsize=2)
def _model(path: str, sha256: str) -> Synthesizer:
    """Read a model once in a process; it is the one that the plan was made with."""
    if sha256_of_file(Path(path)) != sha256:
        raise InputError(f"{path} is not the model that the rows were asked of; it was changed")
    return Synthesizer.load(path)


def read_part(path: Path) -> WrittenPart:
    """Read what a file of a part says of itself.

    Raises
    ------
    InputError
        If it is damaged, or no part that this program wrote.
    """
    try:
        record = json.loads(pl.read_parquet_metadata(path)[RECORD])
        n_rows = pl.scan_parquet(path).select(pl.len()).collect().item()
        return _written(path, int(n_rows), record)
    except (pl.exceptions.PolarsError, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} is damaged, or no part that tablewright wrote; delete it or name another "
            "folder"
        ) from error


def _written(path: Path, n_rows: int, record: dict[str, Any]) -> WrittenPart:
    audit = record["audit"]
    return WrittenPart(
        record["number"],
        Part(file=path.name, n_rows=n_rows, sha256=sha256_of_file(path)),
        record["request"],
        RowSketch.from_dict(record["sketch"]),
        audit and Audit(audit["n_rows"], [RuleAudit(**rule) for rule in audit["rules"]]),
    )
