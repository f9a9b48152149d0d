"""Load datasets and split them.

The only module that knows that the data are irises: names, units and everything else that later
rooms show come from the `Dataset` and then from the manifest.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iris_deploy.errors import DatasetError

if TYPE_CHECKING:  # the command line lists the datasets without paying for NumPy
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples with their classes, and what everything is called.

    Parameters
    ----------
    name : str
        As `load_dataset` takes it.
    model : str
        Name of a model that is trained on it, unless the user gives another.
    subset : str
        What the scaler's file is called after, behind the model's name.
    features : tuple of (str, str or None)
        Name and unit of each column.
    classes : tuple of str
        Names of the classes; ``y`` holds positions in it.
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of int, shape (n_samples,)
    """

    name: str
    model: str
    subset: str
    features: tuple[tuple[str, str | None], ...]
    classes: tuple[str, ...]
    X: "NDArray[np.float64]"
    y: "NDArray[np.int64]"

    def digest(self) -> str:
        """Return ``sha256:`` and the digest of names, units, values and classes."""
        names = json.dumps([self.features, self.classes, self.X.shape]).encode()
        values = self.X.astype("<f8").tobytes() + self.y.astype("<i8").tobytes()
        return f"sha256:{hashlib.sha256(names + values).hexdigest()}"


@dataclass(frozen=True, eq=False)
class Samples:
    """A dataset cut in two.

    Parameters
    ----------
    X_train, X_test : ndarray of shape (n_train, n_features), (n_test, n_features)
    y_train, y_test : ndarray of int, shape (n_train,), (n_test,)
    test_digest : str
        ``sha256:`` and the digest of which samples are held out.
    """

    X_train: "NDArray[np.float64]"
    X_test: "NDArray[np.float64]"
    y_train: "NDArray[np.int64]"
    y_test: "NDArray[np.int64]"
    test_digest: str


def load_dataset(name: str) -> Dataset:
    """Load a dataset by its name.

    Raises
    ------
    DatasetError
        If there is none of this name.
    """
    try:
        _, load = DATASETS[name]
    except KeyError:
        raise DatasetError(f"no dataset {name!r}; there is: {', '.join(DATASETS)}") from None
    return load(name)


def split_dataset(dataset: Dataset, test_size: float, random_state: int) -> Samples:
    """Hold out a random share of the samples.

    Parameters
    ----------
    dataset : Dataset
    test_size : float
        Share to hold out, between 0 and 1.
    random_state : int
        Seed of the shuffle.

    Raises
    ------
    DatasetError
        If either part would lack a class.
    """
    import numpy as np
    from sklearn.model_selection import train_test_split

    try:
        train, test = train_test_split(
            np.arange(len(dataset.y)), test_size=test_size, random_state=random_state
        )
    except ValueError as exc:
        raise DatasetError(
            f"cannot hold out {test_size} of {len(dataset.y)} samples: {exc}",
            hint="choose another `test_size`",
        ) from exc
    for part, indices in (("training", train), ("held-out", test)):
        if len(np.unique(dataset.y[indices])) < len(dataset.classes):
            raise DatasetError(
                f"the {part} part of {len(indices)} samples lacks at least one of the "
                f"{len(dataset.classes)} classes",
                hint="choose another `test_size` or `random_state`",
            )
    return Samples(
        X_train=dataset.X[train],
        X_test=dataset.X[test],
        y_train=dataset.y[train],
        y_test=dataset.y[test],
        test_digest=f"sha256:{hashlib.sha256(test.astype('<i8').tobytes()).hexdigest()}",
    )


def _load_iris(name: str) -> Dataset:
    """Load Fisher's irises, petals only, as scikit-learn has corrected them since 0.20."""
    from sklearn.datasets import load_iris

    iris = load_iris()
    return Dataset(
        name=name,
        model="iris",
        subset="petal",
        features=(("length", "cm"), ("width", "cm")),
        classes=tuple(str(c) for c in iris.target_names),
        X=iris.data[:, [2, 3]].copy(),
        y=iris.target,
    )


def _load_iris_uci(name: str) -> Dataset:
    """Load the irises as the UCI file has them, and scikit-learn had them up to 0.19.

    Samples 35 and 38 (counted from 1) differ from Fisher's paper in UCI's file. Of the petals only
    two figures are concerned: sample 35 has the width 0.1 cm for 0.2, sample 38 the length 1.5 cm
    for 1.4. https://archive.ics.uci.edu/dataset/53/iris
    """
    iris = _load_iris(name)
    iris.X[34] = (1.5, 0.1)
    iris.X[37] = (1.5, 0.1)
    return iris


DATASETS: dict[str, tuple[str, Callable[[str], Dataset]]] = {
    "iris-uci": ("petals as in the UCI file and the talk", _load_iris_uci),
    "iris": ("petals as in Fisher's paper and today's scikit-learn", _load_iris),
}
"""Every dataset: what it is, and how it is loaded."""
