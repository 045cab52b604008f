"""Runs on disk: what there is, what they cost, and their calls as JSON lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tablewright.errors import InputError
from tablewright.llm.endpoint.ledger import Ledger
from tablewright.llm.endpoint.spending import Spending, spending

__all__ = ["RunSummary", "export_run", "find_runs", "summarise"]

_LEDGER = "ledger.sqlite"


@dataclass(frozen=True)
class RunSummary:
    """One run.

    Attributes
    ----------
    folder : Path
        Where its ledger is.
    status : str
        ``"finished"``, ``"unfinished"`` or ``"cap reached"``.
    command : list of str or None
        The command line that made it, where one did.
    record : str
        ``"full"``, or ``"metadata"``: cannot be replayed.
    started : str
        Time of the first call, ISO 8601 in UTC; empty where there is none.
    in_flight : int
        Calls without an answer: what a killed run may have paid for.
    spending : Spending
        What it has cost.
    """

    folder: Path
    status: str
    command: list[str] | None
    record: str
    started: str
    in_flight: int
    spending: Spending


def find_runs(root: Path) -> list[Path]:
    """Return the folders below `root`, three levels deep at most, that hold a ledger."""
    found = [path for depth in ("", "*/", "*/*/", "*/*/*/") for path in root.glob(depth + _LEDGER)]
    return sorted({path.parent for path in found})


def summarise(folder: Path) -> RunSummary:
    """Read what a run was and cost.

    Raises
    ------
    InputError
        If there is no ledger in the folder.
    """
    ledger = _open(folder)
    try:
        first = ledger.rows("SELECT MIN(started) AS at FROM calls")[0]["at"]
        waiting = ledger.rows("SELECT COUNT(*) AS n FROM calls WHERE outcome = 'in flight'")
        finished, cap = ledger.get_meta("finished"), ledger.get_meta("cap")
        return RunSummary(
            folder=folder,
            status="finished" if finished else "cap reached" if cap else "unfinished",
            command=ledger.get_meta("command"),
            record=ledger.record,
            started="" if first is None else _time(first),
            in_flight=waiting[0]["n"],
            spending=spending(ledger),
        )
    finally:
        ledger.close()


def export_run(folder: Path, out: Path) -> int:
    """Write the calls of a run as JSON lines, readable by their owner only.

    Returns
    -------
    int
        Number of calls.

    Raises
    ------
    InputError
        If there is no ledger, or the file exists or cannot be written.
    """
    ledger = _open(folder)
    try:
        handle = os.open(out, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            count = 0
            for call in _calls(ledger):
                file.write(json.dumps(call, ensure_ascii=False) + "\n")
                count += 1
        return count
    except FileExistsError as error:
        raise InputError(f"{out} exists; choose another --out") from error
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        ledger.close()


def _calls(ledger: Ledger) -> Iterator[dict[str, Any]]:
    for row in ledger.rows("SELECT * FROM calls ORDER BY id"):
        call = dict(row)
        for name in ("prompt", "parameters", "sent"):
            call[name] = None if call[name] is None else json.loads(call[name])
        for name in ("started", "finished"):
            call[name] = None if call[name] is None else _time(call[name])
        yield {**call, "counted": bool(call["counted"]), "priced": bool(call["priced"])}


def _open(folder: Path) -> Ledger:
    path = folder / _LEDGER
    if not path.is_file():
        raise InputError(f"{folder} holds no {_LEDGER}: it is no run folder")
    return Ledger(path)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
