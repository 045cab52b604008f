"""Spoilt replies: what can be read is read, and no row is invented.

Replies of eight rows in CSV and JSON, each with none to five of the mutations of
`tests.testing.mutations`, whose effect on every row is known. A fifth of the replies
then lose, gain or change single characters at random: there only "no exception" can be demanded.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict

import numpy as np
from tests.testing.mutations import Spoilt, read, spoil

from benchmarks.llm.report import write_table
from benchmarks.llm.tables import narrow, wide
from tablewright.llm.prompts.sharing import Sharing

ROWS = 8


def noise(text: str, rng: np.random.Generator) -> str:
    """Change about one character in fifty."""
    characters = list(text)
    for index in rng.integers(0, max(1, len(characters)), size=len(characters) // 50 + 1):
        characters[index] = str(rng.choice(["", "\x1b", "{", '"', ",", "\n", "9", "é", "\x00"]))
    return "".join(characters)


def judge(reply: Spoilt, counts: Counter[str], by_mutation: dict[str, Counter[str]]) -> None:
    cells = read(reply.text, reply.schema, reply.form)
    invented = sum(cells[n] != dict(reply.rows.get(n, {})) for n in cells)
    good = sum(cells.get(n) == dict(row) for n, row in reply.salvageable.items())
    counts["rows invented or changed"] += invented
    counts["salvageable"] += len(reply.salvageable)
    counts["salvaged"] += good
    for name in reply.done or ["none"]:
        by_mutation[name].update(salvageable=len(reply.salvageable), salvaged=good)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=int, default=10_000)
    options = parser.parse_args()
    rng, counts = np.random.default_rng(0), Counter[str]()
    by_mutation: dict[str, Counter[str]] = defaultdict(Counter)
    sources = [(Sharing("rows").cells(frame.select(schema.names)), schema) for frame, schema in
               (narrow(2_000, 0), wide(2_000, 1))]  # fmt: skip
    for number in range(options.replies):
        rows, schema = sources[number % 2]
        first = int(rng.integers(0, len(rows) - ROWS))
        form = ("csv", "json")[number // 2 % 2]
        try:
            reply = spoil(rows[first : first + ROWS], schema, form, rng, int(rng.integers(0, 6)))
            if number % 5 == 4:
                text = noise(reply.text, rng)
                read(text, schema, form)
                counts["noisy replies"] += 1
            else:
                judge(reply, counts, by_mutation)
                counts["replies"] += 1
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
            counts["exceptions"] += 1
    total = counts["salvaged"] / counts["salvageable"]
    rows_out: list[dict[str, object]] = [{"what": "exceptions", "number": counts["exceptions"]},
                {"what": "replies", "number": counts["replies"]},
                {"what": "rows invented or changed", "number": counts["rows invented or changed"]},
                {"what": "rows that can be read", "number": counts["salvageable"]},
                {"what": "of these read", "number": f"{counts['salvaged']} ({total:.2%})"},
                {"what": "noisy replies", "number": counts["noisy replies"]},]  # fmt: skip
    rows_out += [
        {"what": f"read with: {name}", "number": f"{c['salvaged'] / max(1, c['salvageable']):.2%}"}
        for name, c in sorted(by_mutation.items())
    ]
    write_table("mutated_replies", "Spoilt replies", rows_out, __doc__.split("\n\n", 1)[1])


if __name__ == "__main__":
    main()
