"""The example that tunes a model on preference pairs; it needs what docs/examples/dpo.lock lists.

Not part of `make check`: install the lock, and run ``pytest -m torch tests/systems/date``.
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from tablewright.systems.date.pairs import preference_pairs

SCRIPT = Path(__file__).parents[3] / "docs" / "examples" / "dpo.py"
MAKE_MODEL = """
import sys
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, set_seed
set_seed(0)
tokens = Tokenizer(models.WordLevel(unk_token="?"))
tokens.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
trainer = trainers.WordLevelTrainer(special_tokens=["?", "<end>"])
text = open(sys.argv[2]).read().replace('"', " ").replace("\\\\n", " ")
tokens.train_from_iterator([text], trainer)
tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokens, eos_token="<end>", pad_token="<end>")
tokenizer.chat_template = (
    "{% for m in messages %}{{ m['content'] }} {{ '<end> ' }}{% endfor %}")
tokenizer.save_pretrained(sys.argv[1])
size = GPT2Config(vocab_size=len(tokenizer), n_positions=64, n_embd=32, n_layer=1, n_head=2)
GPT2LMHeadModel(size).save_pretrained(sys.argv[1])
"""


def printed(*command: object) -> str:
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.torch
@pytest.mark.skipif(find_spec("trl") is None, reason="needs what docs/examples/dpo.lock lists")
def test_a_model_learns_which_answer_is_right_on_pairs_it_did_not_see(tmp_path: Path) -> None:
    rows = pl.DataFrame({"x": [k % 8 for k in range(160)], "z": [k % 5 for k in range(160)]})
    rows = rows.with_columns(y=pl.when(pl.col("x") < 4).then(pl.lit("low")).otherwise(pl.lit("up")))
    pairs, held, model = tmp_path / "pairs.jsonl", tmp_path / "held.jsonl", tmp_path / "model"
    preference_pairs(rows, target="y", validation=0.3, random_state=0).write(pairs, held)
    printed("-c", MAKE_MODEL, model, pairs)
    out = printed(
        SCRIPT, model, "--pairs", pairs, "--held", held, "--out", tmp_path / "tuned",
        "--epochs", 30, "--learning-rate", 0.01,
    )  # fmt: skip
    before, after = out.strip().splitlines()[-1].split(": ")[1].split(" -> ")
    assert float(before) < 0.8
    assert float(after) > 0.9
    assert (tmp_path / "tuned" / "config.json").exists()
