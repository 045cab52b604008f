"""The ledger: one SQLite file a run, at once cache, log, audit and cash book.

A call is written down before it is made, with the most that it can cost, and again before
its reply is used. What is still "in flight" when the file is next opened is what a killed
run may have paid for without an answer.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tablewright.errors import InputError
from tablewright.llm.endpoint.base import Prompt, Reply, Usage
from tablewright.llm.endpoint.caps import Caps, Spent
from tablewright.llm.endpoint.keys import parameters

__all__ = ["Ledger", "Record", "Stored"]

Record = Literal["full", "metadata"]
"""Whether prompts and replies are kept, or only what they cost."""

_VERSION = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, model TEXT NOT NULL, stage TEXT NOT NULL,
    role TEXT NOT NULL, seed INTEGER NOT NULL, attempt INTEGER NOT NULL, session TEXT NOT NULL,
    outcome TEXT NOT NULL, started REAL NOT NULL, finished REAL, latency REAL,
    prompt TEXT, parameters TEXT, sent TEXT NOT NULL, reply TEXT, logprobs TEXT, finish TEXT,
    error TEXT, message TEXT,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    counted INTEGER NOT NULL DEFAULT 0, cost REAL NOT NULL, priced INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS calls_by_key ON calls (key, outcome);
CREATE TABLE IF NOT EXISTS totals (
    one INTEGER PRIMARY KEY CHECK (one = 1), calls INTEGER NOT NULL, tokens INTEGER NOT NULL,
    cost REAL NOT NULL
);
INSERT OR IGNORE INTO totals VALUES (1, 0, 0, 0.0);
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the ledger holds of a request: its reply, or the error that it ended with."""

    reply: Reply | None
    error: str = ""
    message: str = ""


