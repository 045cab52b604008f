"""Do the tests notice faults? A seeded sample of mutants of the modules that decide.

    python -m pip install -e '.[dev,mutation]'
    python -m benchmarks.mutation.mutants --per-area 24 --out benchmarks/mutation/mutants.md

A mutant is one changed operator, comparison, constant or condition, made by cosmic-ray's operators
in a copy of the sources. It is killed if a test of its area fails: one of those that run the
changed line, or any of them where no test is known to run it (a constant of a module, a child
process). Changes that Python cannot see (annotations, docstrings) are no mutants. Survivors are
listed, so that a person can look at them.
"""

from __future__ import annotations

import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import click
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from coverage import CoverageData

Result = TypeVar("Result")

ROOT = Path(__file__).parents[2]
PACKAGE = Path("src/tablewright")

AREAS: dict[str, tuple[list[str], list[str]]] = {
    "metrics": (["metrics"], ["tests/metrics"]),
    "checks": (["selection"], ["tests/selection"]),
    "rules": (["rules/*.py", "rules/mining", "rules/enforcement"], ["tests/rules"]),
    "expressions": (["rules/expressions"], ["tests/rules/expressions"]),
    "quotas": (["synthesizer/quotas.py"], ["tests/synthesizer"]),
    "budget": (
        ["llm/endpoint/budget.py", "llm/endpoint/ledger.py"],
        ["tests/llm/test_budget.py", "tests/llm/test_ledger.py", "tests/llm/test_recorded.py"],
    ),
    "sharing": (
        ["llm/prompts"],
        [
            "tests/llm/test_prompt_parts.py",
            "tests/llm/test_memorized.py",
            "tests/systems/test_sharing.py",
        ],
    ),
}
"""For each area its modules, and the tests that have to notice a fault in them."""

LEFT_OUT = ("VariableReplacer", "VariableInserter", "RemoveDecorator")
"""Operators whose mutants are no faults that a person makes."""

TIMEOUT_S = 300
"""A mutant whose tests take longer is killed: it loops."""


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    area: str
    module: Path
    operator: str
    line: int
    code: str


GUARDS = {"strict", "frozen", "slots"}
"""Arguments of `zip` and `dataclass` that stop slips of ours: no row depends on them."""


class _Bare(ast.NodeTransformer):
    """Take away what decides nothing: annotations, docstrings and `GUARDS`."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.keywords = [word for word in node.keywords if word.arg not in GUARDS]
        self.generic_visit(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(0)
        self.generic_visit(node)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return ast.Pass() if isinstance(node.value, ast.Constant) else node


def what_runs(code: str) -> str:
    """Return a text that is equal for sources that decide alike."""
    return ast.dump(_Bare().visit(ast.parse(code)))


def modules_of(area: str) -> list[Path]:
    """Return the sources of an area."""
    result: set[Path] = set()
    for name in AREAS[area][0]:
        path = ROOT / PACKAGE / name
        result |= set(path.rglob("*.py")) if path.is_dir() else set(path.parent.glob(path.name))
    return sorted(path.relative_to(ROOT) for path in result if path.name != "__init__.py")


def positions(module: Path) -> Iterator[tuple[tuple[int, int], str, int]]:
    """Yield every place that an operator can change: line and column, operator, occurrence."""
    tree = get_ast((ROOT / module).read_text())
    for name in operator_names():
        if any(word in name for word in LEFT_OUT):
            continue
        operator, occurrence = get_operator(name)(), 0
        for node in ast_nodes(tree):
            for start, _ in operator.mutation_positions(node):
                yield start, name, occurrence
                occurrence += 1


def sample(area: str, n_mutants: int, seed: int) -> list[Mutant]:
    """Draw mutants: first a place among all places of the area, then an operator for it."""
    rng = random.Random(f"{seed} {area}")
    by_place: dict[tuple[Path, tuple[int, int]], list[tuple[str, int]]] = {}
    for module in modules_of(area):
        for start, name, occurrence in positions(module):
            by_place.setdefault((module, start), []).append((name, occurrence))
    indices = sorted(by_place)
    rng.shuffle(indices)
    drawn: list[Mutant] = []
    for module, start in indices:
        if len(drawn) == n_mutants:
            break
        name, occurrence = rng.choice(by_place[module, start])
        source = (ROOT / module).read_text()
        code = mutate_code(source, get_operator(name)(), occurrence)
        if code is not None and _differs(source, code):
            drawn.append(Mutant(area, module, name.removeprefix("core/"), start[0], code))
    return drawn


def _differs(source: str, code: str) -> bool:
    try:
        return what_runs(source) != what_runs(code)
    except SyntaxError:
        return False


PYTEST = ["-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]

RECORD = "[run]\ndynamic_context = test_function\ndata_file = {file}\nsource = {source}\n"


def passes(words: list[str], tree: Path, timeout_s: float | None = TIMEOUT_S) -> bool:
    """Run tests in a copy of the project."""
    environment = os.environ | {"PYTHONPATH": str(tree / "src"), "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tree,
            env=environment,
            capture_output=True,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def tests_by_line(area: str, tree: Path) -> dict[tuple[Path, int], list[str]]:
    """Run the tests of an area as they are, and return which of them run each line."""
    settings, file = tree / f"{area}.rc", tree / f"{area}.coverage"
    settings.write_text(RECORD.format(file=file, source=tree / PACKAGE))
    words = ["-m", "coverage", "run", f"--rcfile={settings}", *PYTEST, *AREAS[area][1]]
    if not passes(words, tree, None):
        # every mutant would count as killed
        raise click.ClickException(f"the tests of {area} fail without any mutant")
    data = CoverageData(str(file))
    data.read()
    result = {}
    for module in modules_of(area):
        for line, names in data.contexts_by_lineno(str(tree / module)).items():
            tests = [test_of(name, tree) for name in names]
            if None not in tests:  # what no test function runs may be noticed by any of them
                result[module, line] = sorted(filter(None, tests))
    return result


def test_of(context: str, tree: Path) -> str | None:
    """Return pytest's name of a test that coverage calls `tests.metrics.test_scores.test_sum`."""
    parts = context.split(".")
    for n_modules in range(1, len(parts)):
        file = Path(*parts[:n_modules]).with_suffix(".py")
        if (tree / file).exists():
            return "::".join([str(file), *parts[n_modules:]])
    return None


