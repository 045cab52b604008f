"""MALLM-GAN: a process of how rows come about, trained by a discriminator, writes the rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import norm

from tablewright.errors import InputError, ModelError
from tablewright.llm.rows.raw_rows import RowFormat
from tablewright.random_state import Stream
from tablewright.synthesizer.parameters import OneOf, Whole
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.systems.common.base import System, part_of
from tablewright.systems.common.coreset import EXAMPLES, Coreset
from tablewright.systems.common.loop import Proposal, Trace, improve
from tablewright.systems.common.partition import target_partition
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.common.row_writer import GeneratorWriter, RowWriter
from tablewright.systems.mallm_gan.discriminator import KINDS, Discriminator, Judgement
from tablewright.systems.mallm_gan.optimizer import Optimizer
from tablewright.systems.mallm_gan.pieces import Pieces, rows_writer
from tablewright.systems.mallm_gan.process import Process
from tablewright.systems.mallm_gan.published import (
    BATCH,
    Accuracy,
    IncrementalDiscriminator,
    epochs,
)
from tablewright.systems.mallm_gan.search import (
    BY_ROWS,
    EdgeFrequencies,
    local_edits,
    possible,
    told,
)
from tablewright.tables.inference.casting import typed
from tablewright.tables.io.model_file import Artefact

ROUNDS = 8
PATIENCE = 3
MIN_SCORED = 1000
LEVEL = 0.05
"""Share of the searches that may take a change which is better by chance alone."""


class MALLMGAN(System):
    """Rows of a data-generating process whose causal graph a discriminator trains.

    The process is context, schema, causal graph and task. It starts with the graph that the
    rows support, edges that the optimizer knows of being likelier. Round by round a change of it
    is proposed, rows are drawn from the changed process, and it is kept if a discriminator that
    never saw a row it scores tells them from the real rows less well, by a paired test. A writer
    that is a language model is then shown the process and real rows, piece by piece; without one
    the rows are drawn column by column along the graph.

    Parameters
    ----------
    target : str or None, default=None
        The column that models are to predict.
    llm : LLM, mapping of str to LLM or None, default=None
        The models of the roles ``"optimizer"`` and ``"writer"``.
    schema : Schema, mapping, path or None, default=None
        See `Synthesizer`; the meanings of columns in it are told to the models.
    variant : {"default", "published"}, default="default"
        ``"published"`` does what the paper does: each process writes one batch of rows, a linear
        classifier that is updated batch by batch scores it on some twenty rows by its accuracy,
        and every proposal is taken; of the last pass over the real rows the best stays.
    context : str, default=""
        How the data were collected, in one to three sentences.
    process : Process, mapping, path or None, default=None
        Where the search starts, such as a process edited by hand; None searches the graph.
    rounds : int or None, default=None
        Changes that are measured at most, 0 keeps the process as it starts; 8, and in the
        published variant so many that the real rows are passed 2 to 5 times, where None.
    shots : int, default=4
        Real rows that a prompt for rows shows, and rows that it asks for.
    examples : {"random", "coreset"}, default="random"
        Which real rows are shown: all in turn, or those of each class that say most.
    discriminator : {"both", "pairs", "boosted", "linear"}, default="both"
        What tells rows from real ones in the default variant; ``"linear"`` is blind to relations.
    sampling_strategy : str, dict, float or callable, default="auto"
        Which classes `fit_resample` fills.
    random_state : int, RandomState or None, default=None
        Random seed.

    Attributes
    ----------
    process_ : Process
        What the search ended with.
    history_ : list of dict
        Every process that was measured: what was changed, why, its loss, its task, its edges,
        and whether it was taken.

    Raises
    ------
    InputError
        If an option is out of its range, or a process does not fit the table.

    References
    ----------
    .. [1] Ling, Jiang and Kim, "MALLM-GAN: Multi-Agent Large Language Model as Generative
       Adversarial Network for Synthesizing Tabular Data", arXiv 2406.10521, section 3.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> dose = rng.normal(9, 2, 120)
    >>> ill = np.where(dose + rng.normal(0, 1, 120) > 9, "yes", "no")
    >>> system = MALLMGAN("ill", rounds=2, random_state=0)
    >>> system.fit(pl.DataFrame({"dose": dose, "ill": ill})).process_.graph.edges
    (('dose', 'ill'),)
    >>> system.sample(10).shape
    (10, 2)
    """

    name = "mallm-gan"
    row_form: ClassVar[RowFormat | Literal["json"]] = "json"
    """How rows are written in prompts and replies."""
    roles = ("optimizer", "writer")
    parameter_constraints: ClassVar = {
        "variant": OneOf("default", "published"),
        "discriminator": OneOf(*KINDS),
        "rounds": Whole(0, optional=True),
        "shots": Whole(),
        "examples": OneOf(*EXAMPLES),
    }

    def __init__(
        self,
        target: str | None = None,
        *,
        llm: Any = None,
        schema: Any = None,
        variant: str = "default",
        context: str = "",
        process: Any = None,
        rounds: int | None = None,
        shots: int = 4,
        examples: str = "random",
        discriminator: str = "both",
        sampling_strategy: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.target = target
        self.llm = llm
        self.schema = schema
        self.variant = variant
        self.context = context
        self.process = process
        self.rounds = rounds
        self.shots = shots
        self.examples = examples
        self.discriminator = discriminator
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    def _prepare(self) -> None:
        real = self._real
        for role in self.roles:
            if (model := self.model(role)) is not None:
                model.sharing.check(self.schema_)
        self.frequencies_ = EdgeFrequencies(real, self.writable_, self._seed(Stream.MALLM_GRAPH))
        self.pool_ = self._shown_rows()
        model = self.model("optimizer")
        self.optimizer_ = None if model is None else Optimizer(model, self.writable_, real)
        start = self._start()
        trace = self._train_published(start) if self.variant == "published" else self._train(start)
        self.history_ = told(trace)
        edges = self.frequencies_.unsupported(trace.state.graph.edges)
        self.process_ = trace.state.supported_but(edges)
        self.generator_ = self._generator(self.process_)
        n_edges = len(self.process_.graph.edges)
        loss = trace.measurement.loss
        self.reason_ = f"{self.reason_}; {n_edges} edges, loss {loss:.2f}"

    @property
    def _real(self) -> pl.DataFrame:
        return self.train_.select(self.writable_.names)

    def _seed(self, stream: Stream) -> int:
        return int(np.random.default_rng([self.seed_, stream]).integers(2**31))

    def _start(self) -> Process:
        """Return the process that was given, or that of the graph which the rows support."""
        if self.process is not None:
            names = self.writable_.names
            others = [name for name in self.schema_.names if name not in names]
            given = Process.of(self.process, names, others)
            if given.priors and not given.graph.edges:  # the graph is what is looked for
                graph = self.frequencies_.graph(priors=given.priors)
                given = replace(given, graph=graph)
            if not given.keeps_priors():
                raise InputError(f"process: the graph is against its priors: {given.known()}")
            return given
        start = Process(self.frequencies_.graph(), self.context)
        if self.optimizer_ is None or self.variant == "published":
            return start
        proposed = self.optimizer_.edges(start, self.frequencies_.lines())
        return Process(self.frequencies_.graph(proposed), self.context)

    # the search ---------------------------------------------------------------------------

    def _train(self, start: Process) -> Trace[Process, Any]:
        """Keep what makes rows of the local body harder to tell from the real ones."""
        kind: Any = self.discriminator
        seed = self._seed(Stream.MALLM_DISCRIMINATOR)
        discriminator = Discriminator(self._real, self.writable_, kind, seed)
        n_rows = max(MIN_SCORED, self.train_.height)

        def measure(process: Process) -> Judgement:
            drawn = self._generator(process).sample(n_rows, random_state=seed)
            return discriminator.judge(typed(drawn, self.writable_))

        rounds = ROUNDS if self.rounds is None else self.rounds
        return improve(start, self._proposals, measure, self._accepts,
                       max_measurements=rounds, patience=PATIENCE)  # fmt: skip

    def _accepts(self, proposal: Proposal[Process], before: Judgement, after: Judgement) -> bool:
        """Ask for a clear gain; of edges that the rows support, that there is no clear loss."""
        gain, error = after.gain_over(before)
        rounds = ROUNDS if self.rounds is None else self.rounds
        bar = -norm.isf(LEVEL) if proposal.because == BY_ROWS else norm.isf(LEVEL / max(1, rounds))
        return self.dry_run_ or gain > float(bar) * error

    def _train_published(self, start: Process) -> Trace[Process, Any]:
        """Take every proposal; of the last pass over the real rows the best stays."""
        seed = self._seed(Stream.MALLM_DISCRIMINATOR)
        discriminator = IncrementalDiscriminator(self._real, self.writable_, seed)
        n_batches = -(-len(self.pool_) // BATCH)
        pieces = self._pieces()

        def measure(process: Process) -> Accuracy:
            number = discriminator.n_batches
            batch, first = pieces.batch(number, BATCH)
            writer = self._rows_of(process, pieces, first)
            request = SampleRequest(len(batch), seed=(seed + number) % 2**31)
            written = writer.write(request)
            self.shown_ += written.shown
            if written.stopped is not None and not discriminator.history:
                raise written.stopped
            return discriminator.judge(batch, written.rows)

        rounds = epochs(len(self.pool_)) * n_batches - 1 if self.rounds is None else self.rounds
        trace = improve(start, self._proposals, measure, lambda *_: True, max_measurements=rounds)
        last = trace.archive[-n_batches:]
        trace.state, trace.measurement = min(last, key=lambda entry: entry[1].loss)
        return trace

    def _proposals(self, trace: Trace[Process, Any]) -> Iterator[Proposal[Process]]:
        """Propose changes: the optimizer's, or without one single edges by the evidence."""
        if self.optimizer_ is None:
            yield from self._edits(trace)
            return
        for turn in range(PATIENCE):
            try:
                proposed = self.optimizer_.propose(trace)
            except ModelError as error:
                if not trace.steps:
                    raise
                self.result_.note(f"the search of the process ended early: {error}")
                return
            if self.dry_run_:  # as many calls and rows are counted as a search takes at most
                yield Proposal(f"dry run {turn}", trace.state)
            elif proposed is not None:
                yield Proposal("; ".join(proposed.compare(trace.state)), proposed, "the optimizer")

    def _edits(self, trace: Trace[Process, Any]) -> Iterator[Proposal[Process]]:
        found = local_edits(trace.state, trace.measurement.evidence, self.frequencies_)
        for edits, because in found:
            changed = possible(trace.state, edits)
            if changed is not None:
                yield Proposal("; ".join(map(str, edits)), changed, because)

    def _generator(self, process: Process) -> Synthesizer:
        """Fit the local body of the writer: ancestral sampling along the graph."""
        synthesizer = Synthesizer(
            "bayes-net", schema=self.writable_, target=self.writable_.target,
            options={"edges": list(process.graph.edges)}, random_state=self.seed_,
        )  # fmt: skip
        return synthesizer.fit(self._real)

    # rows ---------------------------------------------------------------------------------

    def _shown_rows(self) -> NDArray[np.intp]:
        target = self.writable_.target
        if self.examples == "random" or target is None or target not in self.writable_:
            return np.arange(self.train_.height)
        partition = target_partition(self._real, self.writable_)
        chosen = Coreset.learn(self._real, self.writable_, partition, self.seed_)
        return np.concatenate(chosen.members)

    def _pieces(self) -> Pieces:
        return Pieces(self.pool_, self.shots, (self.seed_, Stream.MALLM_SHOTS))

    def _rows_of(self, process: Process, pieces: Pieces, first: int) -> RowWriter:
        """Return who writes rows of a process, from a piece of the real rows on."""
        model = self.model("writer")
        if model is None:
            return GeneratorWriter(self._generator(process), self.writable_)
        return rows_writer(model, self, process, pieces, first)

    def _write(self, request: SampleRequest, result: Result) -> Iterator[pl.DataFrame]:
        target = self.writable_.target
        labelled = target is not None and target in self.writable_
        partition = target_partition(self._real, self.writable_) if labelled else None
        copies = "near" if self.variant == "default" else "equal"
        copies = "none" if self.dry_run_ else copies
        check = self.row_check() if self.variant == "default" else None
        pool = self.pool(request, result, partition=partition, copies=copies, check=check)
        result.details.update(process=self.process_, history=self.history_)
        if self.model("writer") is None:
            writer: RowWriter = self.generator_writer(result, partition)
        else:
            writer = self._rows_of(self.process_, self._pieces(), 0)
        yield from pool.fill(writer)

    # files --------------------------------------------------------------------------------

    def _stored_parameters(self, **changes: Any) -> dict[str, Any]:
        return super()._stored_parameters(process=self.process_.as_data(), **changes)

    def _state(self) -> Artefact:
        state = super()._state()
        return Artefact({**state.facts, "history": self.history_}, state.arrays, state.frames)

    def _restore(self, stored: Artefact) -> None:
        self.generator_ = Synthesizer.restore(part_of("generator", stored))
        self.process_ = Process.from_data(self.process, self.writable_.names)
        self.pool_ = self._shown_rows()
        self.history_ = list(stored.facts["history"])
