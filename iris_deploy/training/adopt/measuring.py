"""What a sample with targets says of a model: their ranges, and how it does."""

from typing import TYPE_CHECKING

import msgspec

from iris_deploy.bundle.evaluation import Evaluation
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Floats
from iris_deploy.schema.outputs import NumberOutput, OneOutput, Output, SeveralOutputs
from iris_deploy.training.adopt.samples import encode_sample
from iris_deploy.training.bundles import see_target
from iris_deploy.training.held_out import measure_table
from iris_deploy.training.target import read_target

if TYPE_CHECKING:
    import pyarrow as pa


def see_outputs(output: Output, sample: "pa.Table") -> Output:
    """Return an output with the range of its numbers, where the sample has them.

    Parameters
    ----------
    output : Output
    sample : pyarrow.Table
    """
    if isinstance(output, SeveralOutputs):
        return SeveralOutputs(outputs=tuple(_see(each, sample) for each in output.outputs))
    return _see(output, sample)


def _see(output: OneOutput, sample: "pa.Table") -> OneOutput:
    if not isinstance(output, NumberOutput) or output.name not in sample.column_names:
        return output
    seen = see_target(read_target(sample, output.name, output.task).y)
    return msgspec.structs.replace(output, seen=seen)


def measure_sample(predictor: Predictor, sample: "pa.Table") -> tuple[Floats, Evaluation | None]:
    """Return the rows of a sample, and figures if it has a column of each target.

    Parameters
    ----------
    predictor : Predictor
    sample : pyarrow.Table

    Raises
    ------
    DatasetError
        If a target is not what the predictor predicts.
    """
    targets = {part.output.name for part in predictor.signature.parts}
    if not targets <= {*sample.column_names}:
        return encode_sample(sample, predictor.signature.columns), None
    rows, _, evaluation = measure_table(predictor, sample)
    return rows, evaluation
