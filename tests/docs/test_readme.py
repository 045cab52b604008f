"""The first screen of the README can be read in one go."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_sentences_of_the_first_screen_have_25_words_at_most() -> None:
    first = README.read_text(encoding="utf-8").split("\n## ")[0]
    prose = re.sub(r"```.*?```|!\[.*?\)|^#[^\n]*", "", first, flags=re.DOTALL | re.MULTILINE)
    sentences = re.split(r"(?<=[.:!?])\s+", " ".join(prose.split()))
    assert len(sentences) > 5
    long = [sentence for sentence in sentences if len(sentence.split()) > 25]
    assert not long
