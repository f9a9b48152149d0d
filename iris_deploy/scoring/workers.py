"""How many workers score, of which kind, and how much of the memory each piece may take."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.clusters import DASK, SPARK
from iris_deploy.errors import SettingsError
from iris_deploy.schema.signature import Signature
from iris_deploy.scoring.csv_blocks import DELIMITERS
from iris_deploy.scoring.engines.cluster import Cluster
from iris_deploy.scoring.engines.dask import Dask
from iris_deploy.scoring.engines.engine import Engine
from iris_deploy.scoring.engines.processes import Processes
from iris_deploy.scoring.engines.spark import Spark
from iris_deploy.scoring.engines.threads import Threads
from iris_deploy.scoring.inputs import Input, Size
from iris_deploy.scoring.line_blocks import LINES
from iris_deploy.scoring.memory import plan_size
from iris_deploy.scoring.pieces import Source
from iris_deploy.scoring.scorer import Scorer
from iris_deploy.scoring.settings import ScoreSettings

_CLUSTERS: Final[dict[str, Callable[[Path, str, str], Cluster]]] = {DASK: Dask, SPARK: Spark}
_HEAVY: Final = 2000  # operations for a row, from which on processes pay
_SMALL: Final = 16 << 20  # bytes of input, below which they do not


@dataclass(frozen=True, slots=True)
class Workers:
    """Workers, and how much they may take at a time.

    Parameters
    ----------
    engine : Engine
    text, columns : Size
        Of pieces of text, and of columns.
    """

    engine: Engine
    text: Size
    columns: Size

    def size_of(self, source: Source) -> Size:
        """Return how large pieces of a file may be."""
        return self.text if source.suffix in {*DELIMITERS, *LINES} else self.columns


@contextmanager
def start_workers(
    bundle: Bundle,
    scorer: Scorer,
    settings: ScoreSettings,
    inputs: Sequence[Input],
    targets: Iterable[str],
) -> Iterator[Workers]:
    """Start workers: on a cluster if there is one, else on this machine.

    Raises
    ------
    SettingsError
        If the memory is too little.
    ClusterError
        If the cluster is not there, or cannot be used.
    """
    signature = bundle.manifest.signature
    given = bundle.path, bundle.manifest.digest
    if settings.cluster is not None:
        kind, address = settings.cluster
        cluster = _CLUSTERS[kind](*given, address)
        engine: Engine = cluster
        count, processes = cluster.count, False
    else:
        heavy = _is_heavy(bundle, inputs, targets)
        count, processes = _choose(settings, signature, heavy=heavy)
        engine = Processes(*given, count) if processes else Threads(scorer, count)
    with closing(engine):
        sizes = _sizes(settings, signature, count, processes=processes)
        yield Workers(engine, *sizes)


def _is_heavy(bundle: Bundle, inputs: Sequence[Input], targets: Iterable[str]) -> bool:
    """Tell whether Python does the work, and there is much of it."""
    large = sum(each.n_bytes for each in inputs) >= _SMALL
    used = {*targets, *(each.format.suffix for each in inputs)}
    in_python = not used.isdisjoint(LINES) or bundle.manifest.signature.has_text
    return large and (in_python or bundle.predictor.sums >= _HEAVY)


def _choose(settings: ScoreSettings, signature: Signature, *, heavy: bool) -> tuple[int, bool]:
    """Return how many workers there are to be, and whether they are processes."""
    count = settings.workers or len(os.sched_getaffinity(0))
    while True:
        processes = heavy and count > 1
        try:
            _sizes(settings, signature, count, processes=processes)
        except SettingsError:
            if settings.workers or count == 1:
                raise
            count -= 1
        else:
            return count, processes


def _sizes(
    settings: ScoreSettings, signature: Signature, count: int, *, processes: bool
) -> tuple[Size, Size]:
    text, columns = (
        plan_size(
            settings.memory,
            signature,
            workers=count,
            processes=processes,
            textual=textual,
            model=settings.model,
        )
        for textual in (True, False)
    )
    return text, columns
