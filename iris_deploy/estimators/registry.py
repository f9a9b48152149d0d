"""The families of estimators that there are: one line for each.

A new one is a module like scaling.py, and its line here. A family is loaded when a dump names
something of it: a server needs one or two, and each takes a millisecond or several.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module

from iris_deploy.dumps.formats import OWN_FORMATS, SKOPS, recognise
from iris_deploy.dumps.names import NAMES, Classes
from iris_deploy.dumps.records import Fitted
from iris_deploy.dumps.unpack import MAX_DUMP_BYTES, read_dump, unpack
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators import labels, losses, search
from iris_deploy.estimators.family import Part

LINES: dict[str, str] = {
    "scaling": "StandardScaler MinMaxScaler MaxAbsScaler RobustScaler Normalizer Binarizer",
    "imputing": "SimpleImputer MissingIndicator float",
    "encoding": "OneHotEncoder OrdinalEncoder",
    "discretizing": "KBinsDiscretizer",
    "splines": "SplineTransformer BSpline _BSpline asarray",
    "target_encoding": "TargetEncoder",
    "selection": (
        "VarianceThreshold SelectKBest SelectPercentile SelectFpr SelectFdr SelectFwe "
        "SelectFromModel RFE RFECV SequentialFeatureSelector f_classif f_regression "
        "r_regression chi2 mutual_info_classif mutual_info_regression"
    ),
    "decomposition": "PCA IncrementalPCA TruncatedSVD",
    "expansion": "PolynomialFeatures PowerTransformer QuantileTransformer",
    "composition": (
        "Pipeline ColumnTransformer FeatureUnion FunctionTransformer make_column_selector "
        "slice float64"
    ),
    "linear": (
        "Perceptron LogisticRegression SGDClassifier RidgeClassifier RidgeClassifierCV "
        "LogisticRegressionCV PassiveAggressiveClassifier LinearSVC LinearDiscriminantAnalysis"
    ),
    "naive_bayes": "MultinomialNB ComplementNB BernoulliNB CategoricalNB",
    "gaussian": "GaussianNB QuadraticDiscriminantAnalysis",
    "regression": (
        "LinearRegression Ridge RidgeCV Lasso LassoCV ElasticNet ElasticNetCV Lars LassoLars "
        "OrthogonalMatchingPursuit BayesianRidge ARDRegression SGDRegressor "
        "PassiveAggressiveRegressor HuberRegressor QuantileRegressor TheilSenRegressor "
        "RANSACRegressor PoissonRegressor GammaRegressor TweedieRegressor LinearSVR"
    ),
    "svm": "SVC NuSVC SVR NuSVR OneClassSVM",
    "neighbors": (
        "KNeighborsClassifier KNeighborsRegressor RadiusNeighborsClassifier "
        "RadiusNeighborsRegressor LocalOutlierFactor KDTree BallTree newObj EuclideanDistance "
        "EuclideanDistance64 ManhattanDistance ManhattanDistance64 ChebyshevDistance "
        "ChebyshevDistance64 MinkowskiDistance MinkowskiDistance64"
    ),
    "centroids": "NearestCentroid",
    "network": "MLPClassifier MLPRegressor AdamOptimizer SGDOptimizer",
    "targets": "TransformedTargetRegressor absolute exp expm1 log log1p sqrt square",
    "trees": (
        "DecisionTreeClassifier ExtraTreeClassifier RandomForestClassifier "
        "ExtraTreesClassifier DecisionTreeRegressor ExtraTreeRegressor RandomForestRegressor "
        "ExtraTreesRegressor Tree"
    ),
    "boosting": "GradientBoostingClassifier GradientBoostingRegressor",
    "hist_boosting": (
        "HistGradientBoostingClassifier HistGradientBoostingRegressor TreePredictor _BinMapper"
    ),
    "xgboost": (
        "XGBClassifier XGBRegressor XGBRFClassifier XGBRFRegressor Booster XGBoostLabelEncoder"
    ),
    "lightgbm": "LGBMClassifier LGBMRegressor Booster LGBMLabelEncoder list",
    "ensembles": "VotingClassifier VotingRegressor BaggingClassifier BaggingRegressor Bunch",
    "calibrating": ("CalibratedClassifierCV _CalibratedClassifier _SigmoidCalibration"),
    "isotonic": "IsotonicRegression",
    "stacking": "StackingClassifier StackingRegressor",
    "adaptive_boosting": "AdaBoostClassifier AdaBoostRegressor",
    "multiclass": "OneVsRestClassifier OneVsOneClassifier",
    "multioutput": "MultiOutputClassifier MultiOutputRegressor ClassifierChain RegressorChain",
    "isolation": "IsolationForest",
    "clustering": "KMeans MiniBatchKMeans GaussianMixture BayesianGaussianMixture",
    "dummy": "DummyClassifier DummyRegressor",
    "text": "CountVectorizer TfidfVectorizer TfidfTransformer dia_matrix int64 float32",
    "hashing": "HashingVectorizer",
    "fields": "DictVectorizer",
    "thresholds": (
        "FixedThresholdClassifier TunedThresholdClassifierCV MetadataRequest "
        "MethodMetadataRequest _CurveScorer"
    ),
}
"""What each family reads, by the names of classes and functions without their modules."""

_AT_ONCE = (losses.FAMILY, labels.FAMILY, search.FAMILY)
"""Families without arithmetic."""

_HINT = (
    "iris-deploy inspect shows what is in it, docs/families.md what is supported; nothing of the "
    "file was run. Of a file that you trust scikit-learn itself may predict: import it with "
    "`runtime` scikit-learn"
)


class _Families(Mapping[tuple[str, str], str]):
    """Public names of the classes that a dump may name, by module and name; loaded when asked."""

    def __init__(self) -> None:
        self.known: dict[str, Part] = {}
        self._classes: dict[tuple[str, str], str] = {}
        self._waiting: dict[str, list[str]] = {}
        for family, names in LINES.items():
            for name in names.split():
                self._waiting.setdefault(name, []).append(family)
        for parts in _AT_ONCE:
            self._add(parts)

    def __getitem__(self, key: tuple[str, str]) -> str:
        """Return the public name of a class."""
        self.load(key[1])
        return self._classes[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield what is loaded."""
        return iter(self._classes)

    def __len__(self) -> int:
        """Return how many are loaded."""
        return len(self._classes)

    def load(self, name: str) -> None:
        """Load the families that read something of a name."""
        for family in self._waiting.pop(name, ()):
            self._add(import_module(f"iris_deploy.estimators.{family}").FAMILY)

    def _add(self, parts: Sequence[Part]) -> None:
        for part in parts:
            self.known[part.name] = part
            short = part.name.rpartition(".")[2]
            self._classes |= {(module, short): part.name for module in part.modules}


