"""The ledger keeps what was paid for, for its owner alone."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tablewright.cli.spending_text import spending_text
from tablewright.errors import BudgetError, InputError
from tablewright.llm.endpoint.base import Charge, Prompt, Reply, Usage
from tablewright.llm.endpoint.ledger import Caps, Ledger, Record, request_key
from tablewright.llm.endpoint.ledger_thread import LedgerThread
from tablewright.llm.endpoint.runs import export_run, summarise

MOST = Usage(100, 100)


def record(ledger: Ledger, key: str = "k", text: str = "blue", cost: float = 0.5) -> int:
    ledger.begin()
    call = ledger.reserve(key, "m", Prompt.ask("secret cell"), MOST, 2.0, Caps())
    ledger.settle(call, "ok", Usage(10, 5), cost, Reply(text, usage=Usage(10, 5)))
    ledger.commit()
    return call


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1}, {"temperature": 0.5}, {"top_p": 0.9}, {"max_tokens": 7}, {"top_logprobs": 5},
        {"completion": "a,b"}, {"stop": ("##",)}, {"schema": {"type": "array"}},
    ],
)  # fmt: skip
def test_whatever_changes_a_request_changes_its_key(other: dict[str, Any]) -> None:
    prompt = Prompt.ask("?", seed=0)
    assert request_key("m", prompt.but(**other)) != request_key("m", prompt)
    assert request_key("n", prompt) != request_key("m", prompt)
    assert request_key("m", prompt.but(stage="rows")) == request_key("m", prompt)


def test_a_key_does_not_depend_on_how_a_schema_was_built() -> None:
    one, other = ({"type": "object", "required": []}, {"required": [], "type": "object"})
    keys = {request_key("m", Prompt.ask("?").but(schema=schema)) for schema in (one, other)}
    assert len(keys) == 1


def test_a_reply_is_found_again_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "run" / "ledger.sqlite"
    record(Ledger(path))
    result = Ledger(path).find("k")
    assert result is not None
    assert result.reply is not None
    assert (result.reply.text, result.reply.cached, result.reply.cost) == ("blue", True, 0.0)


def test_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "run" / "ledger.sqlite"
    ledger = Ledger(path)
    record(ledger)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert "ledger.sqlite-wal" in modes
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_disk_is_waited_for(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert ledger.rows("PRAGMA synchronous")[0]["synchronous"] == 2
    assert ledger.rows("PRAGMA journal_mode")[0]["journal_mode"] == "wal"


def test_a_reservation_counts_until_it_is_settled() -> None:
    ledger = Ledger(None)
    call = ledger.reserve("k", "m", Prompt.ask("?"), MOST, 2.0, Caps(cost=3.0))
    assert ledger.spent().cost == 2.0
    with pytest.raises(BudgetError, match=r"cap of \$3 is reached.*--max-cost"):
        ledger.reserve("l", "m", Prompt.ask("?"), MOST, 2.0, Caps(cost=3.0))
    ledger.settle(call, "ok", Usage(10, 5), 0.25, Reply("x"))
    spent = ledger.spent()
    assert (spent.calls, spent.tokens, spent.cost) == (1, 15, 0.25)


def test_a_killed_run_names_its_calls_in_flight(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger(path).reserve("k", "m", Prompt.ask("?", stage="rows"), MOST, 2.0, Caps())
    rows = Ledger(path).rows("SELECT stage, outcome, cost FROM calls")
    assert [dict(row) for row in rows] == [{"stage": "rows", "outcome": "in flight", "cost": 2.0}]


@pytest.mark.parametrize("mode", ["full", "metadata"])
def test_metadata_keeps_no_text(tmp_path: Path, mode: Record) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path, mode)
    record(ledger, text="secret reply")
    ledger.close()
    content = path.read_bytes()
    assert (b"secret" in content) == (mode == "full")
    assert (Ledger(path).find("k") is not None) == (mode == "full")


def test_only_valid_answers_are_found_except_in_a_replay() -> None:
    ledger = Ledger(None)
    call = ledger.reserve("k", "m", Prompt.ask("?"), MOST, 0.0, Caps())
    ledger.settle(call, "invalid", Usage(1, 1), 0.0, Reply("no"), "InvalidReplyError", "empty")
    assert ledger.find("k") is None
    stored = ledger.find("k", failures=True)
    assert stored is not None
    assert (stored.reply, stored.error, stored.message) == (None, "InvalidReplyError", "empty")


def test_a_reply_is_found_with_what_it_took() -> None:
    ledger, usage = Ledger(None), Usage(11, 7, counted=False, cached_tokens=5)
    call = ledger.reserve("k", "m", Prompt.ask("?"), MOST, None, Caps())
    assert ledger.spent().cost == 0.0  # of no known price
    reply = Reply("yes", "length", "m", usage, latency=2.5, first_token=0.5)
    ledger.settle(call, "ok", usage, 0.0, reply)
    stored = ledger.find("k")
    assert stored is not None
    assert stored.reply is not None
    found = stored.reply
    assert (found.text, found.finish, found.model) == ("yes", "length", "m")
    assert (found.usage, found.latency, found.first_token) == (usage, 2.5, 0.5)


def test_log_probabilities_are_replayed_with_the_reply() -> None:
    ledger, logprobs = Ledger(None), ({"Yes": -0.1, "No": -2.4},)
    call = ledger.reserve("k", "m", Prompt.ask("?", top_logprobs=2), MOST, 0.0, Caps())
    ledger.settle(call, "ok", Usage(1, 1), 0.0, Reply("Yes", logprobs=logprobs))
    stored = ledger.find("k")
    assert stored is not None
    assert stored.reply is not None
    assert stored.reply.logprobs == logprobs


def test_a_ledger_without_log_probabilities_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    record(Ledger(path), text="blue")
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE calls DROP COLUMN logprobs")
        database.execute("PRAGMA user_version = 1")
    stored = Ledger(path).find("k")
    assert stored is not None
    assert stored.reply is not None
    assert (stored.reply.text, stored.reply.logprobs) == ("blue", ())


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_text("age,city\n" * 200)
    with pytest.raises(InputError, match="cannot be opened"):
        Ledger(path)
    assert path.read_text().startswith("age,city")


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    record(Ledger(path))
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError, match="newer version"):
        Ledger(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    thread = LedgerThread(tmp_path / "file" / "run" / "ledger.sqlite")
    with pytest.raises(InputError, match=r"run folder .* cannot be written"):
        thread.do(lambda file: file.spent())


def test_one_failing_operation_leaves_its_neighbours_alone() -> None:
    thread = LedgerThread(None)

    def fail(ledger: Ledger) -> None:
        raise BudgetError("no")

    good = thread.submit(lambda file: file.set_meta("a", 1))
    bad = thread.submit(fail)
    assert good.result() is None
    assert isinstance(bad.exception(), BudgetError)
    assert thread.do(lambda file: file.get_meta("a")) == 1
    thread.close()


def test_a_closed_ledger_opens_again(tmp_path: Path) -> None:
    thread = LedgerThread(tmp_path / "ledger.sqlite")
    thread.do(lambda file: file.set_meta("a", [1, "ä"]))
    thread.close()
    assert thread.do(lambda file: file.get_meta("a")) == [1, "ä"]
    thread.close()


ODD_VALUES = ("'abc'", "-5", "9e99", "x'ff00'", "'[1]'", """'{"a": "b"}'""", "9" * 30, "''")


def hostile(source: Path, folder: Path, statement: str) -> Path:
    """Copy a run and change its ledger as a stranger may."""
    folder.mkdir(exist_ok=True)
    shutil.copy(source, folder / "ledger.sqlite")
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as database, suppress(sqlite3.Error):
        database.executescript(statement)
    return folder


def looks_like_a_run(folder: Path) -> bool:
    """Read a folder in every way; whatever is wrong with it is one error of ours."""
    out = folder / "calls.jsonl"
    out.unlink(missing_ok=True)
    try:
        spending_text(summarise(folder).spending)
        export_run(folder, out)
    except InputError:
        return False
    return True


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "source" / "ledger.sqlite"
    ledger = Ledger(path)
    call = ledger.reserve("key", "m", Prompt.ask("?", sent={"age": 2}), Usage(9, 9), 0.1, Caps())
    ledger.settle(call, "ok", Usage(5, 1), 0.1, Reply("blue"))
    ledger.set_meta("rows kept", 3)
    ledger.close()
    return path


def test_a_ledger_with_any_value_in_any_cell_is_read_or_refused(
    recorded: Path, tmp_path: Path
) -> None:
    assert looks_like_a_run(hostile(recorded, tmp_path / "run", ""))
    with closing(sqlite3.connect(recorded)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(calls)")]
    statements = [f"UPDATE calls SET {name} = {value}" for name in columns for value in ODD_VALUES]
    names = ("calls", "tokens", "cost")
    statements += [f"UPDATE totals SET {name} = {value}" for name in names for value in ODD_VALUES]
    facts = ("rows kept", "finished", "cap", "record", "command", "directory", "signature")
    statements += [f"INSERT OR REPLACE INTO meta VALUES ('{name}', {value})"
                   for name in facts for value in ODD_VALUES]  # fmt: skip
    statements += ["DELETE FROM totals"]
    for statement in statements:
        looks_like_a_run(hostile(recorded, tmp_path / "run", statement))


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE calls",
        "ALTER TABLE calls RENAME TO own; CREATE VIEW calls AS WITH RECURSIVE n(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT own.* FROM own, n",
        "CREATE TRIGGER t AFTER INSERT ON calls BEGIN DELETE FROM meta; END",
    ],
)
def test_a_ledger_that_holds_more_or_less_than_our_tables_is_refused(
    recorded: Path, tmp_path: Path, statement: str
) -> None:
    folder = hostile(recorded, tmp_path / "run", statement)
    assert not looks_like_a_run(folder)
    with pytest.raises(InputError, match="another program's database"):
        Ledger(folder / "ledger.sqlite")


def test_a_request_is_charged_with_all_its_attempts() -> None:
    ledger = Ledger(None)
    for usage, counted, worst in [(Usage(10, 1, True, 4), True, False), (Usage(7, 2), False, True)]:
        call = ledger.reserve("k", "m", Prompt.ask("?"), MOST, 2.0, Caps())
        spent = replace(usage, counted=counted, worst_case=worst)
        ledger.settle(call, "invalid", spent, 0.25, None, "InvalidReplyError", "empty")
    stored = ledger.find("k", failures=True)
    assert stored is not None
    assert (stored.error, stored.message) == ("InvalidReplyError", "empty")
    assert stored.charge == Charge(2, Usage(17, 3, False, 4, True), 0.5)
    ledger.reserve("k", "m", Prompt.ask("?"), MOST, None, Caps())
    priceless = ledger.find("k", failures=True)
    assert priceless is not None
    assert priceless.charge.cost is None
    assert priceless.charge.usage.total == 20 + MOST.total
    ledger.close()


def test_a_request_without_an_estimate_is_no_worst_case() -> None:
    ledger = Ledger(None)
    record(ledger)
    stored = ledger.find("k")
    assert stored is not None
    assert stored.charge == Charge(1, Usage(10, 5), 0.5)
    ledger.close()


@pytest.mark.parametrize(("version", "is_ours"), [(0, False), (1, True), (2, True), (3, False)])
def test_of_files_without_our_mark_only_those_of_the_first_two_versions_are_read(
    tmp_path: Path, version: int, is_ours: bool
) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA application_id = 0")
        database.execute(f"PRAGMA user_version = {version}")
        database.execute("PRAGMA journal_mode = DELETE")
    if is_ours:
        assert Ledger(path, read_only=True).spent().calls == 0
    else:
        with pytest.raises(InputError, match="is not a ledger of tablewright"):
            Ledger(path, read_only=True)
