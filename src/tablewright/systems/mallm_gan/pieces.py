"""The writer that is a language model: piece by piece of the real rows, in the graph's order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tablewright.llm.endpoint.base import LLM
from tablewright.llm.rows.task import SPLIT, RowTask
from tablewright.schema import Schema
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.prompting import conditions_of
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.row_writer import LanguageModelWriter
from tablewright.systems.mallm_gan.process import Process
from tablewright.systems.mallm_gan.prompts import writer_prompt

if TYPE_CHECKING:
    from tablewright.systems.mallm_gan.system import MALLMGAN

_PARALLEL = 8


@dataclass(frozen=True)
class Pieces:
    """Real rows in pieces, shuffled anew for every pass over them ("batches in a batch").

    Parameters
    ----------
    pool : ndarray of int
        Indices of the real rows that may be shown.
    size : int
        Rows of a piece.
    seed : tuple of int

    Examples
    --------
    >>> pieces = Pieces(np.arange(5), 2, (0,))
    >>> [len(pieces.rows(number)) for number in range(4)]
    [2, 2, 1, 2]
    >>> sorted(np.concatenate([pieces.rows(number) for number in range(3)]).tolist())
    [0, 1, 2, 3, 4]
    """

    pool: NDArray[np.intp]
    size: int
    seed: tuple[int, ...]

    @property
    def per_pass(self) -> int:
        """Pieces of one pass."""
        return -(-len(self.pool) // self.size)

    def rows(self, number: int) -> NDArray[np.intp]:
        """Return the indices of the rows of one piece."""
        turn, piece = divmod(number, self.per_pass)
        order = np.random.default_rng([*self.seed, turn]).permutation(self.pool)
        return order[piece * self.size : (piece + 1) * self.size]

    def batch(self, number: int, n_rows: int) -> tuple[NDArray[np.intp], int]:
        """Return the rows of a batch of pieces, and the number of its first piece."""
        n_rows = min(n_rows, len(self.pool))
        per_batch = -(-n_rows // self.size)
        first = number * per_batch
        pieces = [self.rows(piece) for piece in range(first, first + per_batch)]
        return np.concatenate(pieces)[:n_rows], first


def rows_writer(
    llm: LLM, system: MALLMGAN, process: Process, pieces: Pieces, first: int
) -> LanguageModelWriter:
    """Make the writer of a process; columns are written after those that they depend on."""
    columns = [system.writable_[name] for name in process.graph.order]
    schema = Schema(columns=columns, target=system.writable_.target)
    train = system.train_.select(schema.names)

    def task(sent: int, request: SampleRequest, guidance: Guidance | None) -> RowTask:
        conditions = conditions_of(request.rules, system.schema_, system.train_)
        return RowTask(
            schema,
            table=train,
            examples=lambda batch: train[pieces.rows(first + sent + batch % SPLIT)],
            stage="rows",
            role="writer",
            build=lambda one: writer_prompt(
                one, process, conditions, request, in_numbers=system.variant == "default"
            ),
        )

    parallel = max(_PARALLEL, -(-50 // pieces.size))
    return LanguageModelWriter(
        llm, schema, task, system.row_form,
        per_prompt=pieces.size, parallel=parallel, max_prompts=system.max_prompts,
    )  # fmt: skip
