"""The prompts of MALLM-GAN: of the writer of rows, and of the optimizer of the process."""

from __future__ import annotations

import json
from collections.abc import Sequence

import polars as pl

from tablewright.llm.endpoint.base import Prompt
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.llm.prompts.builder import Condition, PromptBuilder
from tablewright.llm.prompts.sharing import Sharing
from tablewright.llm.rows.json_rows import closed_object
from tablewright.llm.rows.task import RowRequest, expected_reply
from tablewright.schema import Schema
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.mallm_gan.discriminator import Evidence
from tablewright.systems.mallm_gan.process import Process

WRITER_TEMPERATURE, OPTIMIZER_TEMPERATURE = 0.5, 1.0
"""Of the paper; a model that was connected with its own keeps them."""

_WRITER = "You write new rows of a table by a given process of how its rows come about."

_OPTIMIZER = """\
You optimize a process of how the rows of a table come about: a causal graph of its columns, and \
a task for those who write rows by it. A lower score is better: the rows are then harder to tell \
from real ones."""

_GRAPH = "The causal graph, each column with its parents:"

_DEPENDENCE = """\
How columns follow from their parents in the real rows, numbers by their quartiles, other columns \
by the shares of their values:"""

_STEPS = """\
Read the processes and their scores, from the worst to the best. Ask yourself which edges of the \
graph to add, drop or reverse, and what to say in the task, for a lower score than the best. Use \
only the columns named above; the graph has no circles."""

_KNOWLEDGE = """\
The graph below was searched in few rows. By what is known of the subject, which edges of the \
graph would you add, drop or reverse? Use only the columns named above; an edge leads from a cause \
to its effect, and the graph has no circles."""


def writer_prompt(
    one: RowRequest,
    process: Process,
    conditions: Sequence[Condition],
    request: SampleRequest,
    *,
    in_numbers: bool = True,
) -> Prompt:
    """Make the prompt for rows: the process, a piece of the real rows, as many new ones.

    `in_numbers` tells how strong the edges of the graph are, which the published prompt does not.
    """
    task, form = one.task, one.row_format
    builder = PromptBuilder(one.sharing, task.table)
    builder.say(f"About the data: {process.context}" if process.context else "")
    builder.columns(task.schema, "The columns:").note()
    if process.graph.edges:  # an empty graph would say that no column depends on any other
        builder.data([_graph_text(process)], _GRAPH)
        if in_numbers:
            builder.dependence(task.schema, process.graph.edges, _DEPENDENCE)
    builder.say(process.task)
    builder.conditions(conditions, "Every row keeps these conditions:")
    if one.example_frame is not None:
        rows = builder.admit(one.example_frame)
        builder.rows(rows, lambda shown: form.write(shown, list(shown[0])), "Real rows:")
    target = task.schema.target
    if request.quotas is not None and target is not None:
        shares = {name: n / request.n_rows for name, n in request.quotas.items()}
        builder.shares(task.schema[target], shares, "Labels, by share of the rows:")
    builder.say(
        f"Write {one.n_rows} new rows in the manner of the real ones. Do not copy them.",
        form.request(task.schema.names, one.n_rows),
    )
    expected = expected_reply(one)
    return builder.prompt(
        _WRITER,
        temperature=WRITER_TEMPERATURE,
        max_tokens=256 + 2 * estimate_tokens(expected),
        stage="rows",
        role="writer",
        schema=form.schema(builder.reply_columns(task.schema), one.n_rows),
        expected=expected,
    )


def edges_prompt(
    sharing: Sharing, schema: Schema, table: pl.DataFrame, process: Process, frequent: Sequence[str]
) -> Prompt:
    """Ask what is known of causes and effects, before any row is written."""
    builder = _about(sharing, schema, table, process)
    builder.say(_KNOWLEDGE).data([_graph_text(process)], "The causal graph as JSON:")
    builder.data(frequent, "Edges that resampled rows find, and how often:")
    return _ask(builder, process, "edges")


def optimizer_prompt(
    sharing: Sharing,
    schema: Schema,
    table: pl.DataFrame,
    best: Sequence[tuple[Process, str]],
    evidence: Sequence[Evidence],
    tried: Sequence[str],
) -> Prompt:
    """Ask for a better process; `best` are processes with their scores, the best last."""
    builder = _about(sharing, schema, table, best[-1][0])
    lines = [f"{_form(process)} Score: {score}" for process, score in best]
    builder.data(lines, "Processes and their scores, the best last:")
    numbers = sharing.allows("summary")
    hidden = set(sharing.redact)
    found = [
        str(item) if numbers and not hidden & set(item.columns) else item.words for item in evidence
    ]
    builder.data(found, "What gave away the rows of the best one:")
    builder.data(tried, "Changes of it that did not help:")
    return _ask(builder.say(_STEPS), best[-1][0], "optimize")


def _about(
    sharing: Sharing, schema: Schema, table: pl.DataFrame, process: Process
) -> PromptBuilder:
    builder = PromptBuilder(sharing, table)
    builder.say(f"About the data: {process.context}" if process.context else "")
    builder.columns(schema, "The columns:").note()
    return builder.data(process.known(), "What is known of edges, and is not to be changed:")


def _ask(builder: PromptBuilder, process: Process, stage: str) -> Prompt:
    columns = list(process.graph.columns)
    expected = _form(process)
    example = {"graph": {columns[-1]: {"parents": columns[:1]}}, "task": "..."}
    builder.say(
        "Reply with JSON only, every column a key of the graph, in this form:\n"
        + json.dumps(example, ensure_ascii=False)
    )
    parents = {"type": "array", "items": {"enum": columns}}
    graph = closed_object({name: closed_object({"parents": parents}) for name in columns})
    return builder.prompt(
        _OPTIMIZER,
        temperature=OPTIMIZER_TEMPERATURE,
        max_tokens=512 + 3 * estimate_tokens(expected),
        stage=stage,
        role="optimizer",
        schema=closed_object({"graph": graph, "task": {"type": "string"}}),
        expected=expected,
    )


def _graph_text(process: Process) -> str:
    return json.dumps(process.graph.as_data(), ensure_ascii=False)


def _form(process: Process) -> str:
    """Write graph and task as a reply has them."""
    form = {"graph": process.graph.as_data(), "task": process.task}
    return json.dumps(form, ensure_ascii=False)
