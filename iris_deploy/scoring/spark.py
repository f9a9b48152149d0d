"""Predictions in a program of Spark's: what ``DataFrame.mapInArrow`` and columns take."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from iris_deploy.bundle.bundle import read_bundle
from iris_deploy.errors import SettingsError, expect
from iris_deploy.scoring.batches import check_types
from iris_deploy.scoring.engines.spark import find_sent, send_bundle
from iris_deploy.scoring.inputs import ARROW
from iris_deploy.scoring.matching import match_columns
from iris_deploy.scoring.pieces import Job, Source
from iris_deploy.scoring.scorer import Scorer, refuse_rows
from iris_deploy.scoring.settings import ON_BAD

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

_FRAME: Final = "the data frame"  # what a file is called elsewhere


class BatchPredictor:
    """Score batches of rows, where Spark runs it; give it to ``DataFrame.mapInArrow``.

    Parameters
    ----------
    name, digest : str
        Of the bundle that was sent.
    added : pyarrow.Schema
        Columns that it adds.
    details : bool
    keep : tuple of str or None
        Columns that are carried along; None for all.
    on_bad : {'fail', 'skip', 'null'}

    Attributes
    ----------
    added : pyarrow.Schema
    """

    __name__ = "predict_batches"  # as Spark's plans show it

    def __init__(
        self,
        name: str,
        digest: str,
        added: pa.Schema,
        *,
        details: bool,
        keep: tuple[str, ...] | None,
        on_bad: str,
    ) -> None:
        self._bundle = name, digest
        self.added = added
        self._details, self._keep, self._on_bad = details, keep, on_bad

    def schema(self, frame: "DataFrame") -> "StructType":
        """Return the columns of a frame that is scored: those that are kept, and the answers.

        Raises
        ------
        SettingsError
            If the frame has one of the columns that are added, or not one that is to be kept.
        """
        from pyspark.sql.types import StructField, StructType

        names = frame.columns if self._keep is None else self._keep
        for name in names:
            expect(name in frame.columns, "keep", f"columns of {_FRAME}", name)
            expect(name not in self.added.names, "keep", "none of those that are added", name)
        added = [StructField(field.name, _spark_type(field.type)) for field in self.added]
        return StructType([*(frame.schema[name] for name in names), *added])

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score batches, each of any number of rows.

        Raises
        ------
        ScoringError
            If columns or rows do not fit; the row is counted within its partition.
        """
        scorer = find_sent(*self._bundle)
        job: Job | None = None
        n_rows = 0
        for batch in batches:
            job = job or self._job(scorer, batch.schema)
            scored = scorer.score(job, batch)
            if scored.data is None:
                raise refuse_rows(job.source, n_rows, scored.bad)
            n_rows += batch.num_rows
            yield _decode(scored.data)

    def _job(self, scorer: Scorer, schema: pa.Schema) -> Job:
        match = match_columns(_FRAME, schema.names, scorer.signature, self._keep)
        check_types(_FRAME, schema, match, scorer.signature)
        carried = pa.schema([schema.field(at) for at in match.kept])
        source = Source(_FRAME, ARROW, match, carried)
        return Job(source, ARROW, self._details, self._on_bad, keep_bad=False)


def predict_batches(
    bundle: str | Path,
    *,
    details: bool = False,
    keep: Sequence[str] | None = None,
    on_bad: str = "fail",
    session: "SparkSession | None" = None,
) -> BatchPredictor:
    """Send a bundle to the executors, and return what scores frames by it.

    Parameters
    ----------
    bundle : str or Path
        Directory of one version, as ``artifacts/iris/1``.
    details : bool
        Whether scores and a count of warnings stand beside each prediction.
    keep : sequence of str or None
        Columns that are carried along; None for all.
    on_bad : {'fail', 'skip', 'null'}
        What becomes of a row that does not fit: an error, no row, or a row without an answer.
    session : pyspark.sql.SparkSession, optional
        The active one.

    Returns
    -------
    BatchPredictor

    Raises
    ------
    BundleError
        If the bundle cannot be read, or is not as it was written.
    SettingsError
        If there is no session, or ``on_bad`` is none of these.

    Examples
    --------
    >>> predict = predict_batches("artifacts/iris/1")  # doctest: +SKIP
    >>> frame.mapInArrow(predict, predict.schema(frame))  # doctest: +SKIP
    """
    expect(on_bad in ON_BAD, "on_bad", f"one of {', '.join(ON_BAD)}", on_bad)
    read = read_bundle(Path(bundle))
    digest = read.manifest.digest
    name = send_bundle(_context(session), read.path, digest)
    added = pa.schema(
        [(each.name, _plain(each.type)) for each in Scorer(read.predictor).added(details=details)]
    )
    kept = None if keep is None else tuple(keep)
    return BatchPredictor(name, digest, added, details=details, keep=kept, on_bad=on_bad)


def predict_column(
    bundle: str | Path, *, on_bad: str = "fail", session: "SparkSession | None" = None
) -> Any:
    """Send a bundle to the executors, and return a function from columns to a prediction.

    Parameters
    ----------
    bundle : str or Path
        Directory of one version, with one output.
    on_bad : {'fail', 'null'}
    session : pyspark.sql.SparkSession, optional

    Returns
    -------
    callable
        A pandas UDF that takes a struct of the columns that the bundle wants, by their names.

    Raises
    ------
    BundleError, SettingsError
        As `predict_batches`; and if there are several outputs.

    Examples
    --------
    >>> predict = predict_column("artifacts/iris/1")  # doctest: +SKIP
    >>> frame.withColumn("species", predict(struct("length", "width")))  # doctest: +SKIP
    """
    import pandas as pd
    from pyspark.sql.functions import pandas_udf

    expect(on_bad in {"fail", "null"}, "on_bad", "fail or null", on_bad)
    score = predict_batches(bundle, keep=(), on_bad=on_bad, session=session)
    if len(score.added) > 1:
        raise SettingsError(
            f"{bundle}: expected a bundle with one output, got {len(score.added)}",
            hint="predict_batches adds a column for each",
        )

    def predict(frame: pd.DataFrame) -> pd.Series:
        given = pa.RecordBatch.from_pandas(frame, preserve_index=False)
        (scored,) = score(iter([given]))
        return pd.Series(scored.column(0).to_pandas())

    return pandas_udf(predict, _spark_type(score.added.types[0]))


def _context(session: "SparkSession | None") -> Any:
    from pyspark.sql import SparkSession

    active = session or SparkSession.getActiveSession()
    if active is None:
        raise SettingsError("there is no active session of Spark", hint="make one first")
    return active.sparkContext


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _decode(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return rows without dictionaries, which Spark does not take."""
    arrays = [
        array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
        for array in batch.columns
    ]
    return pa.record_batch(arrays, batch.schema.names)


def _spark_type(kind: pa.DataType) -> Any:
    from pyspark.sql import types

    known = {
        pa.string(): types.StringType(),
        pa.float64(): types.DoubleType(),
        pa.int64(): types.LongType(),
        pa.int32(): types.IntegerType(),
        pa.bool_(): types.BooleanType(),
    }
    return known[kind]
