"""The ledger: one SQLite file a run, at once cache, log, audit and cash book.

A call is written down before it is made, with the most that it can cost, and again before
its reply is used. What is still "in flight" when the file is next opened is what a killed
run may have paid for without an answer.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tablewright.errors import BudgetError, InputError
from tablewright.llm.endpoint.base import Charge, Prompt, Reply, Usage

Record = Literal["full", "metadata"]
"""Whether prompts and replies are kept, or only what they cost."""

APPLICATION_ID = 0x74626C77
"""Stands in the header of our files ("tblw"), so that no other program's is taken for one."""

_VERSION = 3
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, model TEXT NOT NULL, stage TEXT NOT NULL,
    role TEXT NOT NULL, seed INTEGER NOT NULL, attempt INTEGER NOT NULL, session TEXT NOT NULL,
    outcome TEXT NOT NULL, started REAL NOT NULL, finished REAL, latency REAL,
    prompt TEXT, parameters TEXT, sent TEXT NOT NULL, reply TEXT, finish TEXT,
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
_SINCE_1 = {
    "logprobs": "TEXT",
    "first_token": "REAL NOT NULL DEFAULT 0.0",
    "cached_tokens": "INTEGER NOT NULL DEFAULT 0",
    "worst_case": "INTEGER NOT NULL DEFAULT 0",
}
"""Columns of calls that ledgers of version 1 do not have."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has used, and reserved for calls in flight.

    Attributes
    ----------
    calls : int
        Real attempts.
    tokens : int
        Tokens read and written.
    cost : float
        US dollars.
    """

    calls: int
    tokens: int
    cost: float


@dataclass(frozen=True, slots=True)
class Caps:
    """What a run may use at most.

    Parameters
    ----------
    cost : float or None, default=None
        US dollars.
    tokens, calls : int or None, default=None
        Tokens read and written; real attempts. All sessions of one run count together.
    minutes : float or None, default=None
        Minutes of one session.

    Raises
    ------
    InputError
        If a cap is not above zero.

    Examples
    --------
    >>> Caps(cost=1.0).admit(Spent(calls=9, tokens=900, cost=0.95), Usage(50, 50), cost=0.10)
    Traceback (most recent call last):
    tablewright.errors.BudgetError: the cap of $1 is reached: ...
    """

    cost: float | None = None
    tokens: int | None = None
    calls: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        for name in ("cost", "tokens", "calls", "minutes"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"--max-{name} has to be above 0, not {value}")

    def admit(self, spent: Spent, most: Usage, cost: float) -> None:
        """Let one more call pass that uses at most the tokens `most` and `cost`.

        Raises
        ------
        BudgetError
            If it could exceed a cap.
        """
        if self.calls is not None and spent.calls + 1 > self.calls:
            raise _reached(f"{self.calls} calls", "calls", spent, most)
        if self.tokens is not None and spent.tokens + most.total > self.tokens:
            raise _reached(f"{self.tokens:,} tokens", "tokens", spent, most)
        if self.cost is not None and spent.cost + cost > self.cost:
            raise _reached(f"${self.cost:g}", "cost", spent, most, f", ${cost:.4f} in all")


def _reached(cap: str, option: str, spent: Spent, most: Usage, money: str = "") -> BudgetError:
    reserve = (
        f"a call reserves the most that it may use, here {most.prompt_tokens:,} tokens for its "
        f"prompt (estimated, with a margin) and {most.completion_tokens:,} for the longest "
        f"reply{money}"
    )
    if not spent.calls:
        return BudgetError(f"the cap of {cap} is too low for one call: {reserve}; raise "
                           f"--max-{option}")  # fmt: skip
    return BudgetError(
        f"the cap of {cap} is reached: {spent.calls} calls, {spent.tokens:,} tokens and "
        f"${spent.cost:.4f} are spent or reserved; the next call might exceed it, since {reserve}. "
        f"What is paid for is kept: go on with a higher --max-{option} and the same --run"
    )