class Ledger:
    """The file, seen from one thread.

    Parameters
    ----------
    path : Path or None
        The file; None keeps the ledger in memory.
    record : {"full", "metadata"}, default="full"
        ``"metadata"`` keeps no text of prompts and replies, so no cell; such a ledger
        cannot be replayed.

    Raises
    ------
    InputError
        If the file cannot be opened or is not a ledger of this version.
    """

    def __init__(self, path: Path | None, record: Record = "full") -> None:
        self.path, self.record = path, record
        self.session = f"{os.getpid()}-{time.time_ns()}"
        try:
            self._db = _open(path)
            self._prepare()
        except sqlite3.Error as error:
            raise InputError(f"the ledger {path} cannot be opened: {error}") from error

    def _prepare(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise InputError(f"the ledger {self.path} was written by a newer version; update first")
        if version == 0:
            self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        elif version == 1:
            self._db.execute("ALTER TABLE calls ADD COLUMN logprobs TEXT")
        self._db.execute(f"PRAGMA user_version = {_VERSION}")
        self._keep_record_mode()

    def _keep_record_mode(self) -> None:
        """Take the mode that the file was begun with: one run, one mode."""
        self._db.execute("INSERT OR IGNORE INTO meta VALUES ('record', ?)", (self.record,))
        self.record = "metadata" if self.get_meta("record") == "metadata" else "full"

    def begin(self) -> None:
        """Open a transaction; what follows is on disk when `commit` returns."""
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Close the transaction."""
        self._db.execute("COMMIT")

    def rollback(self) -> None:
        """Give the transaction up."""
        with suppress(sqlite3.Error):
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def spent(self) -> Spent:
        """Return what the run has used, calls in flight counted at what they may cost at most."""
        row = self._db.execute("SELECT calls, tokens, cost FROM totals").fetchone()
        return Spent(*row)

    def reserve(
        self, key: str, model: str, prompt: Prompt, most: Usage, cost: float | None, caps: Caps
    ) -> int:
        """Write a call down before it is made, unless a cap forbids it.

        Parameters
        ----------
        most : Usage
            The most tokens that the call can use.
        cost : float or None
            The most that it can cost in US dollars; None where no price is known.

        Returns
        -------
        int
            Number of the call.

        Raises
        ------
        BudgetError
            If what is spent and reserved leaves no room for it.
        """
        caps.admit(self.spent(), most.total, cost or 0.0)
        full = self.record == "full"
        cursor = self._db.execute(
            "INSERT INTO calls (key, model, stage, role, seed, attempt, session, outcome, started,"
            " prompt, parameters, sent, prompt_tokens, completion_tokens, cost, priced)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'in flight', ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key, model, prompt.stage, prompt.role, prompt.seed, prompt.attempt, self.session,
                time.time(), _messages(prompt) if full else None,
                json.dumps(parameters(prompt)) if full else None, json.dumps(dict(prompt.sent)),
                most.prompt_tokens, most.completion_tokens, cost or 0.0, cost is not None,
            ),
        )  # fmt: skip
        self._add(1, most.total, cost or 0.0)
        return int(cursor.lastrowid or 0)

    def settle(
        self, call: int, outcome: str, usage: Usage, cost: float, reply: Reply | None = None,
        error: str = "", message: str = "",
    ) -> None:  # fmt: skip
        """Write down how a call ended, and put what it cost in the place of what it might have."""
        held = self._db.execute(
            "SELECT prompt_tokens + completion_tokens, cost FROM calls WHERE id = ?", (call,)
        ).fetchone()
        full = self.record == "full"
        self._db.execute(
            "UPDATE calls SET outcome = ?, finished = ?, latency = ?, reply = ?, logprobs = ?,"
            " finish = ?, error = ?, message = ?, prompt_tokens = ?, completion_tokens = ?,"
            " counted = ?, cost = ? WHERE id = ?",
            (
                outcome, time.time(), reply.latency if reply else None,
                reply.text if reply and full else None,
                _logprobs(reply) if reply and full else None, reply.finish if reply else None,
                error, message if full else "", usage.prompt_tokens, usage.completion_tokens,
                usage.counted, cost, call,
            ),
        )  # fmt: skip
        self._add(0, usage.total - held[0], cost - held[1])

    def withdraw(self, call: int) -> None:
        """Take back a call that was written down and never made."""
        held = self._db.execute(
            "DELETE FROM calls WHERE id = ? RETURNING prompt_tokens + completion_tokens, cost",
            (call,),
        ).fetchone()
        self._add(-1, -held[0], -held[1])

    def _add(self, calls: int, tokens: int, cost: float) -> None:
        self._db.execute(
            "UPDATE totals SET calls = calls + ?, tokens = tokens + ?, cost = cost + ?",
            (calls, tokens, cost),
        )

    def find(self, key: str, failures: bool = False) -> Stored | None:
        """Look a request up.

        Parameters
        ----------
        failures : bool, default=False
            Whether a request that ended with an error counts as found (for a replay).
        """
        row = self._db.execute(
            "SELECT model, reply, finish, prompt_tokens, completion_tokens, counted, latency,"
            " logprobs"
            " FROM calls WHERE key = ? AND outcome = 'ok' AND reply IS NOT NULL"
            " ORDER BY id LIMIT 1",
            (key,),
        ).fetchone()
        if row is not None:
            usage = Usage(row[3], row[4], bool(row[5]))
            logprobs = tuple(json.loads(row[7] or "[]"))
            return Stored(Reply(row[1], row[2], row[0], usage, 0.0, row[6], True, logprobs))
        return self._failure(key) if failures else None

    def _failure(self, key: str) -> Stored | None:
        row = self._db.execute(
            "SELECT error, message FROM calls WHERE key = ? AND outcome IN ('invalid', 'failed')"
            " ORDER BY id DESC LIMIT 1",
            (key,),
        ).fetchone()
        return Stored(None, *row) if row else None

    def set_meta(self, name: str, value: Any) -> None:
        """Keep a fact about the run, as JSON."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, _fact(name, value)))

    def set_all_meta(self, facts: Mapping[str, Any]) -> None:
        """Keep several facts."""
        for name, value in facts.items():
            self.set_meta(name, value)

    def get_meta(self, name: str) -> Any:
        """Return a fact about the run, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0] if name == "record" else json.loads(row[0])

    def rows(self, query: str, values: tuple[Any, ...] = ()) -> list[Mapping[str, Any]]:
        """Return the rows of a query as mappings from column to value."""
        cursor = self._db.execute(query, values)
        heads = [item[0] for item in cursor.description]
        return [dict(zip(heads, row, strict=True)) for row in cursor.fetchall()]


def _fact(name: str, value: Any) -> str:
    return str(value) if name == "record" else json.dumps(value)


def _logprobs(reply: Reply) -> str | None:
    return json.dumps([dict(each) for each in reply.logprobs]) if reply.logprobs else None


def _messages(prompt: Prompt) -> str:
    return json.dumps([[item.role, item.content] for item in prompt.messages], ensure_ascii=False)


def _open(path: Path | None) -> sqlite3.Connection:
    if path is None:
        return sqlite3.connect(":memory:", isolation_level=None)
    _create_private(path)
    database = sqlite3.connect(path, isolation_level=None, timeout=60.0)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    return database


def _create_private(path: Path) -> None:
    """Make the file readable by its owner only; SQLite gives its WAL the same mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise InputError(
            f"the run folder {path.parent} cannot be written: {error.strerror}"
        ) from error
