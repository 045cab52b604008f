"""What may enter a prompt and how it stands there; what a call took; where a key belongs."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tablewright.errors import InputError, ModelError
from tablewright.llm import Prompt, Reply, Sharing, connect
from tablewright.llm.endpoint.base import Charge, Usage
from tablewright.llm.endpoint.gguf import GGUFOptions
from tablewright.llm.endpoint.gguf_file import GGUFFile
from tablewright.llm.endpoint.hosts import (
    authorization,
    check_url,
    is_loopback,
    secrets_of,
    without_user,
)
from tablewright.llm.endpoint.identity import is_signed, sign
from tablewright.llm.endpoint.metering import Metered, Speed, UsageByRole
from tablewright.llm.endpoint.scripted import Scripted
from tablewright.llm.prompts.builder import Condition, PromptBuilder
from tablewright.llm.prompts.delimiters import delimited
from tablewright.llm.prompts.sharing import Cell, count_cells, plain
from tablewright.llm.rows.frame import rows_to_frame
from tablewright.llm.rows.raw_rows import match_names
from tablewright.llm.rows.task import placeholder
from tablewright.schema import DECLARED, Column, Kind, Schema

CITY = {"kind": "categorical", "categories": ["Ulm", "Bonn"]}
SCHEMA = Schema.build(
    {"age": "integer", "city": CITY, "pay": {"kind": "continuous", "decimals": 1, "nullable": True}}
)
TABLE = pl.DataFrame(
    {"age": [1, 2, 3, 4, 5], "city": ["Ulm"] * 3 + ["Bonn"] * 2, "pay": [1.0, 2, 3, 4, None]}
)


def described(sharing: Sharing, schema: Schema = SCHEMA) -> list[dict[str, Any]]:
    return [json.loads(line) for line in sharing.describe(schema, TABLE).text.splitlines()]


# what may be said -------------------------------------------------------------------


def test_a_summary_names_frequent_values_and_quantiles_and_counts_them() -> None:
    age, city, pay = described(Sharing("summary"))
    assert age["quantiles 5/25/50/75/95 %"] == [1, 2, 3, 4, 5]
    assert city["shares of values"] == {"Ulm": 0.6}  # Bonn occurs twice only
    quantiles = pay["quantiles 5/25/50/75/95 %"]  # linear between 1, 2, 3 and 4, at one decimal
    assert quantiles == pytest.approx([1.15, 1.75, 2.5, 3.25, 3.85], abs=0.0501)
    assert quantiles == [round(value, 1) for value in quantiles]
    assert Sharing("summary").describe(SCHEMA, TABLE).cells == {"age": 5, "city": 1, "pay": 5}


@pytest.mark.parametrize(("n_known", "told"), [(0, False), (2, False), (3, True)])
def test_quantiles_of_fewer_than_three_values_would_be_these_values(
    n_known: int, told: bool
) -> None:
    table = TABLE.with_columns(pay=pl.Series([1.0, 2.0, 3.0][:n_known] + [None] * (5 - n_known)))
    text = Sharing("summary").describe(SCHEMA, table).text.splitlines()[2]
    assert ("quantiles" in text) is told


def test_effects_are_told_by_group_in_numbers_as_far_as_a_summary_may_leave() -> None:
    table = pl.DataFrame(
        {"age": [1, 2, 3, 4, 5, 6, 7, 8, 9],
         "city": ["Ulm"] * 4 + ["Bonn"] * 3 + ["Rom"] * 2,
         "pay": [1.0, 2, 3, 4, 10, 20, 31.4159, 0, 0]}
    )  # fmt: skip

    def told(sharing: Sharing, *pairs: tuple[str, str]) -> list[dict[str, Any]]:
        builder = PromptBuilder(sharing, table).dependence(SCHEMA, pairs, "By group:")
        lines = builder.text.splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    summary = Sharing("summary")
    assert told(summary, ("city", "pay")) == [  # Rom is of two rows only
        {"where city is": "Ulm", "pay": [1.75, 2.5, 3.25]},
        {"where city is": "Bonn", "pay": [15.0, 20.0, 25.71]},
    ]  # fmt: skip
    assert told(summary, ("age", "city")) == [  # thirds: 11/3 and 19/3
        {"where age is": "below 3.667", "city": {"Ulm": 1.0}},
    ]  # fmt: skip
    assert told(Sharing("schema"), ("city", "pay")) == []
    hidden = Sharing("rows", redact=("pay",))
    assert told(hidden, ("city", "pay"), ("pay", "city")) == []
    builder = PromptBuilder(summary, table).dependence(SCHEMA, [("city", "pay")], "By group:")
    assert builder.sent == {"city": 2, "pay": 6}


def test_a_schema_alone_says_nothing_of_the_values_of_the_table() -> None:
    result = Sharing("schema").describe(SCHEMA, TABLE)
    assert result.cells == {}
    assert "quantiles" not in result.text
    assert "shares" not in result.text
    assert '"may be empty": true' in result.text


def test_a_redacted_column_is_named_and_nothing_of_it_told() -> None:
    _, city, _ = described(Sharing("rows", redact=("city",)))
    assert city == {"column": "city", "kind": "categorical", "values": "withheld"}
    with pytest.raises(InputError, match="no column 'town'"):
        Sharing("rows", redact=("town",)).describe(SCHEMA, TABLE)


def test_values_may_be_named_by_their_source_and_their_number() -> None:
    inferred = Column(name="city", kind=Kind.CATEGORICAL, categories=["Ulm"], reason="seen")
    summary = Sharing("summary")
    assert summary.admits(inferred, ["Ulm"], TABLE)
    assert not summary.admits(inferred, ["Ulm", "Bonn"], TABLE)
    assert not summary.admits(inferred, ["Ulm"], None)
    assert not Sharing("schema").admits(inferred, ["Ulm"], TABLE)
    assert Sharing("rows").admits(inferred, ["Rome"], TABLE)
    assert not Sharing("rows", redact=("city",)).admits(inferred, ["Ulm"], TABLE)


@pytest.mark.parametrize(
    ("share", "level", "allowed"),
    [("schema", "summary", False), ("summary", "summary", True), ("rows", "summary", True),
     ("summary", "rows", False), ("schema", "schema", True)],
)  # fmt: skip
def test_levels_include_the_lower_ones(share: Any, level: Any, allowed: bool) -> None:
    sharing = Sharing(share)
    assert sharing.allows(level) is allowed
    if not allowed:
        with pytest.raises(InputError, match=f"say --share {level}"):
            sharing.need(level, "a method")


def test_conditions_on_redacted_columns_and_mined_ones_stay_here() -> None:
    conditions = [
        Condition("age > 1", frozenset({"age"})),
        Condition("city = 'Ulm'", frozenset({"city"})),
        Condition("pay < 5", frozenset({"pay"}), mined=True),
    ]
    for share, expected in [("rows", ["- age > 1", "- pay < 5"]), ("schema", ["- age > 1"])]:
        builder = PromptBuilder(Sharing(share, redact=("city",)), TABLE)  # type: ignore[arg-type]  # of SHARES
        assert builder.conditions(conditions, "Keep:").text.splitlines() == ["Keep:", *expected]


def test_cells_that_were_given_are_counted_where_they_are_of_the_table() -> None:
    rows: list[dict[str, Cell]] = [{"age": 3, "city": "Ulm"}, {"age": 4, "city": "Bonn"}]
    builder = PromptBuilder(Sharing("rows", redact=("city",)))
    assert builder.admit_given(rows, "rows") == [{"age": 3}, {"age": 4}]
    assert builder.sent == {"age": 2}
    builder = PromptBuilder(Sharing("schema"), names={"age": "Age"})
    assert builder.admit_given(rows, "rows") == [{}, {}]
    assert builder.admit_given(rows, None) == rows
    assert builder.prompt().sent == {}
    assert count_cells(rows) == {"age": 2, "city": 2}


def test_shares_of_redacted_values_are_not_asked_for() -> None:
    asked: dict[Cell, float] = {"Ulm": 0.25, "Bonn": 0.75}
    said = SCHEMA["city"].model_copy(update={"reason": DECLARED})
    text = PromptBuilder(Sharing("schema")).shares(said, asked, "Shares:").text
    assert '{"Ulm": "25%", "Bonn": "75%"}' in text
    hidden = PromptBuilder(Sharing("rows", redact=("city",)))
    assert hidden.shares(said, asked, "Shares:").text == ""


@pytest.mark.parametrize(
    "mark", ["</data>", "<data>", "< / DATA >", "</ data\n>", "<data x='1'>", "</Data"]
)
def test_no_cell_can_write_the_marks_around_data(mark: str) -> None:
    text = delimited(f"a {mark} b")
    assert text.count("<") == 2  # of the marks themselves
    assert "\\u003c" in text


@pytest.mark.parametrize(
    ("value", "expected"),
    [(dt.date(2026, 1, 31), "2026-01-31"), (dt.timedelta(minutes=2), 120.0), (None, None),
     (dt.datetime(2026, 1, 31, 7, 5), "2026-01-31T07:05:00"), (True, True),
     (dt.time(7, 5), "07:05:00")],
)  # fmt: skip
def test_cells_are_written_as_json_can_hold_them(value: object, expected: object) -> None:
    assert plain(value) == expected


# rows as frames ---------------------------------------------------------------------


def test_rows_get_the_data_types_of_their_kinds() -> None:
    schema = Schema.build(
        {"n": "integer", "x": "continuous", "day": "date", "at": "datetime", "span": "timedelta",
         "ok": {"kind": "categorical", "categories": [True, False]},
         "grade": {"kind": "categorical", "categories": [1, 2]},
         "half": {"kind": "categorical", "categories": [1, 2.5]}, "text": "text"}
    )  # fmt: skip
    row: dict[str, Cell] = {
           "n": 1, "x": 2, "day": "2026-01-31", "at": "2026-01-31T07:05:00+02:00", "span": 1.5,
           "ok": True, "grade": 2, "half": 2.5, "text": None}  # fmt: skip
    frame = rows_to_frame([row, {}], schema)
    assert frame.dtypes == [
        pl.Int64, pl.Float64, pl.Date, pl.Datetime("us"), pl.Duration("us"), pl.Boolean, pl.Int64,
        pl.Float64, pl.String,
    ]  # fmt: skip
    assert frame.row(0)[3:5] == (dt.datetime(2026, 1, 31, 7, 5), dt.timedelta(seconds=1.5))
    assert frame.row(1) == (None,) * 9


def test_names_are_matched_by_what_is_left_of_them_if_that_is_one() -> None:
    columns = ["Home Town", "home_town", "age"]
    assert match_names(["home_town", "AGE ", "hometown"], columns) == {
        "home_town": "home_town", "AGE ": "age",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ({"kind": "categorical", "categories": ["a", "b", "c"]}, "b"),
        ({"kind": "date", "minimum": "2020-02-03"}, "2020-02-03"),
        ({"kind": "date"}, "2020-06-15"),
        ({"kind": "datetime"}, "2020-06-15T12:00:00"),
        ({"kind": "integer", "minimum": 3, "maximum": 8}, 5),
        ({"kind": "continuous", "minimum": 1.0, "decimals": 1}, 1.0),
        ({"kind": "continuous"}, 12.0),
        ({"kind": "boolean"}, True),
        ({"kind": "text"}, "some words"),
    ],
)
def test_a_usual_value_is_of_its_column(column: dict[str, Any], expected: object) -> None:
    assert placeholder(Column.model_validate({"name": "c", **column})) == expected


# what calls took --------------------------------------------------------------------


def test_usage_adds_up_by_role_with_what_failed_calls_took() -> None:
    failed = ModelError("down")
    failed.charge = Charge(2, Usage(30, 0, counted=False), 0.5)
    priced = Reply("x", usage=Usage(10, 5, cached_tokens=4), cost=0.25)
    unpriced = Reply("y", usage=Usage(1, 1), cost=None)
    usage = UsageByRole()
    model = Metered(Scripted([priced, failed, unpriced]), usage)
    prompts = [Prompt.ask("?", role="a"), Prompt.ask("?", role="a"), Prompt.ask("?", role="b")]
    assert [type(result).__name__ for result in model.complete_all(prompts)] == [
        "Reply", "ModelError", "Reply",
    ]  # fmt: skip
    first, second = usage.lines
    assert (first.calls, first.failed, first.attempts) == (1, 1, 3)
    assert (first.prompt_tokens, first.completion_tokens, first.cached_tokens) == (40, 5, 4)
    assert (first.cost, first.counted) == (0.75, False)
    assert (second.cost, second.counted, second.tokens) == (None, True, 2)
    assert (usage.calls, usage.attempts, usage.tokens, usage.cost) == (2, 4, 47, None)
    assert not usage.counted


def test_a_failed_prompt_is_counted_and_raised() -> None:
    usage = UsageByRole()
    with pytest.raises(ModelError, match="down"):
        Metered(Scripted([ModelError("down")]), usage).complete(Prompt.ask("?"))
    assert (usage.lines[0].calls, usage.lines[0].failed, usage.attempts) == (0, 1, 0)


def test_speed_is_learned_of_fresh_tokens_and_of_several_written_ones() -> None:
    speed = Speed()
    assert speed.tokens_in(10) is None
    speed.learn(Reply("x", usage=Usage(100, 1), latency=2.0))
    assert (speed.written, speed.read) == (None, None)  # one token, no first piece
    speed.learn(Reply("x", usage=Usage(100, 21, cached_tokens=60), latency=3.0, first_token=1.0))
    assert (speed.written, speed.read) == (10.5, 40.0)
    speed.learn(Reply("x", usage=Usage(100, 41, cached_tokens=100), latency=3.0, first_token=1.0))
    assert speed.written == pytest.approx(0.7 * 10.5 + 0.3 * 20.5)
    assert speed.read == 40.0
    assert speed.tokens_in(0.001) == 1


# addresses and keys -----------------------------------------------------------------


def test_a_password_of_an_address_is_a_header_and_is_found_in_every_spelling() -> None:
    url = "http://user:pass%20word@h:1/v1?key=abcdefgh1&n=2"
    assert authorization(url, None) == {"Authorization": "Basic dXNlcjpwYXNzIHdvcmQ="}
    assert authorization(url, "sk-1") == {"Authorization": "Bearer sk-1"}
    assert authorization("http://h/v1", None) == {}
    assert without_user(url) == "http://h:1/v1?key=abcdefgh1&n=2"
    secrets = secrets_of(url, "sk-12345678")
    assert {"pass word", "pass%20word", "abcdefgh1", "sk-12345678", "c2stMTIzNDU2Nzg="} <= {
        *secrets
    }
    assert "2" not in secrets  # too short to be one
    assert [len(secret) for secret in secrets] == sorted(map(len, secrets), reverse=True)


@pytest.mark.parametrize(
    ("url", "local"),
    [("http://127.9.9.9/v1", True), ("http://[::1]:8000", True), ("file:model.gguf", True),
     ("http://localhost:1/v1", True), ("http://10.0.0.1", False), ("http://0.0.0.0", False),
     ("http://127.0.0.1.example.com", False), ("http://[::ffff:8.8.8.8]", False), ("", False)],
)  # fmt: skip
def test_loopback_is_this_machine_alone(url: str, local: bool) -> None:
    assert is_loopback(url) is local


@pytest.mark.parametrize(
    "url", ["ftp://h/v1", "http:///v1", "http://h:99999/v1", "http://h:0", "http://a b/v1", "h/v1",
            "http://h\\@evil/v1", "http://h/\x7f", "http://[::1/v1"],
)  # fmt: skip
def test_addresses_that_are_none_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="is no address such as"):
        check_url(url)


def test_settings_keep_no_secret_in_what_is_stored_of_them() -> None:
    client = connect(
        "m", "https://user:secret-word@h.example/v1?key=abcdefgh1", api_key="sk-1234567"
    )
    for text in (repr(client.settings), str(client.settings.as_facts())):
        assert not any(secret in text for secret in ("sk-1234567", "secret-word", "abcdefgh1"))
    bare = client.settings.without_key()
    assert bare.api_key is None
    assert bare.base_url is not None
    assert "secret-word" not in bare.base_url


def test_a_signature_is_of_one_content_and_one_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "one"))
    signature = sign(["generate", "/home"])
    assert is_signed(["generate", "/home"], signature)
    assert not is_signed(["generate", "/tmp"], signature)
    assert not is_signed(["generate", "/home"], None)
    key = tmp_path / "one" / "tablewright" / "identity"
    assert key.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "two"))
    assert not is_signed(["generate", "/home"], signature)
    key.write_bytes(b"short")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "one"))
    assert sign(["generate"]) is None


@pytest.mark.parametrize("query", ["threads=0", "slots=two", "speed=3", "context=", "threads=-1"])
def test_options_of_a_model_file_are_positive_numbers(query: str) -> None:
    with pytest.raises(InputError, match="each a positive number"):
        GGUFOptions.parse(f"m.gguf?{query}")


def test_context_is_as_long_as_the_model_was_trained_for_each_slot() -> None:
    def file(length: int) -> GGUFFile:
        return GGUFFile(Path("m"), 1, "llama", length, True, 0)

    assert GGUFOptions.parse("m?slots=3").tokens(file(2048)) == 6144
    assert GGUFOptions.parse("m").tokens(file(100_000)) == 16_384
    assert GGUFOptions.parse("m").tokens(file(0)) == 16_384
    assert GGUFOptions.parse("m?context=512").tokens(file(2048)) == 512
