"""What holds for every command: help is quick, failures are one sentence, exit codes are kept."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from tablewright.cli import COMMANDS, app
from tablewright.cli.failures import run_guarded
from tablewright.errors import BudgetError, CheckFailedError, InputError
from tests.cli.running import Runner, put

HEAVY = ("numpy", "polars", "sklearn", "scipy", "pydantic", "sqlglot", "httpx2", "rich")


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from tablewright.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr


def test_every_command_is_there_and_says_what_it_does() -> None:
    context = click.Context(app)
    for name in COMMANDS:
        command = app.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.get_short_help_str()


def test_the_bare_command_shows_the_help(run: Runner) -> None:
    outcome = run()
    assert outcome.code == 2
    assert outcome.err.startswith("Usage: tablewright")
    assert "see 'tablewright --help'" not in outcome.err


def test_version(run: Runner) -> None:
    from tablewright import __version__

    assert run("--version").out == f"tablewright {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gnerate",), "no command 'gnerate'; did you mean 'generate'?"),
        (("xyzzy",), "no command 'xyzzy'; there are 'generate', 'fit'"),
        (("generate", "t.csv", "-n", "3"), "Missing option '--out'; see 'tablewright generate"),
        (("generate", "t.csv", "--out", "r.csv"), "give a number of rows, as in -n 1000"),
        (("generate", "t.csv", "--colour", "3"), "No such option '--colour'"),
        (("generate", "t.csv", "--set", "leaf", "-n", "3"), "a setting is name=value, not 'leaf'"),
        (("generate", "t.csv", "--balance", "odd"), "'equal', 'fill', or rows by class"),
    ],
)
def test_wrong_options_are_one_sentence(run: Runner, arguments: tuple[str, ...], said: str) -> None:
    outcome = run(*arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("column 'a' is empty; fill it"), 2, "tablewright: column 'a' is empty"),
        (CheckFailedError("the rows harm"), 1, "the rows harm"),
        (BudgetError("the cap of 2 USD is reached"), 3, "the cap"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(errno.ENOSPC, "No space left", "rows.csv"), 2, "rows.csv: the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "rows.csv"), 2, "rows.csv: Perm"),
        (MemoryError(), 2, "not enough memory"),
        (RuntimeError("odd\nstate"), 70, "a fault in tablewright, not in your input (RuntimeEr"),
    ],
)
def test_failures_become_sentences_and_codes(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    def fail() -> None:
        raise error

    assert run_guarded(fail) == code
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) <= 1
    assert "Traceback" not in err


def test_traceback_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("odd")

    monkeypatch.setenv("TABLEWRIGHT_DEBUG", "1")
    assert run_guarded(fail) == 70
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_who_leaves_early_sees_no_message() -> None:
    command = f"{sys.executable} -m tablewright.cli generate --help | head -0"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True
    )
    assert done.stderr == ""


def test_terminal_escapes_in_names_are_not_shown(run: Runner, tmp_path: Path) -> None:
    outcome = run("profile", tmp_path / "\x1b[31mred.csv")
    assert outcome.code == 2
    assert "\x1b" not in outcome.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_nothing(tmp_path: Path, number: signal.Signals, code: int) -> None:
    train, out = put(tmp_path), tmp_path / "rows.csv"
    out.write_text("what stood there\n")
    command = [sys.executable, "-m", "tablewright.cli", "generate", str(train)]
    command += ["-n", "50000000", "--out", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ)
    _wait_for_part(process, tmp_path)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.csv", "train.csv"]
    assert out.read_text() == "what stood there\n"


def _wait_for_part(process: subprocess.Popen[str], folder: Path) -> None:
    """Wait until some rows are in the temporary file."""
    while process.poll() is None:
        if any(path.stat().st_size for path in folder.glob(".rows.csv.*")):
            return
        time.sleep(0.02)
    raise AssertionError(process.communicate()[1])


def test_a_command_that_is_begun_is_completed_and_a_cut_list_ends_well(run: Runner) -> None:
    assert "no command 'gen'; did you mean 'generate'?; see" in run("gen").err
    assert "...; see 'tablewright --help'" in run("nothing-of-this-kind").err
