"""How `train` makes a bundle: defaults and bounds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import get_args

from iris_deploy.errors import SettingsError, did_you_mean, expect, expect_between
from iris_deploy.runtimes import LEARN, Runtime
from iris_deploy.training.sources.datasets import DEFAULT

MOST_PASSES = 10**6
"""Of the talk's perceptron over its data: ten seconds."""


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How `train` makes a bundle.

    Parameters
    ----------
    dataset : str
        Name in `training.sources.datasets.DATASETS`.
    classifier : str
        Name in `training.classifiers.CLASSIFIERS`.
    test_size : float
        Share of the samples that is held out, between 0 and 1. The talk's 0.3.
    random_state : int
        Seed of the split and of the classifier. The talk's 0.
    max_iter : int or None
        Passes over the data; None for the classifier's own default (40 for the talk's Perceptron).
    eta0 : float or None
        Step size of the Perceptron; None for the talk's 0.1.
    tol : float or None
        Loss improvement below which fitting stops; None for the classifier's own default (for the
        Perceptron: never stop early, as in the talk).
    """

    dataset: str = DEFAULT
    classifier: str = "perceptron"
    test_size: float = 0.3
    random_state: int = 0
    max_iter: int | None = None
    eta0: float | None = None
    tol: float | None = None

    def __post_init__(self) -> None:
        """Refuse values that no estimator could take."""
        expect(0 < self.test_size < 1, "test_size", "a share between 0 and 1", self.test_size)
        expect(
            0 <= self.random_state < 2**32,
            "random_state",
            "a whole number from 0 to 4294967295",
            self.random_state,
        )
        if self.max_iter is not None:
            expect_between("max_iter", self.max_iter, 1, MOST_PASSES)
        if self.eta0 is not None:
            expect(0 < self.eta0 < math.inf, "eta0", "a number above 0", self.eta0)
        if self.tol is not None:
            expect(0 <= self.tol < math.inf, "tol", "0 or more", self.tol)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the user says of columns.

    Parameters
    ----------
    target : str
    number, category, text, drop : tuple of str
        Names of columns that are numbers, categories, texts, or left out.
    units : dict of str to str
        By name.
    """

    target: str
    number: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    units: dict[str, str] | None = None

    def check(self, names: Sequence[str]) -> None:
        """Refuse names that the table has not, and contradictions.

        Raises
        ------
        SettingsError
        """
        given = {
            "target": (self.target,),
            "number": self.number,
            "category": self.category,
            "text": self.text,
            "drop": self.drop,
            "unit": tuple(self.units or ()),
        }
        for option, chosen in given.items():
            for name in chosen:
                if name not in names:
                    raise SettingsError(
                        f"`{option}`: there is no column {name!r:.80}; the table has "
                        f"{', '.join(names[:20])}{' and more' * (len(names) > 20)}"
                        f"{did_you_mean(name, names)}"
                    )
        for one, other in combinations(("number", "category", "text", "drop"), 2):
            for name in set(given[one]) & set(given[other]):
                raise SettingsError(f"`{one}`: {name} is in `{other}` too; leave it out of one")
        if self.target in self.drop:
            raise SettingsError(f"`drop`: {self.target} is the target")


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """How `train` makes a bundle of a table.

    Parameters
    ----------
    choices : Choices
        What columns are.
    task : str or None
        classification or regression; None to tell by the target.
    estimators : tuple of str
        Those to compare; a linear one and boosting if there are none.
    parameters : mapping of str to str
        Of every estimator, as they were typed.
    cv : int
        Folds of the comparison.
    test_size : float
        Share of the samples that is held out, between 0 and 1.
    random_state : int
        Seed of the split, of the folds and of the estimators.
    runtime : {'numpy', 'scikit-learn'}
        What is to predict.
    code : tuple of Path
        Modules that go with the artifacts, if scikit-learn is to predict.
    scheduler : str or None
        Address of a scheduler of Dask, whose workers fit; None for this machine.
    """

    choices: Choices
    task: str | None = None
    estimators: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    cv: int = 5
    test_size: float = 0.3
    random_state: int = 0
    runtime: Runtime = "numpy"
    code: tuple[Path, ...] = ()
    scheduler: str | None = None

    def __post_init__(self) -> None:
        """Refuse values that nothing could be made of."""
        _check_runtime(self.runtime, self.code)
        expect(0 < self.test_size < 1, "test_size", "a share between 0 and 1", self.test_size)
        expect_between("random_state", self.random_state, 0, 2**32 - 1)
        expect_between("cv", self.cv, 2, 100)
        twice = len(set(self.estimators)) < len(self.estimators)
        expect(not twice, "estimator", "each once", ", ".join(self.estimators))
        alone = self.scheduler is not None and len(self.estimators) == 1
        expect(not alone, "scheduler", "several estimators for a cluster to compare", "one")


@dataclass(frozen=True, kw_only=True)
class ImportSettings:
    """How `import` makes a bundle of files.

    Parameters
    ----------
    columns : tuple of str or None
        Names of the columns, in the order in which the first estimator was fitted to them.
    classes : tuple of str or None
        What the classes are called, in the order of the classifier.
    adapter : Path or None
        A TOML file that says what an application did between its clients and the model.
    labels : Path or None
        A file with a LabelEncoder or a list of labels.
    target : str or None
        What is predicted: the output's name, and the sample's column.
    sample : Path or None
        A table of rows that tell what values are like.
    check : bool
        Whether scikit-learn loads the files, and answers are compared.
    expect : Path or None
        A table with answers for the rows of the sample.
    runtime : {'numpy', 'scikit-learn'}
        What is to predict.
    code : tuple of Path
        Modules that go with the files, if scikit-learn is to predict.
    """

    columns: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None
    adapter: Path | None = None
    labels: Path | None = None
    target: str | None = None
    sample: Path | None = None
    check: bool = False
    expect: Path | None = None
    runtime: Runtime = "numpy"
    code: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        _check_runtime(self.runtime, self.code)
        if self.check and self.runtime == LEARN:
            raise SettingsError(
                "`check`: scikit-learn itself predicts, and has nobody to be compared with",
                hint="compare with answers that you have recorded, with `expect`",
            )
        if self.classes is not None and self.labels is not None:
            raise SettingsError("`classes`: `labels` says what they are, too; leave one out")
        if self.expect is not None and self.sample is None:
            raise SettingsError(
                "`expect`: expected the rows that were answered, too",
                hint="name them with `sample`",
            )


def _check_runtime(runtime: str, code: Sequence[Path]) -> None:
    expect(runtime in get_args(Runtime), "runtime", " or ".join(get_args(Runtime)), runtime)
    if code and runtime != LEARN:
        raise SettingsError(
            "`code`: nothing is run where NumPy predicts",
            hint="let scikit-learn predict, with `runtime` scikit-learn",
        )
