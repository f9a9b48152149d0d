"""Boosters without an estimator around them: those of files of their packages' own, and of dumps.

Only the process that runs what is in the files imports this.
"""

from pathlib import Path
from typing import Any

import numpy as np

from iris_deploy.dumps.formats import OWN_FORMATS, recognise
from iris_deploy.dumps.unpack import unpack


class Booster:
    """What predicts classes or numbers by a booster, as an estimator would.

    Parameters
    ----------
    booster : xgboost.Booster or lightgbm.Booster
    n_classes : int
        0 where a number is predicted.
    """

    def __init__(self, booster: Any, n_classes: int) -> None:
        self.booster = booster
        self._n_classes = n_classes

    def predict(self, X: Any) -> Any:
        """Return positions of classes, or numbers."""
        said = self._ask(X)
        if not self._n_classes:
            return said
        if said.ndim == 2:
            return said.argmax(axis=1)
        return said > 0.5 if self._n_classes == 2 else said

    def predict_proba(self, X: Any) -> Any:
        """Return probabilities of classes; nothing if the booster says classes alone."""
        said = self._ask(X)
        if said.ndim == 2:
            return said
        return np.stack([1 - said, said], axis=1) if self._n_classes == 2 else np.empty(0)

    def _ask(self, X: Any) -> Any:
        if type(self.booster).__module__.startswith("lightgbm"):
            return np.asarray(self.booster.predict(X))
        import xgboost

        best = self.booster.attr("best_iteration")
        rounds = (0, 0 if best is None else int(best) + 1)  # 0 to 0 are all
        rows = xgboost.DMatrix(X, enable_categorical=True)
        return np.asarray(self.booster.predict(rows, iteration_range=rounds))


def load_booster(path: Path, limit: int) -> Any:
    """Load a file of XGBoost's or LightGBM's own; None if it is of another kind.

    Parameters
    ----------
    path : Path
    limit : int
        Largest size when decompressed; bytes.
    """
    plain = unpack(path.read_bytes(), limit)
    kind = recognise(plain)
    if kind not in OWN_FORMATS:
        return None
    if "LightGBM" in kind.name:
        import lightgbm

        return lightgbm.Booster(model_str=plain.decode())
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(bytearray(plain))
    return booster
