"""The family of what stands between labels and their positions, which people dump beside a model.

Nothing is predicted by them: the classes that they know are a model's output.
"""

from typing import Any

import numpy as np

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.attributes import count_classes, known_classes
from iris_deploy.estimators.family import Part
from iris_deploy.schema.outputs import Label, Output

LABEL_ENCODER = "sklearn.preprocessing.LabelEncoder"

ANOMALY = "anomaly"
"""What is told apart where -1 stands for what is unlike the rest, and 1 for the rest."""

ISOLATION_FOREST = "sklearn.ensemble.IsolationForest"

ONE_CLASS_SVM = "sklearn.svm.OneClassSVM"

LOCAL_OUTLIER_FACTOR = "sklearn.neighbors.LocalOutlierFactor"

DETECTORS = (ISOLATION_FOREST, ONE_CLASS_SVM, LOCAL_OUTLIER_FACTOR)
"""What tells anomalies from the rest."""

CLUSTERS = {
    "sklearn.cluster.KMeans": "cluster_centers_",
    "sklearn.cluster.MiniBatchKMeans": "cluster_centers_",
    "sklearn.mixture.GaussianMixture": "means_",
    "sklearn.mixture.BayesianGaussianMixture": "means_",
}
"""What tells clusters apart, and the attribute that has a line for each."""

RADIUS_CLASSIFIER = "sklearn.neighbors.RadiusNeighborsClassifier"

MAX_CLASSES = 10_000
"""Labels of a classifier; each is listed in the manifest and in every description."""


def read_labels(record: Fitted) -> tuple[Label, ...]:
    """Return the classes of a classifier or of a LabelEncoder, in their order.

    Parameters
    ----------
    record : Fitted

    Raises
    ------
    ArtifactError
        If it has none, or any that is neither text, a whole number, true or false.
    """
    classes = _numbered(record)
    if not isinstance(classes, np.ndarray) or classes.ndim != 1:
        raise ArtifactError(
            f"{record.name} does not say which classes it knows",
            hint="name them, in the order of the classifier, with `classes`",
        )
    if len(classes) > MAX_CLASSES:
        raise ArtifactError(
            f"{record.name} knows {len(classes)} classes; expected at most {MAX_CLASSES}"
        )
    return tuple(as_label(record.name, value) for value in classes.tolist())


def what_is_told(record: Fitted) -> str:
    """Return what an estimator tells apart: classes, clusters or anomalies."""
    if record.name in DETECTORS:
        return ANOMALY
    return "cluster" if record.name in CLUSTERS else "class"


def check_detects(record: Fitted, output: Output) -> None:
    """Make sure that an output is that of what tells anomalies from the rest.

    Raises
    ------
    ArtifactError
        If it has other classes than two.
    """
    if count_classes(output) != 2:
        raise ArtifactError(f"{record.name} tells -1 from 1, and the signature has other classes")


def _numbered(record: Fitted) -> object:
    """Return the classes that an estimator knows; clusters have numbers, anomalies -1."""
    if record.name in DETECTORS:
        return np.array([-1, 1])
    centers = record.state.get(CLUSTERS.get(record.name, ""))
    if isinstance(centers, np.ndarray) and centers.ndim:
        return np.arange(len(centers))
    known = known_classes(record)
    if record.name == RADIUS_CLASSIFIER and isinstance(known, np.ndarray) and known.ndim == 1:
        n_known, outlier = find_outlier(record)
        if outlier == n_known:
            return np.array([*known.tolist(), _outlier_label(record)], object)
    return known


def find_outlier(record: Fitted) -> tuple[int, int | None]:
    """Return how many classes a classifier has learned, and which one outliers have.

    That one is behind the others if no sample had it; None where outliers have none.

    Raises
    ------
    ArtifactError
        If it is no label.
    """
    known = known_classes(record)
    plain = known.tolist() if isinstance(known, np.ndarray) and known.ndim == 1 else []
    label = _outlier_label(record)
    if label is None:
        return len(plain), None
    alike = (k for k, c in enumerate(plain) if isinstance(c, (str, int, float)) and c == label)
    return len(plain), next(alike, len(plain))


def _outlier_label(record: Fitted) -> Label | None:
    """Return the label of outliers; releases before 0.22 have the parameter alone."""
    held = record.state.get("outlier_label_", record.state.get("outlier_label"))
    if isinstance(held, np.ndarray):
        held = held.tolist()
    label = held[0] if isinstance(held, (list, tuple)) and len(held) == 1 else held
    return None if label is None else as_label(record.name, label)


def as_label(owner: str, value: Any) -> Label:
    """Return a class as clients get it.

    Parameters
    ----------
    owner : str
        Who knows it, by which an error names it.
    value : object

    Raises
    ------
    ArtifactError
        If it is neither text, a whole number, true nor false.
    """
    if type(value) in {str, int, bool}:
        label: Label = value
        return label
    if type(value) is float and value.is_integer():
        return int(value)
    raise ArtifactError(
        f"{owner} has the class {value!r:.40}; expected text, whole numbers, true or false",
        hint="name them, in the order of the classifier, with `classes`",
    )


FAMILY = (
    Part(
        name="sklearn.preprocessing.LabelBinarizer",
        modules=("sklearn.preprocessing._label", "sklearn.preprocessing.label"),
    ),
    Part(
        name=LABEL_ENCODER, modules=("sklearn.preprocessing._label", "sklearn.preprocessing.label")
    ),
)
