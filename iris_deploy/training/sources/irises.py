"""The talk's irises, as they were and as they are.

The only module that knows that data are irises: names, units and everything else that later rooms
show come from the `Dataset` and then from the manifest.
"""

from iris_deploy.training.dataset import Dataset

AS_TODAY, AS_IN_THE_TALK = "iris", "iris-uci"
"""Names of the two."""


def load_today(name: str) -> Dataset:
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


def load_as_in_the_talk(name: str) -> Dataset:
    """Load the irises as the UCI file has them, and scikit-learn had them up to 0.19.

    Samples 35 and 38 (counted from 1) differ from Fisher's paper in UCI's file. Of the petals only
    two figures are concerned: sample 35 has the width 0.1 cm for 0.2, sample 38 the length 1.5 cm
    for 1.4. https://archive.ics.uci.edu/dataset/53/iris
    """
    iris = load_today(name)
    iris.X[34] = (1.5, 0.1)
    iris.X[37] = (1.5, 0.1)
    return iris
