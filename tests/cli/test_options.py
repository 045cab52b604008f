"""What options mean, on every command alike, and what a command writes of itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import polars as pl
import pytest
from click.testing import CliRunner

from tablewright.cli import options
from tablewright.cli.model_options import ModelOptions
from tablewright.cli.output import check_rows_output, for_spreadsheets, origin, report_reading
from tablewright.cli.request import Request
from tablewright.errors import InputError
from tablewright.schema import Column, Kind, Schema
from tablewright.tables.io.files import ENCODING


def given(option: Callable[[Any], Any], *arguments: str) -> Any:
    """The values that a command gets of an option."""
    seen: dict[str, Any] = {}

    @click.command()
    @option
    def command(**values: Any) -> None:
        seen.update(values, encoding=ENCODING.get())

    result = CliRunner().invoke(command, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return seen or result.output


def test_a_seed_is_taken_or_drawn_anew() -> None:
    assert given(options.seed, "--seed", "7")["seed"] == 7
    drawn = [given(options.seed)["seed"] for _ in range(3)]
    assert len(set(drawn)) == 3
    assert all(0 <= seed < 2**32 for seed in drawn)
    assert given(options.fixed_seed)["seed"] == 0


@pytest.mark.parametrize(
    ("auto", "text", "expected"),
    [(True, "auto", "auto"), (True, "12", 12), (False, "1", 1)],
)
def test_rows_are_a_number_or_auto_where_that_is_allowed(
    auto: bool, text: str, expected: int | str
) -> None:
    assert given(options.rows(auto), "-n", text)["n_rows"] == expected


@pytest.mark.parametrize(
    ("auto", "text"), [(True, "0"), (False, "auto"), (True, "-3"), (True, "1.5")]
)
def test_other_numbers_of_rows_are_refused(auto: bool, text: str) -> None:
    either = ", or 'auto'" if auto else ""
    assert f"the number of rows is 1 or more{either}, not '{text}'" in given(
        options.rows(auto), "-n", text
    )


def test_an_encoding_holds_for_one_command_and_is_one() -> None:
    assert given(options.encoding, "--encoding", "cp1252")["encoding"] == "cp1252"
    assert ENCODING.get() is None
    assert "there is no text encoding 'cp9'" in given(options.encoding, "--encoding", "cp9")


def test_the_table_is_read_alike_by_the_command_that_is_printed() -> None:
    assert options.of_table(None) == []
    token = ENCODING.set("latin-1")
    try:
        assert options.of_table(Path("my schema.yaml")) == [
            "--schema", "my schema.yaml", "--encoding", "latin-1",
        ]  # fmt: skip
    finally:
        ENCODING.reset(token)


def test_a_file_to_write_has_a_folder_before_any_work(tmp_path: Path) -> None:
    option = options.written("--json", "json_file", help="A file.")
    assert given(option)["json_file"] is None
    assert given(option, "--json", str(tmp_path / "a.json"))["json_file"] == tmp_path / "a.json"
    with pytest.raises(InputError, match="does not exist"):
        given(option, "--json", str(tmp_path / "none" / "a.json"))
    assert given(options.file("--rules", help="Rules."), "--rules", "none/a")["rules"] == Path(
        "none/a"
    )


# requests, origins and notes ----------------------------------------------------------


def test_auto_goes_with_filling_alone_and_stands_for_no_number() -> None:
    assert Request.of("auto", None, "fill", None).n_rows is None
    request = Request.of("5", "age > 3", None, Path("folder/rules.yaml"))
    assert request.options() == {
        "n_rows": 5, "where": "age > 3", "balance": None, "rules": "rules.yaml",
    }  # fmt: skip
    with pytest.raises(InputError, match="-n auto goes with --balance fill, or with rows by class"):
        Request.of("auto", None, "equal", None)


def test_an_origin_holds_what_was_given_and_nothing_empty() -> None:
    made = origin(
        "trim", 60, 7, {"c": 0.0, "rules": None, "settings": {}, "kept": 0}, Path("a/b.csv")
    )
    assert (made.method, made.n_real_rows, made.seed, made.source) == ("trim", 60, 7, "b.csv")
    assert made.options == {"c": 0.0, "kept": 0}
    assert made.command is None
    assert origin("trim", 60, 7, {}).source is None


def test_rows_go_to_no_file_that_is_read(tmp_path: Path) -> None:
    train = tmp_path / "train.csv"
    train.write_text("a\n1\n")
    (tmp_path / "link.csv").symlink_to(train)
    check_rows_output(tmp_path / "out.csv", train, None)
    for out in (train, tmp_path / "link.csv"):
        with pytest.raises(InputError, match="is the file to read; give --out another name"):
            check_rows_output(out, None, train)


def test_numbers_in_local_dress_and_notes_of_columns_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    columns = [Column(name=f"c{k}", kind=Kind.CONTINUOUS, format="0,00") for k in range(8)]
    plain = Column(name="plain", kind=Kind.INTEGER, format="0")
    odd = Column(name="odd", kind=Kind.TEXT, note="is copied")
    report_reading(Schema(columns=[*columns, plain, odd]), quiet=False)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "numbers read: " + ", ".join(f"c{k} as 0,00" for k in range(6)) + " and 2 more",
        "note: column 'odd' is copied",
    ]
    report_reading(Schema(columns=[plain]), quiet=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("name", "told"), [("rows.csv", True), ("rows.parquet", False)])
def test_formulas_are_a_matter_of_text_files(
    capsys: pytest.CaptureFixture[str], name: str, told: bool
) -> None:
    frame = pl.DataFrame({"a": ["=1", "b"], "=n": [1, 2]})
    safe = for_spreadsheets(frame, Path(name), True, quiet=False)
    assert safe["a"].to_list() == (["'=1", "b"] if told else ["=1", "b"])
    assert ("1 cells of 'a' are formulas" in capsys.readouterr().err) is told


# models --------------------------------------------------------------------------------


def test_without_a_model_nothing_is_estimated(capsys: pytest.CaptureFixture[str]) -> None:
    def work(models: ModelOptions) -> None:
        raise AssertionError("not to be asked for")

    assert ModelOptions(dry_run=True).only_estimates(work) is False
    assert ModelOptions({"": "m"}, replay=True).only_estimates(work) is False
    assert capsys.readouterr() == ("", "")


def test_a_dry_run_shows_its_estimate_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    clients: list[ModelOptions] = []
    options_of_it = ModelOptions({"": "m"}, "http://localhost:1/v1", dry_run=True, run=Path("r"))
    assert options_of_it.only_estimates(clients.append) is True
    [dry] = clients
    assert (dry.dry_run, dry.run, dry.models) == (True, None, {"": "m"})
    assert capsys.readouterr().out == "\n", "no client was asked for anything"
