"""Write a table of any size as a folder of Parquet files, by any engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tablewright.engines.base import Engine
from tablewright.engines.folder import PartFolder, new_salt, without_empty_folder
from tablewright.engines.part import write_part
from tablewright.engines.plan import PART_ROWS, Plan
from tablewright.errors import InputError
from tablewright.random_state import seed_of
from tablewright.registry import resolve
from tablewright.rules import as_rules, to_json
from tablewright.rules.enforcement import Audit
from tablewright.rules.language import Dependency, Rules, Unique
from tablewright.synthesizer.quotas import Balance
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.systems import load
from tablewright.tables.io.provenance import Manifest, Origin, sha256_of_file


@dataclass(frozen=True)
class WrittenFolder:
    """A table that stands as parts.

    Attributes
    ----------
    manifest : Manifest
    n_written : int
        Parts that this call wrote; the others were there.
    audit : Audit or None
        What rules did to the rows.
    """

    manifest: Manifest
    n_written: int
    audit: Audit | None


def write_parts(
    model: str | Path,
    n_samples: int | None,
    folder: str | Path,
    *,
    where: str | None = None,
    balance: Balance | None = None,
    rules: Any = None,
    random_state: int | None = None,
    engine: str = "process",
    workers: int | None = None,
    address: str | None = None,
    part_rows: int = PART_ROWS,
    origin: Mapping[str, Any] | None = None,
    on_rows: Callable[[int], None] | None = None,
) -> WrittenFolder:
    """Draw rows from a model file into a folder of Parquet files.

    A run that was stopped goes on when it is called again: parts that stand there are kept. The
    rows are those of `Synthesizer.sample` with the same seed, whatever engine draws them.

    Parameters
    ----------
    model : path
        A file that `Synthesizer.save` wrote.
    n_samples : int or None
        Rows wanted; None with ``balance="fill"``.
    folder : path
        New, empty, or with parts of the same request. Its manifest goes beside it.
    where, balance, rules
        See `Synthesizer.sample`.
    random_state : int or None, default=None
        Random seed; that of the parts that are there where None, or a fresh one.
    engine : {"process", "dask", "ray"} or a registered name, default="process"
        Who does the work.
    workers : int or None, default=None
        Processes on this machine; as many as there are cores where None.
    address : str or None, default=None
        Of a cluster that runs. All its machines see the model and the folder under these paths.
    part_rows : int, default=200_000
        Rows of a part; a multiple of 20,000.
    origin : mapping or None, default=None
        What more the manifest says: ``options``, ``command``, ``source``.
    on_rows : callable or None, default=None
        Called with the rows of each part that is done.

    Raises
    ------
    InputError
        If the request fits no model or folder; what stands in the folder is left alone.
    EngineError
        If a part cannot be written for want of workers; the others stand.

    Examples
    --------
    >>> import tempfile
    >>> import polars as pl
    >>> table = pl.DataFrame({"age": list(range(20, 60)), "member": ["yes", "no"] * 20})
    >>> with tempfile.TemporaryDirectory() as place:
    ...     Synthesizer("independent", random_state=0).fit(table).save(f"{place}/model")
    ...     made = write_parts(f"{place}/model", 50_000, f"{place}/rows", workers=1)
    ...     pl.read_parquet(f"{place}/rows/*.parquet").shape, len(made.manifest.parts)
    ((50000, 2), 1)
    """
    synthesizer = _synthesizer(Path(model))
    asked = None if rules is None else _rules(rules)
    for _ in synthesizer.batches(
        n_samples, where=where, balance=balance, rules=asked, random_state=0, only=range(0)
    ):
        pass  # what is wrong with the request is said before any worker starts
    runner: Engine = resolve("engines", engine)(workers=workers, address=address)
    with without_empty_folder(Path(folder)):
        target = PartFolder.open(Path(folder))
        seed = seed_of(random_state)
        plan = Plan(
            model=str(Path(model).resolve()),
            folder=str(target.path.resolve()),
            model_sha256=sha256_of_file(Path(model)),
            n_rows=synthesizer.count_rows(n_samples, balance),
            seed=seed,
            where=where,
            balance=balance,
            rules=None if asked is None else to_json(asked),
            salt=new_salt(),
            part_rows=part_rows,
        )
        plan = target.resumed(plan, None if random_state is None else seed)
        plan = _with_origin(plan, synthesizer, origin or {})
        missing = target.missing(plan)
        if on_rows is not None:
            on_rows(sum(part.part.n_rows for part in target.written.values()))
        for written in runner.run(partial(write_part, plan), missing):
            target.written[written.number] = written
            if on_rows is not None:
                on_rows(written.part.n_rows)
        manifest, audit = target.close(plan)
        return WrittenFolder(manifest, len(missing), audit)


def _synthesizer(model: Path) -> Synthesizer:
    learner = load(model)
    if not isinstance(learner, Synthesizer):
        raise InputError(
            f"{model} holds the system {learner.name!r}, whose rows are judged all together; name "
            "one file for --out, such as rows.parquet"
        )
    return learner


def _rules(source: Any) -> Rules:
    rules = as_rules(source)
    for rule in rules:
        if isinstance(rule, Unique | Dependency):
            raise InputError(
                f"rule {rule.name!r} is about all rows together, and parts are written apart; name "
                "one file for --out, such as rows.parquet"
            )
    return rules


def _with_origin(plan: Plan, synthesizer: Synthesizer, more: Mapping[str, Any]) -> Plan:
    origin = Origin(
        method=synthesizer.method_, n_real_rows=synthesizer.n_rows_, seed=plan.seed, **more
    )
    return replace(plan, origin=origin.model_dump())
