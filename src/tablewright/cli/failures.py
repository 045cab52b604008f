"""From what went wrong to one sentence and an exit code: the only place where that is done."""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

import click

from tablewright.cli.progress import say
from tablewright.errors import TablewrightError

BAD_INPUT = 2
FAULT = 70
"""A fault of the program, as sysexits.h has it: nothing that the user did."""
INTERRUPTED = 130
BROKEN_PIPE = 141

DEBUG = "TABLEWRIGHT_DEBUG"
"""Set to 1, this variable shows the traceback of a failure."""


def run_guarded(run: Callable[[], Any]) -> int:
    """Run a command; say what went wrong in one sentence on standard error.

    Returns
    -------
    int
        The exit code.
    """
    _stop_cleanly_when_terminated()
    warnings.showwarning = _show_warning
    try:
        code = run()
        sys.stdout.flush()
    except (SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        return _report(error)
    return code if isinstance(code, int) else 0


def _stop_cleanly_when_terminated() -> None:
    """Let a request to terminate unwind like any error, so that temporary files go."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    try:
        signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: whoever runs us there handles signals
        return


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"note: {message}")


def _report(error: BaseException) -> int:
    if os.environ.get(DEBUG) == "1":
        import traceback

        traceback.print_exception(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return BAD_INPUT
    sentence, code = _sentence(error)
    if sentence:
        say(f"tablewright: {sentence}")
    return code


def _sentence(error: BaseException) -> tuple[str, int]:
    """Give the sentence for an error, and the exit code."""
    if isinstance(error, TablewrightError):
        return str(error), error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; nothing was left half-written", INTERRUPTED
    if isinstance(error, click.Abort):
        return _aborted(error)
    if isinstance(error, click.ClickException):
        return _option(error), BAD_INPUT
    if isinstance(error, OSError):
        return _system(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory; take fewer rows or columns", BAD_INPUT
    return _fault(error), FAULT


def _aborted(error: click.Abort) -> tuple[str, int]:
    if isinstance(error.__cause__, KeyboardInterrupt):
        return _sentence(error.__cause__)
    return "stopped: the question was not answered with yes", BAD_INPUT


def _option(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    if context is None:
        return error.format_message()
    message = error.format_message()
    if not message.endswith("..."):
        message = message.rstrip(".")
    return f"{message}; see '{context.command_path} --help'"


def _system(error: OSError) -> tuple[str, int]:
    if error.errno == errno.EPIPE:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for the flush on leaving
        return "", BROKEN_PIPE
    index = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{index}the disk is full; make room or choose another folder", BAD_INPUT
    return f"{index}{error.strerror or error}", BAD_INPUT


def _fault(error: BaseException) -> str:
    lines = str(error).splitlines() or [""]
    return (
        f"a fault in tablewright, not in your input ({type(error).__name__}: {lines[0]}); "
        f"please report it with what {DEBUG}=1 prints"
    )
