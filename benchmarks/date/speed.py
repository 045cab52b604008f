"""The rule search against the straightforward loop: the same parts, and seconds of each.

    python -m benchmarks.date.speed --data DIR [--tables NAME ...]

The straightforward loop is the published pseudocode with our bounds: each rule is asked of each
row, each model predicts a rule's rows whenever they are met, every forest is fitted to its end,
and rows that are taken leave by their values.
"""

from __future__ import annotations

import heapq
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.date.partitions import RHO
from benchmarks.measure import cpu, markdown, options
from benchmarks.trim.report import write
from tablewright.schema import Schema
from tablewright.systems.date.partition import (
    LEVEL,
    MAX_PREDICATES,
    MAX_RULES,
    REST,
    Rule,
    _breadth_first,
    _judges,
    _Task,
    partition,
)
from tablewright.systems.date.questions import Predicate
from tablewright.tables.table import load_table

MIN_ROWS = 30


class Straightforward:
    """The loop of the pseudocode, without a mask, a memory or an early end."""

    def __init__(self, frame: pl.DataFrame, schema: Schema, max_error: float, seed: int = 0):
        self.task, self.max_error, self.seed = _Task.of(frame, schema), max_error, seed
        self.judges, self.n_failed = _judges(len(self.task.y), seed), 0
        matrix = self.task.questions.matrix.tolist()
        self.values = [(*row, y) for row, y in zip(matrix, self.task.y.tolist(), strict=True)]
        self.left = list(range(len(self.values)))
        self.parts: list[tuple[Any, list[Rule]]] = []
        self.queue: list[tuple[float, int, Rule]] = [(0.0, 0, frozenset())]
        self.done: list[Rule] = []

    def run(self) -> list[list[Rule]]:
        visits = pushed = 0
        while self.queue and visits < MAX_RULES and len(self.left) > REST * len(self.values):
            _, _, rule = heapq.heappop(self.queue)
            self.done.append(rule)
            rows = np.array([row for row in self.left if self.meets(row, rule)], dtype=np.intp)
            judging = rows[self.judges[rows]]
            rows = rows[~self.judges[rows]]
            if (
                len(rows) + len(judging) < MIN_ROWS
                or len(rows) < 4
                or self.task.least_error(len(judging), self.level) > self.max_error
            ):
                continue
            visits += 1
            if self.shared(rows, judging, rule) or self.own(rows, judging, rule):
                continue
            index = self.sharing_index(rows)
            tree = self.task.proposal(rows, rule, self.seed).tree_
            for node in _breadth_first(tree)[: MAX_PREDICATES // 2]:
                question = int(tree.feature[node])
                threshold = self.task.questions.split(question, float(tree.threshold[node]))
                for above in (True, False):
                    longer = rule | {Predicate(question, threshold, above)}
                    pushed += self.push(longer, index, pushed)
        return [rules for _, rules in self.parts]

    def push(self, rule: Rule, index: float, pushed: int) -> bool:
        """Queue a rule, or give it another index where it is queued already."""
        if rule in self.done:
            return False
        for k, (priority, _, other) in enumerate(self.queue):
            if other == rule:
                if priority == -index:
                    return False
                del self.queue[k]
                heapq.heapify(self.queue)
                break
        heapq.heappush(self.queue, (-index, pushed + 1, rule))
        return True

    def meets(self, row: int, rule: Rule) -> bool:
        cells = self.values[row]
        return all((cells[one.question] > one.threshold) == one.above for one in rule)

    def losses(self, model: Any, rows: Any) -> Any:
        return self.task.wrong(model.predict(self.task.questions.matrix[rows]), rows)

    @property
    def level(self) -> float:
        return LEVEL / ((self.n_failed + 1) * (self.n_failed + 2))

    def passes(self, model: Any, losses: Any, judging: Any) -> bool:
        """Ask the judging rows where others say that they would pass."""
        if self.task.error(losses, self.level, len(judging))[1] > self.max_error:
            return False
        kept = self.task.error(self.losses(model, judging), self.level)[1] <= self.max_error
        self.n_failed += not kept
        return kept

    def shared(self, rows: Any, judging: Any, rule: Rule) -> bool:
        known = [(self.losses(model, rows), model, rules) for model, rules in self.parts]
        if not known:
            return False
        losses, model, rules = min(known, key=lambda one: float(one[0].mean()))
        if self.passes(model, losses, judging):
            rules.append(rule)
            self.take(np.concatenate([rows, judging]))
            return True
        return False

    def own(self, rows: Any, judging: Any, rule: Rule) -> bool:
        trial = self.task.trial(rows, rule, self.seed)
        assert trial is not None
        if not self.passes(trial.model, trial.losses, judging):
            return False
        self.parts.append((trial.model, [rule]))
        self.take(np.concatenate([rows, judging]))
        return True

    def take(self, rows: Any) -> None:
        taken = [self.values[row] for row in rows.tolist()]
        self.left = [row for row in self.left if self.values[row] not in taken]

    def sharing_index(self, rows: Any) -> float:
        shares = [0.0]
        for model, _ in self.parts:
            if self.task.classes:
                shares.append(float((self.losses(model, rows) == 0).mean()))
            else:
                predicted = model.predict(self.task.questions.matrix[rows])
                residuals = (self.task.y[rows] - predicted) / self.task.spread
                offset = (residuals.min() + residuals.max()) / 2
                shares.append(float((np.abs(residuals - offset) <= self.max_error).mean()))
        return max(shares)


def run(folder: Path) -> dict[str, Any]:
    whole = pl.read_parquet(folder / "real.parquet")
    order = np.random.default_rng(42).permutation(whole.height)
    first = whole[order[: whole.height * 4 // 5].tolist()]
    table = load_table(first, target=whole.columns[-1])
    bound = RHO[folder.name]
    parts, ours = cpu(lambda: partition(table.frame, table.schema, max_error=bound))
    loop = Straightforward(table.frame, table.schema, bound)
    rules, theirs = cpu(loop.run)
    text = loop.task.questions.text
    same = [tuple(text(rule) for rule in own) for own in rules]
    line = {
        "table": folder.name, "rows": table.frame.height, "bound": bound,
        "parts": len(parts) - 1, "rules": sum(len(part.rules) for part in parts),
        "the same parts": "yes" if same == [p.rules for p in parts if p.rules] else "no",
        "ours, CPU s": round(ours, 1), "loop, CPU s": round(theirs, 1),
        "times faster": round(theirs / ours, 1),
    }  # fmt: skip
    print(line, flush=True)
    return line


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--tables", nargs="*", default=sorted(RHO))
    chosen = parser.parse_args()
    write(Path("benchmarks/date/speed.md"), "Speed of the rule search", [
        "80 % of each table, one thread, seed 0, up to 300 rules that can be accepted. The loop is "
        "the published pseudocode with our bounds, so that both ask the same rules in the same "
        "order; it fits the same forests.",
        markdown([run(chosen.data / name) for name in chosen.tables])])  # fmt: skip


if __name__ == "__main__":
    main()
