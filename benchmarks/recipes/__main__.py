"""Make the files that benchmarks read from public originals.

    python -m benchmarks.recipes --list
    python -m benchmarks.recipes NAME ORIGINAL --out DIR [--download]

ORIGINAL is the original, or the folder that holds it under its name; DIR is the folder that
benchmarks take as --data. Nothing is fetched unless asked for. The exit code is 1 where a file is
not the one that was measured.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

from benchmarks.recipes import (
    adult,
    asia,
    bank,
    compas,
    date_tables,
    drug,
    insurance,
    phrasebank,
    sick,
    travel,
)  # fmt: skip
from benchmarks.recipes.recipe import Recipe, collect, follow

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        adult.RECIPE, compas.RECIPE, drug.RECIPE, sick.RECIPE, travel.RECIPE, bank.RECIPE,
        phrasebank.RECIPE, insurance.RECIPE, insurance.DUPLICATED, asia.RECIPE,
        date_tables.RECIPE,
    )
}  # fmt: skip


def listing() -> str:
    """Say what each recipe makes, of which original, under which licence."""
    lines = []
    for recipe in RECIPES.values():
        lines.append(f"{recipe.name}: {recipe.about}")
        lines += [f"  makes {path}  sha256 {sha256}" for path, sha256 in recipe.makes.items()]
        for original in recipe.originals:
            lines += [f"  from {original.name}, {original.licence}", f"    {original.address}"]
            lines += [f"    sha256 {original.sha256}"]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    text = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=text)
    parser.add_argument("name", nargs="?", choices=RECIPES, help="which recipe")
    parser.add_argument("original", nargs="?", type=Path, help="file or folder; asia needs none")
    parser.add_argument("--out", type=Path, help="folder of the data files")
    parser.add_argument("--download", action="store_true", help="fetch originals that are missing")
    parser.add_argument("--list", action="store_true", help="say what there is, and end")
    asked = parser.parse_args(arguments)
    if asked.list:
        print(listing())
        return 0
    if asked.name is None or asked.out is None:
        parser.error("say which recipe and --out DIR, or --list")
    recipe = RECIPES[asked.name]
    if recipe.originals and asked.original is None:
        parser.error(f"{recipe.name} needs its original: a file, or a folder")
    originals = collect(recipe, asked.original, asked.download) if recipe.originals else {}
    for original in recipe.originals:
        if hashlib.sha256(originals[original.name]).hexdigest() != original.sha256:
            print(f"{original.name}: another copy than ours; the result decides")
    made = follow(recipe, originals, asked.out)
    for file in made:
        said = "the file that was measured" if file.same else "NOT the file that was measured"
        print(f"{file.path}: {said}")
    return 0 if all(file.same for file in made) else 1


if __name__ == "__main__":
    raise SystemExit(main())
