"""Tune a language model of your own on preference pairs, and ask it about pairs kept apart.

    pip install -r docs/examples/dpo.lock
    tablewright pairs rows.csv --target y --out pairs.jsonl --validation-out held.jsonl \
        --exclude test.csv
    python docs/examples/dpo.py MODEL --pairs pairs.jsonl --held held.jsonl --out tuned

MODEL is a folder with a model of transformers, and a tokenizer that has a chat template. Nothing
is fetched. Printed is how often the model finds the right answer likelier than the wrong one, on
pairs that it was not tuned on, before and after: whether tuning helps is for you to see.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer


def read(path: Path) -> list[dict[str, Any]]:
    """Read pairs that ``tablewright pairs`` wrote."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def log_likelihood(model: Any, tokenizer: Any, question: list[Any], answer: list[Any]) -> float:
    """Return the log-probability of an answer, given its question."""
    start = tokenizer.apply_chat_template(question, add_generation_prompt=True, tokenize=False)
    whole = tokenizer.apply_chat_template([*question, *answer], tokenize=False)
    ids = tokenizer(whole, return_tensors="pt", add_special_tokens=False).input_ids
    n_given = len(tokenizer(start, add_special_tokens=False).input_ids)
    ids = ids.to(model.device)
    with torch.no_grad():
        logs = model(ids).logits[0, :-1].log_softmax(dim=-1)
    each = logs.gather(1, ids[0, 1:, None])[:, 0]
    return float(each[n_given - 1 :].sum())


def share_right(model: Any, tokenizer: Any, pairs: list[dict[str, Any]]) -> float:
    """Return the share of pairs whose right answer is likelier than the wrong one."""
    model.eval()
    right = [
        log_likelihood(model, tokenizer, pair["prompt"], pair["chosen"])
        > log_likelihood(model, tokenizer, pair["prompt"], pair["rejected"])
        for pair in pairs
    ]
    return sum(right) / len(right)


def main() -> None:
    """Tune, and print both shares."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--held", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--learning-rate", type=float, default=5e-7)
    parser.add_argument("--beta", type=float, default=0.1)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model)
    held = read(options.held)
    before = share_right(model, tokenizer, held)
    settings = DPOConfig(
        output_dir=str(options.out),
        num_train_epochs=options.epochs,
        learning_rate=options.learning_rate,
        beta=options.beta,
        per_device_train_batch_size=options.batch_size,
        seed=options.seed,
        report_to="none",
        save_strategy="no",
        bf16=torch.cuda.is_available(),
    )
    trainer = DPOTrainer(
        model=model,
        args=settings,
        train_dataset=Dataset.from_list(read(options.pairs)),
        processing_class=tokenizer,
    )
    trainer.train()
    trainer.save_model(str(options.out))
    after = share_right(trainer.model, tokenizer, held)
    print(f"right answer likelier, of {len(held)} pairs kept apart: {before:.3f} -> {after:.3f}")


if __name__ == "__main__":
    main()
