"""Labelled samples, what everything is called, and how they are cut in two."""

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iris_deploy.errors import DatasetError

if TYPE_CHECKING:  # the command line lists the datasets without paying for NumPy
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples of numbers with their classes, and what everything is called.

    Parameters
    ----------
    name : str
        As `load_dataset` takes it.
    model : str
        Name of a model that is trained on it, unless the user gives another.
    subset : str
        What the scaler's file is called after, behind the model's name.
    columns : tuple of (str, str or None)
        Name and unit of each column.
    target : str
        What is predicted.
    classes : tuple of str
        Names of the classes; ``y`` holds positions in it.
    X : ndarray of shape (n_samples, n_columns)
    y : ndarray of int, shape (n_samples,)
    """

    name: str
    model: str
    subset: str
    columns: tuple[tuple[str, str | None], ...]
    target: str
    classes: tuple[str, ...]
    X: "NDArray[np.float64]"
    y: "NDArray[np.int64]"

    def digest(self) -> str:
        """Return ``sha256:`` and the digest of names, units, values and classes."""
        names = json.dumps([self.columns, self.classes, self.X.shape]).encode()
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


def digest_positions(positions: "NDArray[np.int64]") -> str:
    """Return ``sha256:`` and the digest of the positions of samples."""
    return f"sha256:{hashlib.sha256(positions.astype('<i8').tobytes()).hexdigest()}"


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
        test_digest=digest_positions(test),
    )
