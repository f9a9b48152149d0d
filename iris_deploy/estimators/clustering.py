"""The family of clusters around centres: a row belongs to the nearest."""

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import count_classes, fitted_floats
from iris_deploy.estimators.centroids import choose_nearest
from iris_deploy.estimators.family import Model, Predicting, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.estimators.labels import CLUSTERS
from iris_deploy.schema.outputs import Output


def _clusters(record: Fitted, features: Features, output: Output, _: Reading) -> Model:
    features.check_numbers(record.name)
    features.check_filled(record.name)
    centers = record.state.get("cluster_centers_")
    if isinstance(centers, np.ndarray) and centers.dtype == np.float32:
        raise ArtifactError(
            f"{record.name} was fitted to floats of 32 bits",
            hint="fit it to floats of 64 bits, or let scikit-learn predict",
        )
    shape = (count_classes(output), features.width)
    return choose_nearest(record, features, fitted_floats(record, "cluster_centers_", shape))


FAMILY = tuple(
    Predicting(
        name=name,
        modules=("sklearn.cluster._kmeans", "sklearn.cluster.k_means_"),
        task="classification",
        read=_clusters,
        refused="centres of 32 bits",
        cases=(),
    )
    for name in CLUSTERS
)
