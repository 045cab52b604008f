"""The role "optimizer": a language model proposes graphs and tasks, from scores and evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from tablewright.errors import InputError, ModelError
from tablewright.llm.endpoint.base import LLM, Prompt
from tablewright.llm.prompts.builder import sharing_of
from tablewright.llm.prompts.delimiters import delimited
from tablewright.llm.rows.lenient_json import find_containers
from tablewright.schema import Schema
from tablewright.systems.common.loop import Trace
from tablewright.systems.mallm_gan.process import CausalGraph, Edge, Process
from tablewright.systems.mallm_gan.prompts import edges_prompt, optimizer_prompt

TOP = 3
"""Processes that the optimizer is shown, with their scores."""
_MAX_TASK = 2000


@dataclass
class Optimizer:
    """Asks a model; a reply that is no process gets one call to repair it.

    Parameters
    ----------
    llm : LLM
    schema : Schema
        The columns.
    table : DataFrame
        The real rows, described in prompts as far as they may leave.
    calls : int, default=0
        Questions so far, repairs not counted; numbers the seeds.
    """

    llm: LLM
    schema: Schema
    table: pl.DataFrame
    calls: int = 0

    def edges(self, process: Process, frequent: Sequence[str]) -> tuple[Edge, ...]:
        """Return the edges that a model would have in the graph; none where no reply is one."""
        prompt = edges_prompt(sharing_of(self.llm), self.schema, self.table, process, frequent)
        proposed = self._ask(prompt, process)
        return () if proposed is None else proposed.graph.edges

    def propose(self, trace: Trace[Process, Any]) -> Process | None:
        """Return another process than the one that stands; None where no reply is one."""
        current = trace.state
        prompt = optimizer_prompt(
            sharing_of(self.llm), self.schema, self.table, top(trace),
            trace.measurement.evidence, _failed(trace),
        )  # fmt: skip
        proposed = self._ask(prompt, current)
        return None if proposed is None or not proposed.compare(current) else proposed

    def _ask(self, prompt: Prompt, process: Process) -> Process | None:
        """Ask, and once more with what is wrong with the reply."""
        self.calls += 1
        prompt = prompt.but(seed=self.calls)
        for _ in range(2):
            try:
                read = read_process(self.llm.complete(prompt).text, process)
            except ModelError as error:
                if error.fatal:
                    raise
                return None
            if isinstance(read, Process):
                return read
            prompt = _repairing(prompt, read)
        return None


def top(trace: Trace[Process, Any], n_best: int = TOP) -> list[tuple[Process, str]]:
    """Return the best processes with their scores, each once, the best last."""
    ranked = sorted(trace.archive, key=lambda entry: entry[1].loss)
    seen: list[tuple[Process, str]] = []
    for process, measured in ranked:
        if all(process != other for other, _ in seen):
            seen.append((process, f"{measured.loss:.3f}"))
    return seen[:n_best][::-1]


def _failed(trace: Trace[Process, Any]) -> list[str]:
    """Name the changes of the present process that were measured and not taken."""
    failed: list[str] = []
    for step in reversed(trace.steps):
        if step.accepted:
            break
        failed.insert(0, step.proposal.what)
    return failed[-TOP:]


def read_process(text: str, process: Process) -> Process | str:
    """Read a graph and a task; return what is wrong where there is no graph without circles.

    A column that the reply leaves out keeps its parents, where it names any other; a task that is
    left out stays.

    Examples
    --------
    >>> process = Process(CausalGraph({"age": [], "ill": []}))
    >>> reply = '{"graph": {"ill": {"parents": ["age"]}}, "task": "Be exact."}'
    >>> read = read_process(reply, process)
    >>> read.graph.edges, read.task
    ((('age', 'ill'),), 'Be exact.')
    >>> read_process('{"graph": {"ill": ["ill"]}}', process)
    'causal graph: columns depend on each other in a circle: ill -> ill'
    """
    fault = "the reply has no graph of the form asked for"
    for value, _, _ in find_containers(text, "{"):
        graph = value.get("graph") if isinstance(value, dict) else None
        if not isinstance(graph, dict) or not graph:
            continue
        try:
            known = {**process.graph.as_data(), **graph}
            read = CausalGraph.from_data(known, process.graph.columns)
        except InputError as error:
            fault = str(error)
            continue
        task = value.get("task")
        stays = not isinstance(task, str) or not task.strip()
        told = process.task if stays else str(task).strip()[:_MAX_TASK]
        changed = replace(process, graph=read, task=told, unsupported=())
        if changed.keeps_priors():
            return changed
        fault = "the graph is against what is known of edges: " + "; ".join(process.known())
    return fault


def _repairing(prompt: Prompt, fault: str) -> Prompt:
    last = prompt.messages[-1]
    asked = f"{last.content}\n\nYour last reply had this fault:\n{delimited(fault)}"
    return prompt.but(
        messages=(*prompt.messages[:-1], replace(last, content=asked)), stage="repair"
    )
