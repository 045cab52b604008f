"""``tablewright models``: the language models of this machine, and what each can do."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tablewright.cli.progress import show

if TYPE_CHECKING:
    from tablewright.llm.endpoint.capabilities import Capabilities


@click.command()
@click.argument("files", nargs=-1, metavar="[GGUF]...")
@click.option(
    "--base-url", metavar="URL", help="Another endpoint to ask, such as http://localhost:9000/v1."
)
@click.option("--again", is_flag=True, help="Ask again what is known already.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a model.")
def models(files: tuple[str, ...], base_url: str | None, again: bool, as_json: bool) -> None:
    """List language models of this machine and what each can do.

    Asked are the model files given, and what Ollama, llama.cpp, vLLM and LM Studio serve at
    their usual local addresses. Each is sent a few short prompts once, none with a cell of a
    table; what they can do is remembered in your cache folder.
    """
    from tablewright.llm.endpoint.capabilities import LOCAL_SERVERS, find_models

    servers = dict(LOCAL_SERVERS) if base_url is None else {"given": base_url.rstrip("/")}
    result = find_models(files, servers, again=again, on_model=_print_json if as_json else None)
    if as_json:
        return
    if not result:
        show(
            "no model was found: give a GGUF file (tablewright models PATH), or start Ollama, "
            "llama.cpp, vLLM or LM Studio"
        )
        return
    for one in result:
        show(_lines(one))


def _print_json(found: Capabilities) -> None:
    show(json.dumps(asdict(found), ensure_ascii=False))


def _lines(one: Capabilities) -> str:
    """Say in two lines how to name a model and what it can do."""
    from tablewright.display import shown

    url = f" --base-url {one.endpoint}" if one.endpoint else ""
    head = f"--model {shown(one.model, 200)}{url}"
    if one.problem:
        return f"{head}\n  cannot be used: {one.problem}"
    able = (
        ("JSON Schema", one.schema), ("JSON mode", one.json_mode),
        ("plain completion", one.completion), ("log-probabilities", one.log_probabilities),
    )  # fmt: skip
    counts = (
        (one.slots, "slots"), (one.context_length, "tokens of context"),
        (one.tokens_per_second, "tokens a second"),
    )  # fmt: skip
    declared = [f"{name} {_mark(has)}" for name, has in able]
    declared += [f"{'?' if n is None else f'{n:,}'} {name}" for n, name in counts]
    return f"{head}\n  {one.server}: {', '.join(declared)}"


def _mark(able: bool | None) -> str:
    return "not known" if able is None else "yes" if able else "no"
