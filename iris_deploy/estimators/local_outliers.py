"""The family of local outlier factors: what is in a sparser place than its neighbours."""

import math

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import fitted_floats, read_flag, read_number
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.labels import LOCAL_OUTLIER_FACTOR, check_detects
from iris_deploy.estimators.samples import (
    REFUSED_METRICS,
    read_count,
    read_metric,
    read_sample_tree,
    read_samples,
)
from iris_deploy.kernels.distances import prepare
from iris_deploy.kernels.local_outliers import LocalOutlierKernel
from iris_deploy.schema.outputs import Output


def _local_outlier_factor(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    check_detects(record, output)
    if not read_flag(record, "novelty", default=False):
        raise ArtifactError(
            f"{record.name} has novelty=False, and predicts nothing of new rows",
            hint="fit it with novelty=True",
        )
    samples = read_samples(record, features)
    k, n_samples = read_count(record, "n_neighbors_", samples), samples.shape[1]
    reaches = fitted_floats(record, "_distances_fit_X_", (n_samples, k))[:, -1]
    densities = fitted_floats(record, "_lrd", (n_samples,))
    offset = read_number(record, "offset_", math.nan)
    if not math.isfinite(offset):
        raise ArtifactError(f"{record.name} has the offset_ {offset}; expected a finite number")
    # Samples with the same figures need no order where they are at the same distance.
    figures, kinds = np.unique(np.stack((reaches, densities)), axis=1, return_inverse=True)
    metric = read_metric(record)
    kernel = LocalOutlierKernel(
        features.transform,
        prepare(samples, metric),
        kinds.ravel().astype(np.int64),
        1,
        k,
        metric,
        by_distance=False,
        tree=read_sample_tree(record, samples),
        rule="least",
        reaches=figures[0],
        densities=figures[1],
        offset=offset,
    )
    return Model(kernel=kernel)


FAMILY = (
    Predicting(
        name=LOCAL_OUTLIER_FACTOR,
        modules=("sklearn.neighbors._lof", "sklearn.neighbors.lof"),
        task="classification",
        read=_local_outlier_factor,
        since="0.20",
        ulp=16,
        refused=f"novelty=False, {REFUSED_METRICS}",
        cases=(),
    ),
)
