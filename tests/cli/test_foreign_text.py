"""Names and cells of strangers reach the terminal as text, whatever command shows them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tablewright.cli.progress import say, show, show_table
from tests.cli.running import Runner, put

NAME = "pay\x1b[31m [red]"
CELL = "[bold]x\x1b]0;title\x07[/nothing]"


def table(n: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    kind = rng.choice([CELL, "plain"], n)
    number = rng.integers(20, 60, n)
    return pl.DataFrame({NAME: number, "kind": kind, "y": np.where(number > 40, "yes", CELL)})


RULES = {
    "rules": [{"name": NAME, "expression": f'"{NAME}" < 30'}, {"expression": f"kind = '{CELL}'"}]
}
TRAIN, ROWS = "{folder}/train.csv", ("--out", "{folder}/out.csv", "--seed", "1")

COMMANDS = {
    "profile": ("profile", TRAIN, "--target", "y"),
    "generate": ("generate", TRAIN, "-n", "20", "--target", "y", "--method", "independent", *ROWS),
    "generate a system": (
        "generate", TRAIN, "-n", "20", "--target", "y", "--method", "team-then-trim", *ROWS,
        "--rejected", "{folder}/rejected.csv",
    ),
    "generate by rules": (
        "generate", TRAIN, "-n", "20", "--rules", "{folder}/rules.json", "--method", "htdbu", *ROWS,
    ),
    "impute": ("impute", TRAIN, "--method", "independent", *ROWS),
    "trim": ("trim", TRAIN, "--train", TRAIN, "--target", "y", *ROWS),
    "partition": ("partition", TRAIN, "--target", "y", "--by", "tree"),
    "pairs": ("pairs", TRAIN, "--target", "y", "--out", "{folder}/pairs.jsonl", "--seed", "1"),
    "label": ("label", TRAIN, "--train", TRAIN, "--target", "y", *ROWS),
    "rules mine": ("rules", "mine", TRAIN, "--out", "{folder}/mined.yaml"),
    "rules check": ("rules", "check", TRAIN, "--rules", "{folder}/rules.json"),
    "a wrong target": ("generate", TRAIN, "-n", "5", "--target", f"{NAME}!", *ROWS),
    "a wrong condition": ("generate", TRAIN, "-n", "5", "--where", f"nix{CELL} = 1", *ROWS),
    "a file that is not there": ("profile", "{folder}/" + CELL.replace("/", "")),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_no_command_passes_control_sequences_on(
    run: Runner, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    put(tmp_path, table())
    (tmp_path / "rules.json").write_text(json.dumps(RULES))
    done = run(*(text.replace("{folder}", str(tmp_path)) for text in arguments))
    assert done.code in (0, 1, 2), done.err
    for text in (done.out, done.err):
        assert "\x1b" not in text
        assert "\x07" not in text
    assert done.out + done.err


def test_markup_is_shown_as_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    show_table("[b]title[/b]", ("[i]head",), [("[/nothing]",), ("[red]a\x1b[2Jb",)])
    shown = capsys.readouterr().out
    for text in ("[b]title[/b]", "[i]head", "[/nothing]", "[red]a\\x1b[2Jb"):
        assert text in shown


@pytest.mark.parametrize(("write", "stream"), [(say, "err"), (show, "out")])
def test_lines_keep_their_breaks_and_nothing_else(
    capsys: pytest.CaptureFixture[str], write: object, stream: str
) -> None:
    write("two\nlines\tand\x1b[1m \u202eback\r")  # type: ignore[operator]  # one of the two functions
    streams = capsys.readouterr()
    assert getattr(streams, stream) == "two\nlines\tand\\x1b[1m \\u202eback\\r\n"
    assert getattr(streams, "err" if stream == "out" else "out") == ""


def test_a_quiet_command_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    say("loud", quiet=True)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("command", ["label", "select", "generate"])
def test_every_command_that_writes_rows_can_write_them_for_spreadsheets(
    run: Runner, tmp_path: Path, command: str
) -> None:
    frame = table().with_columns(
        kind=pl.Series(["=1+1", "plain"] * 30), y=pl.Series(["a", "b"] * 30)
    )
    train, out = put(tmp_path, frame.rename({NAME: "pay"})), tmp_path / "out.csv"
    arguments = {
        "label": ("label", train, "--train", train),
        "select": ("select", train, "--train", train, "--strategy", "none", "-n", 40),
        "generate": ("generate", train, "-n", 40, "--method", "independent"),
    }[command]
    more = ("--target", "y", "--out", out, "--seed", 1)
    plain = run(*arguments, *more)
    assert plain.code == 0, plain.err
    formulas = pl.read_csv(out)["kind"].str.starts_with("=").sum()
    safe = run(*arguments, *more, "--spreadsheet-safe")
    assert f"{formulas} cells of 'kind' are formulas to a spreadsheet" in plain.err
    assert "an apostrophe stands before them" in safe.err
    assert pl.read_csv(out)["kind"].str.starts_with("'=").sum() == formulas
