"""Write a result table as Markdown, with the command and the machine it was made on."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def write_table(
    name: str, title: str, rows: Sequence[Mapping[str, object]], note: str = ""
) -> None:
    """Write ``benchmarks/llm/<name>.md`` and print it."""
    heads = list(rows[0])
    lines = [
        f"# {title}",
        "",
        f"`python -m benchmarks.llm.{name} {' '.join(sys.argv[1:])}".rstrip() + "`, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[1]:.1f} (mean of five minutes, at the end).",
        "",
        "| " + " | ".join(heads) + " |",
        "|" + "---|" * len(heads),
        *("| " + " | ".join(str(row[head]) for head in heads) + " |" for row in rows),
    ]
    text = "\n".join([*lines, "", note.strip(), ""] if note else [*lines, ""])
    (Path(__file__).parent / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)
