"""Runs: what there is on disk, what they cost, and their calls as JSON lines."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tablewright.display import public_arguments, shown
from tablewright.errors import InputError
from tablewright.llm.endpoint.identity import is_signed, sign
from tablewright.llm.endpoint.ledger import Ledger

_LEDGER = "ledger.sqlite"

_LINES = """
SELECT model, role, stage, COUNT(*) AS calls, SUM(outcome = 'ok') AS answered,
       SUM(outcome = 'invalid') AS invalid, SUM(outcome = 'failed') AS failed,
       SUM(outcome = 'in flight') AS in_flight,
       SUM(prompt_tokens) AS prompt_tokens, SUM(completion_tokens) AS completion_tokens,
       SUM(cached_tokens) AS cached_tokens,
       SUM((prompt_tokens + completion_tokens) * counted) AS counted_tokens,
       SUM((prompt_tokens + completion_tokens) * worst_case) AS worst_case_tokens,
       SUM(cost) AS cost, MIN(priced) AS priced, AVG(latency) AS latency
FROM calls GROUP BY model, role, stage ORDER BY MIN(id)
"""


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
    directory : str or None
        Where the command was given.
    own : bool
        Whether this user on this machine gave the command.
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
    directory: str | None
    own: bool
    record: str
    started: str
    in_flight: int
    spending: Spending


def find_runs(root: Path) -> list[Path]:
    """Return the folders below `root`, three levels deep at most, that hold a ledger."""
    depths = ("", "*/", "*/*/", "*/*/*/")
    files = {path for depth in depths for path in root.glob(depth + _LEDGER) if path.is_file()}
    return sorted(path.parent for path in files)


def summarise(folder: Path) -> RunSummary:
    """Read what a run was and cost.

    Raises
    ------
    InputError
        If there is no ledger in the folder.
    """
    with _opened(folder) as ledger:
        first = ledger.rows("SELECT MIN(started) AS at FROM calls")[0]["at"]
        waiting = ledger.rows("SELECT COUNT(*) AS n FROM calls WHERE outcome = 'in flight'")
        finished, cap = ledger.get_meta("finished"), ledger.get_meta("cap")
        command, directory = ledger.get_meta("command"), ledger.get_meta("directory")
        return RunSummary(
            folder=folder,
            status="finished" if finished else "cap reached" if cap else "unfinished",
            command=_texts(command),
            directory=directory if isinstance(directory, str) else None,
            own=_is_own(folder, [command, directory], ledger.get_meta("signature")),
            record=ledger.record,
            started="" if first is None else _time(first),
            in_flight=waiting[0]["n"],
            spending=spending(ledger),
        )


def command_facts(command: list[str]) -> dict[str, Any]:
    """Return what a ledger keeps of the command that makes it, without secrets, and signed."""
    content = [public_arguments(command), str(Path.cwd())]
    return {"command": content[0], "directory": content[1], "signature": sign(content)}


def _is_own(folder: Path, content: list[Any], signature: Any) -> bool:
    own = not hasattr(os, "getuid") or (folder / _LEDGER).stat().st_uid == os.getuid()
    return own and is_signed(content, signature)


def _texts(command: Any) -> list[str] | None:
    listed = isinstance(command, list) and all(isinstance(part, str) for part in command)
    return command if listed else None


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
    with _opened(folder) as ledger:
        lines = [json.dumps(call, ensure_ascii=False) for call in _calls(ledger)]
    try:
        handle = os.open(out, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except FileExistsError as error:
        raise InputError(f"{out} exists; choose another --out") from error
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}") from error
    return len(lines)


def _calls(ledger: Ledger) -> Iterator[dict[str, Any]]:
    for row in ledger.rows("SELECT * FROM calls ORDER BY id"):
        call = dict(row)
        for name in ("prompt", "parameters", "sent"):
            call[name] = None if call[name] is None else json.loads(call[name])
        for name in ("started", "finished"):
            call[name] = None if call[name] is None else _time(call[name])
        yield {**call, "counted": bool(call["counted"]), "priced": bool(call["priced"])}


@contextmanager
def _opened(folder: Path) -> Iterator[Ledger]:
    """Open the ledger of a folder, anybody's: what cannot be read of it is one error."""
    path = folder / _LEDGER
    if not path.is_file():
        raise InputError(f"{folder} holds no {_LEDGER}: it is no run folder")
    ledger = Ledger(path, read_only=True)
    try:
        yield ledger
    except (sqlite3.Error, ArithmeticError, TypeError, ValueError) as error:
        raise InputError(f"the ledger {path} is damaged: {shown(str(error), 100)}") from error
    finally:
        ledger.close()


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Spending:
    """What a run has cost.

    Attributes
    ----------
    lines : list of mapping
        For each model, role and stage: calls by outcome, tokens, US dollars, mean seconds.
    cost : float or None
        US dollars; None where a price is not known.
    calls, tokens : int
        Real attempts; tokens read and written.
    counted_tokens, worst_case_tokens : int
        Tokens that endpoints counted, and the most that calls without an answer may have used;
        the others are estimated.
    cached_tokens : int
        Prompt tokens that endpoints had read before, where they say so.
    sent : mapping
        How many of the user's cells were sent, by column.
    rows_kept : int or None
        Rows kept in the end, where that was said.
    """

    lines: list[Mapping[str, Any]]
    cost: float | None
    calls: int
    tokens: int
    counted_tokens: int
    worst_case_tokens: int
    cached_tokens: int
    sent: Mapping[str, int]
    rows_kept: int | None

    @property
    def counted(self) -> bool:
        """Whether the endpoints counted all tokens."""
        return self.counted_tokens == self.tokens

    @property
    def rows_per_dollar(self) -> float | None:
        """Rows kept for one US dollar; None where the price or the rows are not known, or free."""
        if not self.cost or self.rows_kept is None:
            return None
        return self.rows_kept / self.cost

    @property
    def tokens_per_row(self) -> float | None:
        """Tokens for each row kept."""
        return self.tokens / self.rows_kept if self.rows_kept else None


def spending(ledger: Ledger) -> Spending:
    """Add up a ledger.

    Examples
    --------
    >>> spending(Ledger(None)).calls
    0
    """
    lines = ledger.rows(_LINES)
    total = ledger.spent()
    return Spending(
        lines=lines,
        cost=total.cost if all(line["priced"] for line in lines) else None,
        calls=total.calls,
        tokens=total.tokens,
        counted_tokens=sum(line["counted_tokens"] for line in lines),
        worst_case_tokens=sum(line["worst_case_tokens"] for line in lines),
        cached_tokens=sum(line["cached_tokens"] for line in lines),
        sent=_sent(ledger),
        rows_kept=kept if isinstance(kept := ledger.get_meta("rows kept"), int) else None,
    )


def _sent(ledger: Ledger) -> Mapping[str, int]:
    cells: Counter[str] = Counter()
    for row in ledger.rows("SELECT sent FROM calls WHERE sent <> '{}'"):
        counts = json.loads(row["sent"])
        cells.update({name: n for name, n in counts.items() if isinstance(n, int)}
                     if isinstance(counts, dict) else {})  # fmt: skip
    return dict(cells)
