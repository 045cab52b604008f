"""docs/cli.md says what the program says."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_command_line_page_is_current() -> None:
    reference = runpy.run_path(str(DOCS / "cli_reference.py"))["reference"]
    shown = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert shown == reference(), "docs/cli.md is not current: run 'make docs'"
