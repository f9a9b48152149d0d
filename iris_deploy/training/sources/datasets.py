"""The datasets that come along: data for who has none yet."""

from collections.abc import Callable

from iris_deploy.errors import DatasetError
from iris_deploy.training.dataset import Dataset
from iris_deploy.training.sources import irises

DATASETS: dict[str, tuple[str, Callable[[str], Dataset]]] = {
    irises.AS_IN_THE_TALK: ("petals as in the UCI file and the talk", irises.load_as_in_the_talk),
    irises.AS_TODAY: ("petals as in Fisher's paper and today's scikit-learn", irises.load_today),
}
"""Every dataset: what it is, and how it is loaded."""

DEFAULT = irises.AS_IN_THE_TALK


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
