"""Axes: what is projected, proposed by BLAS and decided exactly, and what is refused."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators import features
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.kernels.affine import Affine
from iris_deploy.kernels.linear import LinearKernel
from iris_deploy.kernels.scores import decide
from iris_deploy.schema.outputs import Output
from iris_deploy.schema.signature import Signature
from tests import data
from tests.signatures import NUMBER, classes, number
from tests.unit.test_network import between


def signature(output: Output) -> Signature:
    return Signature(columns=tuple(map(number, data.NAMES)), output=output)


AFFINE: dict[str, Any] = {
    "components": make_pipeline(StandardScaler(), PCA(3), LogisticRegression()),
    "whitened": make_pipeline(PCA(4, whiten=True), MinMaxScaler(), LogisticRegression()),
    "vectors": make_pipeline(TruncatedSVD(4, random_state=0), LogisticRegression()),
    "axes of classes": make_pipeline(LinearDiscriminantAnalysis(), LogisticRegression()),
    "eigenvectors": make_pipeline(
        LinearDiscriminantAnalysis(solver="eigen", n_components=1), LogisticRegression()
    ),
    "side by side": make_pipeline(
        FeatureUnion([("few", PCA(2)), ("all", StandardScaler()), ("again", PCA(3))]),
        LogisticRegression(),
    ),
}


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", AFFINE)
def test_labels_of_rows_between_classes_are_those_of_exact_sums(name: str, n_classes: int) -> None:
    pipeline = clone(AFFINE[name]).set_params(logisticregression__max_iter=1000)
    pipeline.fit(data.numbers(), data.labels(n_classes, "number"))
    predictor = Predictor(signature(classes(*range(n_classes))), [data.read(pipeline)])
    kernel, rows = predictor._kernel, between(predictor)
    assert isinstance(kernel, LinearKernel)
    assert isinstance(kernel._affine, Affine)
    exact = kernel.columns(rows)
    labels = predictor.outcomes(rows).tolist()
    assert labels == decide(exact, kernel.rule).tolist()
    assert labels == [predictor.decide(row)[0] for row in rows.tolist()]
    far = np.concatenate([data.numbers(), data.numbers() * 1e8, data.numbers() * 1e-8])
    for part in (far[:300], far[300:600], far):
        scores, margins = kernel._affine.propose(part)
        assert (np.abs(scores - kernel.columns(part)).max(axis=0) <= margins).all()
    assert predictor.values(far) == pipeline.predict(far).tolist()


def test_one_value_beyond_all_others_leaves_its_rows_to_exact_sums() -> None:
    pipeline = clone(AFFINE["components"]).fit(data.numbers(), data.labels(3, "number"))
    predictor = Predictor(signature(classes(0, 1, 2)), [data.read(pipeline)])
    rows = np.concatenate([data.numbers(), np.full((1, 5), 1e99)])
    assert predictor.values(rows) == pipeline.predict(rows).tolist()


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "axes of others": (PCA(2), {"components_": np.ones((2, 4))}, "components_ of shape"),
    "no axes": (PCA(2), {"components_": np.ones((0, 5))}, "expected axes"),
    "a line": (TruncatedSVD(2), {"components_": np.ones(5)}, "expected axes"),
    "no mean": (PCA(2), {"mean_": None}, "has no mean_"),
    "variances of others": (
        PCA(2, whiten=True),
        {"explained_variance_": np.ones(3)},
        "explained_variance_ of shape",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_axes_that_do_not_fit_are_refused(name: str) -> None:
    transformer, changes, words = REFUSED[name]
    pipeline = make_pipeline(clone(transformer), Ridge()).fit(data.numbers(), data.target())
    record = data.read(pipeline)
    steps: Any = record.state["steps"]
    steps[0][1].state.update(changes)
    with pytest.raises(ArtifactError, match=words):
        Predictor(signature(NUMBER), [record])


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"solver": "lsqr"}, "transforms nothing"), ({"_max_components": 0}, "no _max_components")],
)
def test_a_discriminant_analysis_without_axes_is_refused(
    changes: dict[str, Any], words: str
) -> None:
    pipeline = make_pipeline(LinearDiscriminantAnalysis(), LogisticRegression())
    record = data.read(pipeline.fit(data.numbers(), data.labels(3, "number")))
    steps: Any = record.state["steps"]
    steps[0][1].state.update(changes)
    with pytest.raises(ArtifactError, match=words):
        Predictor(signature(classes(0, 1, 2)), [record])


def test_axes_that_a_dump_names_again_and_again_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    axes = PCA(5).fit(data.numbers())
    for pipeline in (
        make_pipeline(*[axes] * 9, Ridge()),
        make_pipeline(FeatureUnion([(str(k), axes) for k in range(9)]), Ridge()),
    ):
        record = data.read(pipeline.fit(data.numbers(), data.target()))
        monkeypatch.undo()
        assert Predictor(signature(NUMBER), [record]).sums > 200
        monkeypatch.setattr(features, "MAX_MIXED", 200)
        with pytest.raises(ArtifactError, match="by more than 200 operations"):
            Predictor(signature(NUMBER), [record])