def survives(mutant: Mutant, tree: Path, tests: list[str]) -> bool:
    """Put a mutant into a copy of the project; true if none of the tests fails."""
    path = tree / mutant.module
    source = path.read_text()
    path.write_text(mutant.code)
    try:
        return passes([*PYTEST, *tests], tree)
    finally:
        path.write_text(source)


def copies(n_copies: int, folder: Path) -> SimpleQueue[Path]:
    """Copy sources and tests, once for each worker."""
    trees: SimpleQueue[Path] = SimpleQueue()
    for index in range(n_copies):
        tree = folder / str(index)
        for name in ("src", "tests", "docs"):
            shutil.copytree(ROOT / name, tree / name)
        shutil.copy(ROOT / "pyproject.toml", tree)
        trees.put(tree)
    return trees


def run(mutants: list[Mutant], workers: int) -> list[bool]:
    """Return for each mutant whether it survived."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        trees = copies(workers, Path(folder))

        def in_a_tree(work: Callable[[Path], Result]) -> Result:
            tree = trees.get()
            try:
                return work(tree)
            finally:
                trees.put(tree)

        areas = list(dict.fromkeys(mutant.area for mutant in mutants))
        lines = dict(
            zip(
                areas,
                pool.map(lambda area: in_a_tree(lambda tree: tests_by_line(area, tree)), areas),
                strict=True,
            )
        )

        def one(mutant: Mutant) -> bool:
            known = lines[mutant.area].get((mutant.module, mutant.line))
            tests = known or AREAS[mutant.area][1]
            alive = in_a_tree(lambda tree: survives(mutant, tree, tests))
            index = f"{mutant.module}:{mutant.line} {mutant.operator}"
            click.echo(f"{'SURVIVES' if alive else 'killed'}  {index}", err=True)
            return alive

        return list(pool.map(one, mutants))


def report(mutants: list[Mutant], alive: list[bool], seed: int) -> str:
    """Write the table, and the survivors line by line."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    lines = [
        "# Mutants of the modules that decide",
        "",
        f"Commit {commit}, seed {seed}; made by `python -m benchmarks.mutation.mutants`.",
        "",
        "| area | mutants | killed | share |",
        "|---|---|---|---|",
    ]
    for area in [*AREAS, "all"]:
        mine = [not a for m, a in zip(mutants, alive, strict=True) if area in (m.area, "all")]
        if mine:
            share = 100 * sum(mine) / len(mine)
            lines.append(f"| {area} | {len(mine)} | {sum(mine)} | {share:.0f} % |")
    lines += ["", "## Survivors", ""]
    for mutant, survived in zip(mutants, alive, strict=True):
        if survived:
            source = (ROOT / mutant.module).read_text().splitlines()[mutant.line - 1].strip()
            lines.append(f"- `{mutant.module}:{mutant.line}` {mutant.operator}: `{source}`")
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--per-area", default=24, help="Mutants drawn from each area.")
@click.option("--area", "areas", multiple=True, type=click.Choice(list(AREAS)))
@click.option("--seed", default=0)
@click.option("--workers", default=2)
@click.option("--out", type=click.Path(path_type=Path))
def main(per_area: int, areas: tuple[str, ...], seed: int, workers: int, out: Path | None) -> None:
    """Sample mutants, run the tests on each, and write how many were killed."""
    mutants = [m for area in areas or AREAS for m in sample(area, per_area, seed)]
    text = report(mutants, run(mutants, workers), seed)
    if out is not None:
        out.write_text(text)
    click.echo(text)


if __name__ == "__main__":
    main()
