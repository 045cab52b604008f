"""A real language model of half a megabyte, written on the spot, behind llama.cpp's server.

Its weights are random: what it says is noise. Protocol, decoding under a schema, token
counts, truncation and errors are llama.cpp's own.

Run as a program it serves: ``python -m tests.llm.tiny_llama MODEL.gguf PORT``.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

WIDTH, LAYERS, HEADS, HIDDEN, CONTEXT = 64, 2, 4, 128, 4096
MERGES = ["Ġ t", "e r", "i n", "o n"]
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
CONTROL = ["<s>", "</s>", "<pad>"]


def byte_letters() -> list[str]:
    """GPT-2's printable letter for each byte."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (chr(256 + index) for index in range(256))
    return [chr(byte) if byte in kept else next(others) for byte in range(256)]


def vocabulary() -> list[str]:
    return [*byte_letters(), *(merge.replace(" ", "") for merge in MERGES), *CONTROL]


def token_bias(tokens: list[str]) -> np.ndarray:
    """Make text likely that is printable ASCII and soon closes what it opens."""
    letters = byte_letters()
    bias = np.full(len(tokens), -30.0, dtype=np.float32)
    bias[[letters.index(chr(byte)) for byte in range(33, 127)]] = 0.0
    bias[32] = -1.5
    bias[[letters.index(character) for character in '",}]']] = 0.8
    bias[256 : 256 + len(MERGES)] = -1.5
    bias[tokens.index("</s>")] = 0.0
    return bias


def write_model(path: Path, seed: int = 7, template: str = TEMPLATE) -> None:
    """Write the model; without a template it is a base model.

    The first channel of the residual stream is constant, so that the first column of the
    output matrix is a bias per token; everything else is random.
    """
    import gguf

    rng = np.random.default_rng(seed)
    tokens = vocabulary()

    def random(*shape: int) -> np.ndarray:
        return rng.normal(0.0, 0.3, shape).astype(np.float32)

    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny-random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    kinds = [gguf.TokenType.NORMAL] * (len(tokens) - 3) + [gguf.TokenType.CONTROL] * 3
    writer.add_token_types(kinds)
    writer.add_token_merges(MERGES)
    for index, add in enumerate(
        (writer.add_bos_token_id, writer.add_eos_token_id, writer.add_pad_token_id)
    ):
        add(len(tokens) - 3 + index)
    if template:
        writer.add_chat_template(template)
    embedding, output = random(len(tokens), WIDTH), random(len(tokens), WIDTH)
    embedding[:, 0] = 4.0
    output[:, 0] = token_bias(tokens)
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output.weight", output)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for layer in range(LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(WIDTH, np.float32))
        for name in ("attn_q", "attn_k", "attn_v"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", random(WIDTH, WIDTH))
        for name, inputs in (("attn_output", WIDTH), ("ffn_down", HIDDEN)):
            weights = random(WIDTH, inputs)
            weights[0] = 0.0
            writer.add_tensor(f"blk.{layer}.{name}.weight", weights)
        for name in ("ffn_gate", "ffn_up"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", random(HIDDEN, WIDTH))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@contextmanager
def serve_llama(model: Path) -> Iterator[str]:
    """Serve a model from a process of its own; yields the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.llm.tiny_llama", str(model), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_health(port, process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def await_health(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with code {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start within 20 seconds")


def main(model: str, port: str) -> None:
    from xllamacpp import CommonParams, Server

    settings = CommonParams()
    settings.model.path = model
    settings.port = int(port)
    settings.n_ctx, settings.n_parallel = 16384, 4
    settings.warmup, settings.ui, settings.offline = False, False, True
    for cpu in (settings.cpuparams, settings.cpuparams_batch):
        cpu.n_threads, cpu.poll = 1, 0
    settings.model_alias = {"tiny-random"}
    server = Server(settings)
    while server:
        time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
