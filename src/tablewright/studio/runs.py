"""Runs of `tablewright generate` as processes of their own: the page may end, they go on."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from tablewright.tables.io.files import read_frame

State = Literal["running", "done", "failed"]

TAIL = 4000
"""Characters of a log that are shown."""

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Commands that this process started, by number: it has to ask them how they ended."""


@dataclass(frozen=True)
class Run:
    """One run, told by the files of its folder alone."""

    folder: Path

    @classmethod
    def start(cls, parent: Path, shown: list[str], real: list[str], files: dict[str, str]) -> Run:
        """Start a command in a new folder, with the files that it reads.

        Parameters
        ----------
        parent : path
            Folder of all runs.
        shown : list of str
            The command as a person would type it.
        real : list of str
            The same command with this Python.
        files : dict of str to str
            Names and contents.
        """
        parent.mkdir(parents=True, exist_ok=True)
        numbers = [int(name.name.removeprefix("run-")) for name in parent.glob("run-[0-9]*")]
        folder = parent / f"run-{max(numbers, default=0) + 1:03}"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "command.txt").write_text(shlex.join(shown) + "\n", encoding="utf-8")
        with (folder / "log.txt").open("wb") as log:
            # a session of its own: it outlives this page, and Ctrl-C on the page is not for it
            process = subprocess.Popen(
                real,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _children[process.pid] = process
        (folder / "pid").write_text(str(process.pid))
        return cls(folder)

    @classmethod
    def all(cls, parent: Path) -> list[Run]:
        """Return the runs of a folder."""
        return [cls(folder) for folder in parent.glob("run-[0-9]*") if folder.is_dir()]

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def command(self) -> str:
        """The command as a person would type it."""
        return self._text("command.txt").strip()

    @property
    def log(self) -> str:
        """End of what the command printed; of a line of progress its last state."""
        lines = self._text("log.txt")[-TAIL:].split("\n")
        return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)

    @property
    def state(self) -> State:
        """Done where rows stand in their file, the last that is written; else whether it lives."""
        if self.rows_file.exists():
            return "done"
        return "running" if self._alive() else "failed"

    @property
    def rows_file(self) -> Path:
        """File of the rows; it appears under this name when it is whole."""
        return self.folder / "rows.csv"

    @property
    def report_file(self) -> Path | None:
        """The report, if one was asked for and is there."""
        path = self.folder / "report.html"
        return path if path.exists() else None

    def rows(self, n_rows: int = 8) -> tuple[pl.DataFrame, int]:
        """Return the first rows that were written, and the number of all."""
        frame = read_frame(self.rows_file)
        return frame.head(n_rows), frame.height

    def stop(self) -> None:
        """End the command; rows stand under their name only when they are whole."""
        if self._alive():
            # not an interrupt, which a page started in the background would have it ignore
            os.kill(self._pid(), signal.SIGTERM)

    def _pid(self) -> int:
        text = self._text("pid")
        return int(text) if text.isdigit() else 0

    def _alive(self) -> bool:
        pid = self._pid()
        if pid in _children:
            return _children[pid].poll() is None
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return pid > 0

    def _text(self, name: str) -> str:
        path = self.folder / name
        # bytes, since a line of progress goes back to its start by a bare carriage return
        return path.read_bytes().decode(errors="replace") if path.exists() else ""
