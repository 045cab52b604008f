"""docs/cli.md says what the program says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
SAY = "import runpy, sys; sys.stdout.write(runpy.run_path(sys.argv[1])['reference']())"


def test_command_line_page_is_current() -> None:
    # a process of its own, since click remembers how a command was called first
    script = str(PAGE.with_name("cli_reference.py"))
    declared = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", SAY, script], capture_output=True, check=True
    )
    shown = PAGE.read_text(encoding="utf-8")
    assert shown == declared.stdout.decode(), "docs/cli.md is not current: run 'make docs'"
