"""Files scored: the order in which it is done."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack

import pyarrow as pa

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.codec.suffixes import Format, read_format
from iris_deploy.errors import ScoringError
from iris_deploy.schema.problems import summarize
from iris_deploy.scoring.inputs import ARROW, Input, Wish
from iris_deploy.scoring.line_blocks import LINES
from iris_deploy.scoring.outputs import Group, Output, plan_groups
from iris_deploy.scoring.pieces import Job, PieceError, Scored, Source
from iris_deploy.scoring.readers import open_reader
from iris_deploy.scoring.report import Report, build_report, describe_bad
from iris_deploy.scoring.scorer import Scorer, refuse_rows
from iris_deploy.scoring.settings import ScoreSettings
from iris_deploy.scoring.sinks import Sink, mark_success, name_columns, open_sink
from iris_deploy.scoring.streams import STANDARD
from iris_deploy.scoring.tally import Counts, Tally
from iris_deploy.scoring.workers import Workers, start_workers

Tell = Callable[[int, float], None]
"""Is told how many rows are scored, and which share of all files is read."""


def score_files(
    bundle: Bundle, inputs: Sequence[Input], output: Output, settings: ScoreSettings, tell: Tell
) -> Report:
    """Score files into one, or each into one of a folder.

    Parameters
    ----------
    bundle : Bundle
    inputs : sequence of Input
        In the order in which their rows stand in a file; then all with the same columns.
    output : Output
    settings : ScoreSettings
    tell : callable
        See `Tell`.

    Returns
    -------
    Report

    Raises
    ------
    ScoringError, DatasetError, SettingsError
        If anything cannot be read, does not fit, or cannot be written. No file of the output is
        there then that is not whole.
    """
    begun = time.monotonic()
    groups = plan_groups(inputs, output)
    for group in groups:
        _look(group, _wish(bundle, group, output, settings))
    todo = [each for group in groups for each in group.inputs]
    scorer = Scorer(bundle.predictor)
    targets = {group.format.suffix for group in groups}
    with ExitStack() as stack:
        workers = stack.enter_context(start_workers(bundle, scorer, settings, todo, targets))
        bad = _open_bad(output, stack)
        tally = Tally(bundle.manifest.signature)
        run = _Run(scorer, workers, settings, bad, tell, todo, tally.nothing())
        for group in groups:
            run.score(group, _wish(bundle, group, output, settings))
    if output.is_folder:
        mark_success(output.path)
    return build_report(tally, run.counts, files=len(todo), seconds=time.monotonic() - begun)


def _wish(bundle: Bundle, group: Group, output: Output, settings: ScoreSettings) -> Wish:
    return Wish(
        bundle.manifest.signature,
        settings.keep,
        _target(group.format),
        settings.missing,
        joins=not output.is_folder,
    )


def _target(form: Format) -> str:
    """Return what who scores pieces makes of them: text, or columns."""
    return ARROW if form.suffix == ".parquet" else form.suffix


def _look(group: Group, wish: Wish) -> None:
    """Open every input once: what is wrong with the last is better known before than after."""
    first: Source | None = None
    for each in group.inputs:
        if each.path != STANDARD:
            with open_reader(each, _wish_more(wish, first)) as reader:
                first = first or reader.source
                _check_same(first, reader.source, wish)


def _wish_more(wish: Wish, first: Source | None) -> Wish:
    """Return what is wanted of an input after the first: the same columns, in the same order."""
    if first is None or (first.as_lines and first.suffix in LINES):
        return wish
    return wish._replace(keep=tuple(first.carried.names))


def _check_same(first: Source, other: Source, wish: Wish) -> None:
    """Refuse an input whose columns are others than those of the first."""
    if first.as_lines and first.suffix in LINES:
        return
    more = set(other.match.names) - set(first.match.names) if wish.keep is None else set()
    wrong = [f"{name} is in this file only" for name in sorted(more)]
    for field in first.carried:
        kind = other.carried.field(field.name).type
        if kind != field.type:
            wrong.append(f"{field.name} is {kind}, and {field.type} in {first.name}")
    if wrong:
        raise ScoringError(
            f"{other.name} has other columns than {first.name}: {summarize(wrong, more=False)}",
            hint="score them one by one, or name the columns to carry along with `keep`",
        )


def _open_bad(output: Output, stack: ExitStack) -> Sink | None:
    if output.bad is None:
        return None
    form = Format(".jsonl", read_format(output.bad, LINES).compression)
    return stack.enter_context(open_sink(output.bad, form, pa.schema([])))


class _Run:
    """Write what is scored, and count it."""

    def __init__(
        self,
        scorer: Scorer,
        workers: Workers,
        settings: ScoreSettings,
        bad: Sink | None,
        tell: Tell,
        inputs: Sequence[Input],
        nothing: Counts,
    ) -> None:
        self.counts = nothing
        self._added = scorer.added(details=settings.details)
        self._workers, self._settings, self._bad, self._tell = workers, settings, bad, tell
        self._total = sum(each.n_bytes for each in inputs)
        self._done = 0

    def score(self, group: Group, wish: Wish) -> None:
        """Score the inputs of one file."""
        first: Source | None = None
        with ExitStack() as stack:
            for each in group.inputs:
                with open_reader(each, _wish_more(wish, first)) as reader:
                    source = reader.source
                    if first is None:
                        first = source
                        schema = name_columns(source.carried, self._added)
                        sink = stack.enter_context(open_sink(group.path, group.format, schema))
                    _check_same(first, source, wish)
                    job = self._job(source, wish)
                    pieces = reader.pieces(self._workers.size_of(source))
                    self._write(job, each, self._workers.engine.score(job, pieces), sink)

    def _job(self, source: Source, wish: Wish) -> Job:
        own = self._settings
        keep_bad = self._bad is not None
        return Job(source, wish.target, own.details, own.on_bad, keep_bad)

    def _write(
        self, job: Job, given: Input, scored: Iterable[tuple[Scored, float]], sink: Sink
    ) -> None:
        n_rows, n_bytes = 0, given.n_bytes  # which a store is asked for
        try:
            for piece, share in scored:
                if piece.data is None:
                    raise refuse_rows(job.source, n_rows, piece.bad)
                sink.write(piece.data)
                if self._bad is not None:
                    for row in piece.bad:
                        self._bad.write(describe_bad(job.source, n_rows, row))
                n_rows += piece.counts.n_rows
                self.counts += piece.counts
                done = self._done + share * n_bytes
                self._tell(self.counts.n_rows, done / self._total if self._total else 0.0)
        except PieceError as exc:  # only here it is known how many rows are before it
            message = f"{given.name}: row {n_rows + exc.row + 1:,} {exc.message}"
            raise ScoringError(message, hint=exc.hint) from exc
        self._done += n_bytes
