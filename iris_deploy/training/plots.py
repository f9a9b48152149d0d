"""The evaluation as a picture: decision regions and confusion matrix.

Needs matplotlib, the extra ``plots``.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.errors import IrisDeployError, SettingsError
from iris_deploy.training.evaluation import HeldOut, decision_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""Distinguishable with every kind of colour vision: Okabe and Ito (2008)."""


def write_plot(bundle: Bundle, held_out: HeldOut, path: Path) -> None:
    """Draw a bundle's evaluation to a file; the suffix chooses the format.

    Parameters
    ----------
    bundle : Bundle
    held_out : HeldOut
        Its figures and samples.
    path : Path
        PNG, SVG, PDF or another format of matplotlib.

    Raises
    ------
    SettingsError
        If matplotlib is missing or does not know the suffix.
    IrisDeployError
        If the file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as exc:
        raise SettingsError(
            "`plot` needs matplotlib, which is not installed",
            hint="pip install 'iris-deploy[plots]'",
        ) from exc

    manifest, evaluation = bundle.manifest, held_out.evaluation
    two = len(manifest.signature.features) == 2
    figure = Figure(figsize=(11 if two else 5.5, 4.8), layout="constrained")
    formats = FigureCanvasAgg(figure).get_supported_filetypes()
    if path.suffix.lower().lstrip(".") not in formats:
        raise SettingsError(
            f"`plot`: expected a file ending in .{', .'.join(sorted(formats))}; got {path}"
        )
    axes = figure.subplots(1, 2 if two else 1, squeeze=False)[0]
    if two:
        _draw_regions(axes[0], bundle, held_out)
    _draw_confusion(axes[-1], manifest.signature.classes, evaluation.confusion_matrix)
    low, high = evaluation.interval
    figure.suptitle(
        f"{manifest.model} version {manifest.version}: accuracy {evaluation.accuracy:.1%} "
        f"({evaluation.correct} of {evaluation.total}), 95% interval {low:.1%} to {high:.1%}"
    )
    try:
        figure.savefig(path, dpi=150)
    except OSError as exc:
        raise IrisDeployError(
            f"cannot write {path}: {exc.strerror or exc}", hint="choose another file for `plot`"
        ) from exc


def _draw_regions(axes: "Axes", bundle: Bundle, held_out: HeldOut) -> None:
    from matplotlib.colors import ListedColormap

    signature, samples = bundle.manifest.signature, held_out.samples
    colours = [COLOURS[k % len(COLOURS)] for k in range(len(signature.classes))]
    ranges = []
    for j, feature in enumerate(signature.features):
        values = [feature.minimum, feature.maximum, *samples.X_test[:, j]]
        margin = 0.08 * (max(values) - min(values))
        ranges.append(np.linspace(min(values) - margin, max(values) + margin, 400))
    x, y = ranges
    grid = decision_grid(bundle.predictor, x.tolist(), y.tolist())
    axes.pcolormesh(
        x, y, grid, cmap=ListedColormap(colours), vmin=-0.5, vmax=len(colours) - 0.5, alpha=0.25
    )
    wrong = bundle.predictor.predict(samples.X_test).indices != samples.y_test
    for k, name in enumerate(signature.classes):
        of = samples.y_test == k
        points = samples.X_test[of]
        axes.scatter(points[:, 0], points[:, 1], c=colours[k], edgecolors="white", label=name)
    axes.scatter(
        samples.X_test[wrong, 0],
        samples.X_test[wrong, 1],
        s=110,
        facecolors="none",
        edgecolors="black",
        label="wrong",
    )
    axes.set_xlabel(_axis_label(signature.features[0].name, signature.features[0].unit))
    axes.set_ylabel(_axis_label(signature.features[1].name, signature.features[1].unit))
    axes.set_title("held-out samples on the decision regions")
    axes.legend(loc="upper left")


def _draw_confusion(
    axes: "Axes", classes: tuple[str, ...], matrix: tuple[tuple[int, ...], ...]
) -> None:
    counts = np.array(matrix)
    axes.imshow(counts, cmap="Blues", vmin=0)
    for (true, predicted), count in np.ndenumerate(counts):
        shade = "white" if count > counts.max() / 2 else "black"
        axes.text(predicted, true, str(count), ha="center", va="center", color=shade)
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title("confusion matrix")


def _axis_label(name: str, unit: str | None) -> str:
    return f"{name} ({unit})" if unit else name