def parameters(prompt: Prompt) -> dict[str, Any]:
    """Return what is set beside the messages, as JSON can hold it."""
    fields = {
        "temperature": prompt.temperature,
        "top_p": prompt.top_p,
        "max_tokens": prompt.max_tokens,
        "schema": prompt.schema,
        "top_logprobs": prompt.top_logprobs or None,
        "completion": prompt.completion or None,
        "stop": prompt.stop or None,
        "grammar": prompt.grammar or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def request_key(model: str, prompt: Prompt) -> str:
    """Return the cache key: SHA-256 of model, messages, parameters and seed.

    Stage, role, endpoint, timeouts and attempts are left out: they do not change what a
    model would answer.

    Examples
    --------
    >>> a, b = Prompt.ask("?", seed=1, stage="rows"), Prompt.ask("?", seed=2)
    >>> request_key("m", a) == request_key("m", a.but(stage="plan"))
    True
    >>> request_key("m", a) == request_key("m", b)
    False
    """
    content = {
        "model": model,
        "messages": [[message.role, message.content] for message in prompt.messages],
        "parameters": parameters(prompt),
        "seed": prompt.seed,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Stored:
    """What the ledger holds of a request: its reply or last error, and what all attempts took."""

    reply: Reply | None
    error: str = ""
    message: str = ""
    charge: Charge = field(default_factory=Charge)


class Ledger:
    """The file, seen from one thread.

    Parameters
    ----------
    path : Path or None
        The file; None keeps the ledger in memory.
    record : {"full", "metadata"}, default="full"
        ``"metadata"`` keeps no text of prompts and replies, so no cell; such a ledger
        cannot be replayed.
    read_only : bool, default=False
        Write neither to the file nor beside it.

    Raises
    ------
    InputError
        If the file cannot be opened or is not a ledger of this version.
    """

    def __init__(self, path: Path | None, record: Record = "full", read_only: bool = False) -> None:
        self.path, self.record = path, record
        self.session = f"{os.getpid()}-{time.time_ns()}"
        try:
            self._db = _open_to_read(path) if read_only and path else _open(path)
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > _VERSION:
                raise InputError(f"the ledger {path} was written by a newer version; update first")
            if not read_only:
                self._prepare(version)
            self.record = "metadata" if self.get_meta("record") == "metadata" else "full"
        except sqlite3.Error as error:
            raise InputError(f"the ledger {path} cannot be opened: {error}") from error

    def _prepare(self, version: int) -> None:
        if version < _VERSION:
            _bring_up(self._db)
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {_VERSION}")
        # One run, one mode: that with which the file was begun.
        self._db.execute("INSERT OR IGNORE INTO meta VALUES ('record', ?)", (self.record,))

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
        row = self._db.execute(
            "SELECT CAST(calls AS INTEGER), CAST(tokens AS INTEGER), CAST(cost AS REAL) FROM totals"
        ).fetchone()
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
        caps.admit(self.spent(), most, cost or 0.0)
        full = self.record == "full"
        cursor = self._db.execute(
            "INSERT INTO calls (key, model, stage, role, seed, attempt, session, outcome, started,"
            " prompt, parameters, sent, prompt_tokens, completion_tokens, cost, priced, worst_case)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'in flight', ?, ?, ?, ?, ?, ?, ?, ?, 1)",
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
            "UPDATE calls SET outcome = ?, finished = ?, latency = ?, reply = ?, finish = ?,"
            " error = ?, message = ?, prompt_tokens = ?, completion_tokens = ?, counted = ?,"
            " cost = ?, logprobs = ?, first_token = ?, cached_tokens = ?, worst_case = ?"
            " WHERE id = ?",
            (
                outcome, time.time(), reply.latency if reply else None,
                reply.text if reply and full else None, reply.finish if reply else None,
                error, message if full else "", usage.prompt_tokens, usage.completion_tokens,
                usage.counted, cost, _logprobs(reply) if reply and full else None,
                reply.first_token if reply else 0.0, usage.cached_tokens, usage.worst_case, call,
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
            " logprobs, first_token, cached_tokens FROM calls"
            " WHERE key = ? AND outcome = 'ok' AND reply IS NOT NULL ORDER BY id LIMIT 1",
            (key,),
        ).fetchone()
        if row is not None:
            usage = Usage(row[3], row[4], bool(row[5]), row[9])
            logprobs = tuple(json.loads(row[7] or "[]"))
            reply = Reply(row[1], row[2], row[0], usage, 0.0, row[6], True, logprobs, row[8])
            return Stored(reply, charge=self._charge(key))
        return self._failure(key) if failures else None

    def _charge(self, key: str) -> Charge:
        """Add up all attempts at a request, those in flight at what they may cost at most."""
        row = self._db.execute(
            "SELECT COUNT(*), SUM(prompt_tokens), SUM(completion_tokens), MIN(counted),"
            " SUM(cached_tokens), MAX(worst_case), SUM(cost), MIN(priced) FROM calls"
            " WHERE key = ?",
            (key,),
        ).fetchone()
        usage = Usage(row[1], row[2], bool(row[3]), row[4], bool(row[5]))
        return Charge(row[0], usage, row[6] if row[7] else None)

    def _failure(self, key: str) -> Stored | None:
        row = self._db.execute(
            "SELECT error, message FROM calls WHERE key = ? AND outcome IN ('invalid', 'failed')"
            " ORDER BY id DESC LIMIT 1",
            (key,),
        ).fetchone()
        return Stored(None, row[0], row[1], self._charge(key)) if row else None

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


def _messages(prompt: Prompt) -> str:
    text = json.dumps([[item.role, item.content] for item in prompt.messages], ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()


def _logprobs(reply: Reply) -> str | None:
    return json.dumps([dict(each) for each in reply.logprobs]) if reply.logprobs else None


def _open(path: Path | None) -> sqlite3.Connection:
    if path is None:
        return sqlite3.connect(":memory:", isolation_level=None)
    _create_private(path)
    database = sqlite3.connect(path, isolation_level=None, timeout=60.0)
    if not _is_ours(database):
        database.close()
        raise InputError(f"{path} is another program's database; choose another folder for --run")
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


def _is_ours(database: sqlite3.Connection) -> bool:
    """Whether a database is a ledger, one of version 1 without our id, or still empty.

    Nothing but our tables is in it: a view could take for ever to be read.
    """
    there = {f"{kind} {name}" for kind, name in database.execute(
        "SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL")}  # fmt: skip
    return there in (set(), {"table meta", "table calls", "table totals", "index calls_by_key"})


def _open_to_read(path: Path) -> sqlite3.Connection:
    """Open a ledger without writing to it, nor beside it."""
    version, application = _header(path) or (0, 0)
    if application != APPLICATION_ID and (version, application) not in ((1, 0), (2, 0)):
        raise InputError(f"{path} is not a ledger of tablewright")
    # A log beside the file is that of a run that goes on or was killed: ours if the file is.
    log = path.with_name(path.name + "-wal")
    mode = "mode=ro" if application and log.exists() else "immutable=1"
    database = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)
    if not _is_ours(database):
        database.close()
        raise InputError(f"{path} is not a ledger of tablewright")
    return database if version >= _VERSION else _in_memory(database)


def _bring_up(database: sqlite3.Connection) -> None:
    """Make the tables, and the columns that an older ledger lacks."""
    database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
    there = {row[1] for row in database.execute("PRAGMA table_info(calls)")}
    for name, kind in _SINCE_1.items():
        if name not in there:
            database.execute(f"ALTER TABLE calls ADD COLUMN {name} {kind}")


def _in_memory(before: sqlite3.Connection) -> sqlite3.Connection:
    """Return a copy of an older ledger with the columns of today."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    before.backup(copy)
    before.close()
    _bring_up(copy)
    copy.execute(f"PRAGMA user_version = {_VERSION}")
    return copy


def _header(path: Path) -> tuple[int, int] | None:
    """Return version and application id from the first bytes of a database; None: it is none."""
    try:
        with path.open("rb") as file:
            head = file.read(72)
    except OSError:
        return None
    if len(head) < 72 or not head.startswith(b"SQLite format 3\x00"):
        return None
    version, application = struct.unpack(">I4xI", head[60:72])
    return version, application
