"""The talk's irises, as they were and as they are.

The only module that knows that data are irises: names, units and everything else that later rooms
show come from the `Dataset` and then from the manifest.
"""

from collections.abc import Callable

from iris_deploy.errors import DatasetError
from iris_deploy.training.dataset import Dataset


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


def _load_iris(name: str) -> Dataset:
    """Load Fisher's irises, petals only, as scikit-learn has corrected them since 0.20."""
    from sklearn.datasets import load_iris

    iris = load_iris()
    return Dataset(
        name=name,
        model="iris",
        subset="petal",
        columns=(("length", "cm"), ("width", "cm")),
        target="species",
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