_CLASSES = _Families()


def all_families() -> dict[str, tuple[Part, ...]]:
    """Load all families, and return what each reads, by its name."""
    lazy = {name: import_module(f"iris_deploy.estimators.{name}").FAMILY for name in LINES}
    at_once = dict(zip(("losses", "labels", "search"), _AT_ONCE, strict=True))
    return lazy | at_once


def find(name: str) -> Part | None:
    """Return what is known of a class by its public name."""
    _CLASSES.load(name.rpartition(".")[2])
    return _CLASSES.known.get(name)


def is_read(module: str, name: str) -> bool:
    """Tell whether a name of a dump is in the list of what is read."""
    return (module, name) in _CLASSES or (module, name) in NAMES


def public_name(module: str, name: str) -> str:
    """Return the public name of a class, or its own if none is known."""
    return _CLASSES.get((module, name), f"{module}.{name}")


def read_value(data: bytes, *, limit: int = MAX_DUMP_BYTES) -> object:
    """Read what a file holds; see `read_plain`.

    Parameters
    ----------
    data : bytes
        The whole file.
    limit : int
        Largest size when decompressed; bytes.

    Raises
    ------
    ArtifactError
        See `dumps.unpack.unpack`, too.
    """
    return read_plain(unpack(data, limit))


def read_plain(plain: bytes, classes: Classes = _CLASSES, hint: str = _HINT) -> object:
    """Read what a file holds: estimators of families and plain values, or a model.

    A pickle, or an archive of skops.

    Models are those that XGBoost and LightGBM write in formats of their own.

    Parameters
    ----------
    plain : bytes
        The whole file, unpacked.
    classes : mapping of (str, str) to str
        Public names of the classes that it may name, if not those of the families.
    hint : str
        Which these are, for whoever has others.

    Raises
    ------
    ArtifactError
        See `dumps.unpack.read_dump`.
    """
    kind = recognise(plain)
    if kind is SKOPS:
        from iris_deploy.dumps.skops import read_skops

        return read_skops(plain, classes, hint=f"{hint}, dumped by joblib")
    if kind in OWN_FORMATS:
        from iris_deploy.estimators.own_formats import read_own_format

        model = read_own_format(plain)
        if model is not None:
            return model
    return read_dump(plain, classes, hint=hint)


def read_estimator(
    data: bytes, path: Sequence[str | int] = (), *, limit: int = MAX_DUMP_BYTES
) -> Fitted:
    """Read the fitted estimator of a family that a dump holds.

    Parameters
    ----------
    data, limit
        See `read_value`.
    path : sequence of str or int
        Keys and positions that lead to it, in a dump of several.

    Raises
    ------
    ArtifactError
        Also if there is none.
    """
    value = read_value(data, limit=limit)
    for key in path:
        inside = isinstance(value, dict) or (isinstance(value, (list, tuple)) and type(key) is int)
        try:
            value = value[key] if inside else None  # type: ignore[index]
        except LookupError:
            value = None
    if not isinstance(value, Fitted):
        where = "".join(f"[{key!r:.40}]" for key in path)
        raise ArtifactError(
            f"expected a fitted estimator in the dump{where and ' at '}{where}, "
            f"got {type(value).__name__}",
            hint="dump the fitted estimator itself",
        )
    return value
