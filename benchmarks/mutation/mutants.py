"""Do the tests notice faults? A seeded sample of mutants of the modules that decide.

    python -m pip install -e '.[dev,mutation]'
    python -m benchmarks.mutation.mutants --per-area 24 --out benchmarks/mutation/mutants.md

A mutant is one changed operator, comparison, constant or condition, made by cosmic-ray's operators
in a copy of the sources. It is killed if a test of its area fails. Changes that Python cannot see
(annotations, docstrings) are no mutants. Survivors are listed, so that a person can look at them.
"""

from __future__ import annotations

import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import click
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[2]
PACKAGE = Path("src/tablewright")

AREAS: dict[str, tuple[list[str], list[str]]] = {
    "metrics": (["metrics"], ["tests/metrics", "tests/evaluation"]),
    "checks": (["selection"], ["tests/selection", "tests/systems/team_then_trim"]),
    "rules": (["rules/*.py", "rules/mining", "rules/enforcement"], ["tests/rules"]),
    "expressions": (["rules/expressions"], ["tests/rules/expressions", "tests/rules"]),
    "quotas": (["synthesizer/quotas.py"], ["tests/synthesizer"]),
    "budget": (["llm/endpoint/budget.py", "llm/endpoint/ledger.py"], ["tests/llm"]),
    "sharing": (["llm/prompts"], ["tests/llm", "tests/systems"]),
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


class _Bare(ast.NodeTransformer):
    """Take away what does not run: annotations and docstrings."""

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
    """Return a text that is equal for sources that run alike."""
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


def tests_pass(area: str, tree: Path) -> bool:
    """Run the tests of an area in a copy of the project."""
    environment = os.environ | {"PYTHONPATH": str(tree / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, *AREAS[area][1]],
            cwd=tree,
            env=environment,
            capture_output=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def survives(mutant: Mutant, tree: Path) -> bool:
    """Put a mutant into a copy of the project; true if none of its tests fails."""
    path = tree / mutant.module
    source = path.read_text()
    path.write_text(mutant.code)
    try:
        return tests_pass(mutant.area, tree)
    finally:
        path.write_text(source)


def copies(n_copies: int, folder: Path) -> SimpleQueue[Path]:
    """Copy sources and tests, once for each worker."""
    trees: SimpleQueue[Path] = SimpleQueue()
    for index in range(n_copies):
        tree = folder / str(index)
        for name in ("src", "tests"):
            shutil.copytree(ROOT / name, tree / name)
        shutil.copy(ROOT / "pyproject.toml", tree)
        trees.put(tree)
    return trees


def run(mutants: list[Mutant], workers: int) -> list[bool]:
    """Return for each mutant whether it survived."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        trees = copies(workers, Path(folder))
        # If tests fail without a mutant, every mutant would count as killed.
        untouched = trees.get()
        for area in dict.fromkeys(mutant.area for mutant in mutants):
            if not tests_pass(area, untouched):
                raise click.ClickException(f"the tests of {area} fail without any mutant")
        trees.put(untouched)

        def one(mutant: Mutant) -> bool:
            tree = trees.get()
            try:
                alive = survives(mutant, tree)
            finally:
                trees.put(tree)
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
