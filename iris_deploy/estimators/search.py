"""The family of searches for parameters: each is the best estimator that it has found.

What it searched with comes along in the dump and is never looked at.
"""

from iris_deploy.dumps.records import Fitted
from iris_deploy.estimators.attributes import read_record
from iris_deploy.estimators.family import Composite, Model, Part, Reading
from iris_deploy.estimators.features import Features
from iris_deploy.schema.outputs import Output


def _transform(record: Fitted, features: Features, reading: Reading) -> Features:
    return reading.transform(read_record(record, "best_estimator_"), features)


def _predict(record: Fitted, features: Features, output: Output, reading: Reading) -> Model:
    return reading.predict(read_record(record, "best_estimator_"), features, output)


def _search(name: str, module: str, since: str = "0.19") -> Composite:
    return Composite(
        name=f"sklearn.model_selection.{name}",
        modules=(f"sklearn.model_selection.{module}",),
        transform=_transform,
        predict=_predict,
        since=since,
        refused="refit=False",
    )


def _parts(public: str, modules: tuple[str, ...], names: str) -> tuple[Part, ...]:
    return tuple(Part(name=f"{public}.{name}", modules=modules) for name in names.split())


_SPLITTERS = (
    "KFold StratifiedKFold GroupKFold StratifiedGroupKFold RepeatedKFold RepeatedStratifiedKFold "
    "ShuffleSplit StratifiedShuffleSplit GroupShuffleSplit LeaveOneOut LeavePOut LeaveOneGroupOut "
    "TimeSeriesSplit PredefinedSplit _CVIterableWrapper"
)
_SCORERS = (
    "_Scorer _PredictScorer _ProbaScorer _ThresholdScorer _PassthroughScorer _MultimetricScorer "
    "_passthrough_scorer"
)
_OF_CLASSES = (
    "accuracy_score balanced_accuracy_score f1_score fbeta_score precision_score recall_score "
    "jaccard_score matthews_corrcoef cohen_kappa_score log_loss brier_score_loss hamming_loss "
    "zero_one_loss"
)
_OF_RANKS = (
    "roc_auc_score average_precision_score top_k_accuracy_score ndcg_score dcg_score "
    "label_ranking_average_precision_score"
)
_OF_NUMBERS = (
    "r2_score mean_squared_error root_mean_squared_error mean_absolute_error max_error "
    "median_absolute_error explained_variance_score mean_squared_log_error "
    "root_mean_squared_log_error mean_absolute_percentage_error mean_poisson_deviance "
    "mean_gamma_deviance mean_tweedie_deviance d2_absolute_error_score d2_tweedie_score "
    "d2_pinball_score mean_pinball_loss"
)
_DISTRIBUTIONS = "uniform_gen norm_gen expon_gen gamma_gen beta_gen lognorm_gen reciprocal_gen"

FAMILY = (
    _search("GridSearchCV", "_search"),
    _search("RandomizedSearchCV", "_search"),
    _search("HalvingGridSearchCV", "_search_successive_halving", "0.24"),
    _search("HalvingRandomSearchCV", "_search_successive_halving", "0.24"),
    *_parts("sklearn.model_selection", ("sklearn.model_selection._split",), _SPLITTERS),
    *_parts("sklearn.metrics", ("sklearn.metrics._scorer", "sklearn.metrics.scorer"), _SCORERS),
    *_parts(
        "sklearn.metrics",
        ("sklearn.metrics._classification", "sklearn.metrics.classification"),
        _OF_CLASSES,
    ),
    *_parts("sklearn.metrics", ("sklearn.metrics._ranking", "sklearn.metrics.ranking"), _OF_RANKS),
    *_parts(
        "sklearn.metrics",
        ("sklearn.metrics._regression", "sklearn.metrics.regression"),
        _OF_NUMBERS,
    ),
    *_parts(
        "scipy.stats",
        ("scipy.stats._distn_infrastructure",),
        "rv_continuous_frozen rv_discrete_frozen rv_frozen",
    ),
    *_parts("scipy.stats", ("scipy.stats._continuous_distns",), _DISTRIBUTIONS),
    *_parts("scipy.stats", ("scipy.stats._discrete_distns",), "randint_gen"),
    *_parts("numpy.ma", ("numpy.ma.core", "numpy.ma"), "MaskedArray _mareconstruct"),
)
