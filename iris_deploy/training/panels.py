"""The panels of a picture: what suits classes, and what suits numbers.

Needs matplotlib, the extra ``plots``.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.schema.columns import Column, NumberColumn
from iris_deploy.schema.outputs import label_text
from iris_deploy.training.calibration import calibrate
from iris_deploy.training.evaluation import decision_grid
from iris_deploy.training.held_out import HeldOut

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""Distinguishable with every kind of colour vision: Okabe and Ito (2008)."""


Draw = Callable[["Axes", Bundle, HeldOut], None]


def choose_panels(bundle: Bundle, held_out: HeldOut) -> list[Draw]:
    """Return the panels that suit a bundle.

    Regions and confusion matrix for classes of two numbers; confusion matrix, and for probabilities
    the receiver operating characteristic and calibration for other classes; predicted against true,
    and residuals, for a number.
    """
    signature = bundle.manifest.signature
    if not signature.classes:
        return [draw_predicted, draw_residuals]
    numbers = [
        c
        for c in signature.columns
        if isinstance(c, NumberColumn) and not (c.seen and c.seen.n_missing)
    ]
    if len(numbers) == len(signature.columns) == 2 and not np.isnan(held_out.rows).any():
        return [draw_regions, draw_confusion]
    if bundle.predictor.score_name == "probabilities":
        return [draw_confusion, draw_roc, draw_calibration]
    return [draw_confusion]


def draw_regions(axes: "Axes", bundle: Bundle, held_out: HeldOut) -> None:
    """Draw the held-out samples of two numbers on the decision regions."""
    from matplotlib.colors import ListedColormap

    signature, rows, y_true = bundle.manifest.signature, held_out.rows, held_out.y
    colours = [COLOURS[k % len(COLOURS)] for k in range(len(signature.classes))]
    ranges = []
    for column, drawn in zip(signature.columns, rows.T, strict=True):
        values = [*drawn]
        if isinstance(column, NumberColumn) and column.seen:
            values += [column.seen.minimum, column.seen.maximum]
        margin = 0.08 * (max(values) - min(values))
        ranges.append(np.linspace(min(values) - margin, max(values) + margin, 400))
    x, y = ranges
    grid = decision_grid(bundle.predictor, x.tolist(), y.tolist())
    axes.pcolormesh(
        x, y, grid, cmap=ListedColormap(colours), vmin=-0.5, vmax=len(colours) - 0.5, alpha=0.25
    )
    wrong = bundle.predictor.predict(rows).outcomes != y_true
    for k, name in enumerate(signature.classes):
        of = y_true == k
        points = rows[of]
        axes.scatter(
            points[:, 0], points[:, 1], c=colours[k], edgecolors="white", label=label_text(name)
        )
    axes.scatter(
        rows[wrong, 0],
        rows[wrong, 1],
        s=110,
        facecolors="none",
        edgecolors="black",
        label="wrong",
    )
    axes.set_xlabel(_axis_label(signature.columns[0]))
    axes.set_ylabel(_axis_label(signature.columns[1]))
    axes.set_title("held-out samples on the decision regions")
    axes.legend(loc="upper left")


def draw_confusion(axes: "Axes", bundle: Bundle, held_out: HeldOut) -> None:
    """Draw how many samples of each class are taken for which."""
    classes = [label_text(label) for label in bundle.manifest.signature.classes]
    counts = np.array(held_out.evaluation.confusion_matrix)
    axes.imshow(counts, cmap="Blues", vmin=0)
    for (true, predicted), count in np.ndenumerate(counts):
        shade = "white" if count > counts.max() / 2 else "black"
        axes.text(predicted, true, str(count), ha="center", va="center", color=shade)
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title("confusion matrix")


def _axis_label(column: Column) -> str:
    unit = column.unit if isinstance(column, NumberColumn) else None
    return f"{column.name} ({unit})" if unit else column.name


def draw_roc(axes: "Axes", bundle: Bundle, held_out: HeldOut) -> None:
    """Draw the share of a class that is found against that of the others that is taken for it."""
    from sklearn.metrics import roc_curve

    classes = bundle.manifest.signature.classes
    scores = bundle.predictor.predict(held_out.rows).scores
    shown = range(1, 2) if len(classes) == 2 else range(min(len(classes), len(COLOURS)))
    for k in shown:
        true = held_out.y == k
        if true.any() and not true.all():
            false_share, true_share, _ = roc_curve(true, scores[:, k])
            axes.plot(false_share, true_share, color=COLOURS[k], label=label_text(classes[k]))
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
    axes.set_xlabel("others that are taken for it")
    axes.set_ylabel("share that is found")
    axes.set_title("receiver operating characteristic")
    axes.legend(loc="lower right")


def draw_calibration(axes: "Axes", bundle: Bundle, held_out: HeldOut) -> None:
    """Draw how often the predicted class is right against how sure the predictor is."""
    bins = calibrate(bundle.predictor.predict(held_out.rows), held_out.y)
    lowest = 1 / len(bundle.manifest.signature.classes)
    axes.plot([lowest, 1], [lowest, 1], color="grey", linestyle=":")
    axes.plot([b.sure for b in bins], [b.right for b in bins], marker="o", color=COLOURS[0])
    axes.set_xlabel("probability of the predicted class")
    axes.set_ylabel("share that is right")
    axes.set_title("calibration")


def draw_predicted(axes: "Axes", bundle: Bundle, held_out: HeldOut) -> None:
    """Draw predicted against true numbers."""
    predicted = bundle.predictor.outcomes(held_out.rows)
    ends = [
        min(held_out.y.min(), predicted.min()),
        max(held_out.y.max(), predicted.max()),
    ]
    axes.plot(ends, ends, color="grey", linestyle=":")
    axes.scatter(held_out.y, predicted, s=12, alpha=0.6, color=COLOURS[0], edgecolors="none")
    axes.set_xlabel("true")
    axes.set_ylabel("predicted")
    axes.set_title(f"{bundle.manifest.signature.output.name} of held-out samples")


def draw_residuals(axes: "Axes", bundle: Bundle, held_out: HeldOut) -> None:
    """Draw what is left over against what was predicted."""
    predicted = bundle.predictor.outcomes(held_out.rows)
    axes.axhline(0, color="grey", linestyle=":")
    axes.scatter(
        predicted, held_out.y - predicted, s=12, alpha=0.6, color=COLOURS[1], edgecolors="none"
    )
    axes.set_xlabel("predicted")
    axes.set_ylabel("true less predicted")
    axes.set_title("residuals")
