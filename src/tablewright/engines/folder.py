"""The folder of the parts of a table: which stand there, and which are missing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import polars as pl

from tablewright.engines.part import WrittenPart, read_part
from tablewright.engines.plan import Plan
from tablewright.errors import InputError
from tablewright.rules.enforcement import Audit
from tablewright.schema import outer_name
from tablewright.tables.encoding.row_digests import RowSketch
from tablewright.tables.io.provenance import Manifest, Origin, write_parts_manifest


@dataclass
class PartFolder:
    """A folder that holds parts of one request and nothing else.

    Attributes
    ----------
    path : Path
    written : dict of int to WrittenPart
        By number.
    """

    path: Path
    written: dict[int, WrittenPart]

    @classmethod
    def open(cls, path: Path) -> PartFolder:
        """Make a folder, or look at what stands in it; what a killed run left half-written goes.

        Raises
        ------
        InputError
            If anything but parts is in it.
        """
        if path.exists() and not path.is_dir():
            raise InputError(f"{path} is a file; name another folder for the parts")
        if not path.parent.is_dir():
            raise InputError(f"the folder {path.parent} does not exist; make it first")
        path.mkdir(exist_ok=True)
        for unfinished in path.glob(".part-*.tmp"):
            unfinished.unlink(missing_ok=True)
        others = sorted(f.name for f in path.iterdir() if not f.match("part-*.parquet"))
        if others:
            raise InputError(f"{path} holds other files ({others[0]!r}); name an empty folder")
        parts = [read_part(file) for file in sorted(path.iterdir())]
        return cls(path, {part.number: part for part in parts})

    def resumed(self, plan: Plan, seed: int | None) -> Plan:
        """Return the plan that goes on with the parts that stand there.

        Parameters
        ----------
        plan : Plan
        seed : int or None
            What the user set; that of the parts where None.

        Raises
        ------
        InputError
            If a part is of another request; says in what they differ.
        """
        for part in self.written.values():
            salt = str(part.request["salt"])
            went_on = replace(plan, salt=salt)
            if seed is None:
                went_on = replace(went_on, seed=int(part.request["seed"]))
            _require_same(self.path / part.part.file, part.request, went_on.request())
            plan = went_on
        return plan

    def missing(self, plan: Plan) -> list[int]:
        """Return the numbers of the parts that are not there."""
        return [number for number in range(plan.n_parts) if number not in self.written]

    def close(self, plan: Plan) -> tuple[Manifest, Audit | None]:
        """Write the manifest beside the folder; say what rules did to all rows."""
        parts = [self.written[number] for number in range(plan.n_parts)]
        sketch = RowSketch(bytes.fromhex(plan.salt))
        for part in parts:
            sketch.merge(part.sketch)
        names = pl.read_parquet_schema(plan.path(0))
        origin = Origin(**plan.origin)
        columns = [outer_name(name) for name in names]
        listed = [part.part for part in parts]
        return write_parts_manifest(self.path, origin, sketch, columns, listed), _audit(parts)


@contextmanager
def without_empty_folder(path: Path) -> Iterator[None]:
    """Take a folder that was made inside away again where an error leaves it empty."""
    is_new = not path.exists()
    try:
        yield
    except BaseException:
        if is_new:
            with suppress(OSError):  # there is none, or something stands in it
                path.rmdir()
        raise


def new_salt() -> str:
    """Return a fresh salt for digests of rows."""
    return secrets.token_hex(16)


def _audit(parts: Sequence[WrittenPart]) -> Audit | None:
    audits = [part.audit for part in parts if part.audit is not None]
    return reduce(add, audits) if audits else None


def _require_same(path: Path, stands: dict[str, Any], wanted: dict[str, Any]) -> None:
    different = [name for name in wanted if stands.get(name) != wanted[name]]
    if different:
        name = different[0]
        values = "" if name in ("model", "rules", "salt") else (
            f" ({stands.get(name)!r} there, {wanted[name]!r} now)"
        )  # fmt: skip
        raise InputError(
            f"{path} is a part of another request: its {name} differs{values}; name another "
            "folder, or ask for the same to go on"
        )
