"""Show the tables of `benchmarks` on the site, below `measurements/`, and lead links there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?:\.\./)+benchmarks/([^)#]+)(#[^)]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add every page of `benchmarks` to the pages of the site."""
    for page in sorted((ROOT / "benchmarks").rglob("*.md")):
        name = "measurements/" + page.relative_to(ROOT / "benchmarks").as_posix()
        files.append(File.generated(config, name, abs_src_path=str(page)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links into `benchmarks` to their pages on the site, else to its first page."""
    up = "../" * page.file.src_uri.count("/")

    def link(match: re.Match[str]) -> str:
        if not (ROOT / "benchmarks" / match[1]).is_file() or not match[1].endswith(".md"):
            return "](" + up + "measurements/README.md)"
        return f"]({up}measurements/{match[1]}{match[2] or ''})"

    return LINK.sub(link, markdown)
