"""The bank benchmark of H-TDBU: runs of textures under a pairing, and pages with its columns."""

from __future__ import annotations

import argparse
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.htdbu import bank_text
from benchmarks.htdbu.bank import LEADING, PAIRS, Bank, load
from benchmarks.htdbu.bank_text import ROWS, SEEDS, Pool, measure, real, rules
from benchmarks.measure import cpu, cpu_seconds
from benchmarks.papers.runs import Log, Run, command_line, interval, markdown, write
from benchmarks.set_up_peers import python_of
from tablewright.systems.htdbu.system import HTDBU
from tablewright.threads import one_thread

FOLDER = Path(__file__).parent
KEYS = ("table", "rule", "seed", "arm")
COLUMNS = ("Acc", "F1", "AUROC", "XModal", "AUROC, no mood", "detection", "violations", "copies",
           "DCR share")  # fmt: skip
PEERS, PEER_EPOCHS, PEER_ROWS = ("CTGAN", "TVAE"), 50, 60_000
STATED = COLUMNS[:4]
Figures = tuple[float, float, float, float | None]


@dataclass(frozen=True)
class Arm:
    """A generator, and who draws target and mood: the skeleton, or the generator itself."""

    method: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    skeleton: bool = True


@dataclass(frozen=True)
class Spec:
    """One table.

    Attributes
    ----------
    arms : mapping of str to Arm or None
        None stands for 12,000 real training rows.
    published : mapping
        By rule and arm: accuracy, F1, AUROC, XModal.
    """

    name: str
    title: str
    about: str
    arms: Mapping[str, Arm | None]
    published: Mapping[str, Mapping[str, Figures]]


def run(arm: Arm | None, bank: Bank, rule: str, seed: int) -> dict[str, float]:
    """Fit, write 12,000 rows, measure."""
    if arm is None:
        return real(bank, PAIRS[rule], seed)
    system = HTDBU(
        "y",
        texture={"method": arm.method, **arm.options},
        rules=rules(PAIRS[rule]) if arm.skeleton else [],
        skeleton=LEADING if arm.skeleton else None,
        random_state=seed,
    )
    created, seconds = cpu(lambda: system.fit(bank.train).sample(ROWS))
    with one_thread():
        return {**measure(bank, created, PAIRS[rule]), "making": seconds}


def draw(python: str, folder: Path, bank: Bank, name: str, stem: str, seed: int) -> None:
    """Have a peer learn the training rows in its own environment, and keep what it draws."""
    folder.mkdir(parents=True, exist_ok=True)
    train = folder / f"train_{stem}.parquet"
    bank.train.write_parquet(train)
    script = Path(bank_text.__file__).with_name("peer_pools.py")
    words = [python, script, name, train, PEER_EPOCHS, seed, PEER_ROWS, folder / f"{stem}.parquet"]
    done = subprocess.run([*map(str, words)], check=True, capture_output=True, text=True)
    (folder / f"{stem}.json").write_text(done.stdout.splitlines()[-1])


def peer(name: str, asked: argparse.Namespace, bank: Bank, rule: str, seed: int) -> Pool:
    """Return the rows of a peer, drawn before or now."""
    stem = f"{name}_{rule}_{seed}"
    if not (asked.pools / f"{stem}.json").exists():
        python = python_of("CTGAN", Path(asked.peers))
        if python is None:
            raise SystemExit(f"there is no CTGAN in {asked.peers}: 'make peers' sets it up")
        draw(python, asked.pools, bank, name, stem, seed)
    return Pool(asked.pools, name, rule, seed)


def table(spec: Spec, runs: Sequence[Run], rule: str) -> str:
    """Lay out a row an arm, the published one below ours."""
    rows: list[dict[str, Any]] = []
    here = [line for line in runs if line["rule"] == rule]
    for arm in dict.fromkeys(line["arm"] for line in here):
        own = [line for line in here if line["arm"] == arm]
        cells = {c: interval([line[c] for line in own], digits=4) for c in COLUMNS}
        making = [line["making"] for line in own if "making" in line]
        seconds = f"{sum(making) / len(making):.1f}" if making else None
        rows.append({"arm": arm, "seeds": len(own), **cells, "CPU s": seconds})
        if arm in spec.published.get(rule, {}):
            figures = zip(STATED, spec.published[rule][arm], strict=True)
            stated = {column: f"{v:.4f}" for column, v in figures if v is not None}
            rows.append({"arm": f"{arm} (published)", "seeds": 3, **stated})
    return markdown(rows)


READING = (
    "Bank Marketing with moods of Financial PhraseBank, 12,000 rows, 80 to 20 splits by seed; "
    "mean over seeds ± half a 95 % interval by Student's t. Logistic regression learns from "
    "the rows and is tested on real ones. XModal is the distance of target and mood from the "
    "test rows; AUROC, no mood, leaves the column out that the rule is about; detection is the "
    "AUC of boosted trees against test rows; copies are rows equal to a training row, and the "
    "DCR share is that of rows nearer to training than to test rows. CTGAN and TVAE learn 50 "
    "epochs in an environment of their own; 60,000 of their rows are matched to the skeleton, "
    "where there is one. Under the strict rule the mood is the target, and real rows score 1. "
    "Rows marked (published) are arXiv:2605.28198's, of its own split and code, without "
    "intervals."
)


def main(spec: Spec, arguments: Sequence[str] | None = None) -> None:
    """Run a spec and write its page."""
    parser = argparse.ArgumentParser(description=spec.title)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data files")
    parser.add_argument(
        "--peers", help="for CTGAN and TVAE: the folder of 'make peers', or a Python"
    )
    parser.add_argument("--pools", type=Path, default=Path("build/papers/pools"),
                        help="folder that keeps what the peers draw")  # fmt: skip
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--rules", nargs="+", default=list(PAIRS), choices=list(PAIRS))
    parser.add_argument("--log", type=Path, default=Path("build/papers/htdbu.jsonl"))
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # that the rule changes nothing, or changes the table
    log = Log(asked.log, KEYS)
    arms = {**spec.arms, **dict.fromkeys(PEERS if asked.peers else (), Arm(None))}
    skeleton = all(arm.skeleton for arm in spec.arms.values() if arm is not None)
    for rule in asked.rules:
        for seed in asked.seeds:
            keys = {a: {"table": spec.name, "rule": rule, "seed": seed, "arm": a} for a in arms}
            missing = [name for name in arms if not log.has(**keys[name])]
            bank = load(asked.data, PAIRS[rule], seed) if missing else None
            for name in missing:
                assert bank is not None
                start = cpu_seconds()
                arm = arms[name]
                if name in PEERS:
                    arm = Arm(peer(name, asked, bank, rule, seed), skeleton=skeleton)
                found = run(arm, bank, rule, seed)
                log.add({**keys[name], **found, "seconds": cpu_seconds() - start})
                print(*keys[name].values(), flush=True)
    runs = [line for line in log.runs if line["table"] == spec.name and line["rule"] in asked.rules
            and line["seed"] in asked.seeds]  # fmt: skip
    pages = [f"## Rule: {rule}\n\n{table(spec, runs, rule)}" for rule in asked.rules]
    words = sys.argv[1:] if arguments is None else arguments
    command = command_line(f"benchmarks.papers.htdbu.{spec.name}", words, asked.data, asked.peers)
    parts = [spec.about, *pages, READING]
    write(FOLDER / "results" / f"{spec.name}.md", spec.title, parts, runs, command)
