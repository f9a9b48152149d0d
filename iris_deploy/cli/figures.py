"""Figures as people read them: accuracy, tables and the decision map."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from rich.table import Table
    from rich.text import Text

    from iris_deploy.bundle.bundle import Bundle
    from iris_deploy.bundle.manifest import Evaluation
    from iris_deploy.training.evaluation import HeldOut

_REGIONS = ("cyan", "yellow", "green", "magenta", "blue", "red")
MAP_WIDTH, MAP_HEIGHT = 64, 20  # characters


def accuracy_line(evaluation: "Evaluation") -> str:
    """Return the accuracy with its count and interval."""
    low, high = evaluation.interval
    return (
        f"[bold]{evaluation.accuracy:.1%}[/bold]: {evaluation.correct} of {evaluation.total} "
        f"held-out samples (95% interval {low:.1%} to {high:.1%})"
    )


def class_table(evaluation: "Evaluation") -> "Table":
    """Tabulate the figures of each class beside the confusion matrix (predicted "as 1", ...)."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", padding=(0, 1))
    table.add_column("class")
    for column in ("precision", "recall", "F1", "samples"):
        table.add_column(column, justify="right")
    for k in range(len(evaluation.classes)):
        table.add_column(f"as {_digit(k)}", justify="right")
    for k, (name, figures) in enumerate(evaluation.classes.items()):
        table.add_row(
            f"{_digit(k)} {name}",
            f"{figures.precision:.3f}",
            f"{figures.recall:.3f}",
            f"{figures.f1:.3f}",
            str(figures.support),
            *(
                f"[green]{count}[/]" if i == k else f"[red]{count}[/]" if count else "[dim]0[/]"
                for i, count in enumerate(evaluation.confusion_matrix[k])
            ),
        )
    return table


def decision_map(bundle: "Bundle", held_out: "HeldOut") -> "Text":
    """Draw the regions of the two features with the held-out samples in them.

    Each class fills its region with a sign of its own; a sample is the number of its true class, a
    wrongly predicted one an ``x``. Colour helps, but is not needed.
    """
    from rich.text import Text

    from iris_deploy.training.evaluation import decision_grid

    signature, samples = bundle.manifest.signature, held_out.samples
    xs, ys = (
        _axis(feature.minimum, feature.maximum, samples.X_test[:, j], size)
        for j, (feature, size) in enumerate(
            zip(signature.features, (MAP_WIDTH, MAP_HEIGHT), strict=True)
        )
    )
    grid = decision_grid(bundle.predictor, xs.tolist(), ys.tolist())
    marks = _marks(bundle, held_out, xs, ys)
    text = Text()
    labels = _labels(ys)
    for line in range(len(ys) - 1, -1, -1):
        text.append(f"{labels[line]:>8} ", style="dim")
        for column in range(len(xs)):
            region = int(grid[line, column])
            mark, style = marks.get((line, column), ("", ""))
            if mark:
                colour = _REGIONS[region % len(_REGIONS)]
                text.append(mark, style=style if mark == "x" else f"bold black on {colour}")
            else:
                text.append(_FILL[region % len(_FILL)], style=_REGIONS[region % len(_REGIONS)])
        text.append("\n")
    text.append(
        " " * 9 + f"{xs[0]:<{MAP_WIDTH // 2}.3g}{xs[-1]:>{MAP_WIDTH // 2}.3g}\n", style="dim"
    )
    text.append_text(_legend(bundle))
    return text


def _marks(
    bundle: "Bundle", held_out: "HeldOut", xs: "np.ndarray", ys: "np.ndarray"
) -> dict[tuple[int, int], tuple[str, str]]:
    """Return sign and style of the samples, by line and column of the map."""
    import numpy as np

    samples = held_out.samples
    predicted = bundle.predictor.predict(samples.X_test).indices
    marks: dict[tuple[int, int], tuple[str, str]] = {}
    order = np.argsort(predicted != samples.y_test, kind="stable")  # wrong ones on top
    for i in order.tolist():
        column = int(np.abs(xs - samples.X_test[i, 0]).argmin())
        line = int(np.abs(ys - samples.X_test[i, 1]).argmin())
        true = int(samples.y_test[i])
        wrong = predicted[i] != true
        marks[line, column] = ("x", "bold white on red") if wrong else (_digit(true), "bold")
    return marks


def _legend(bundle: "Bundle") -> "Text":
    """Say what is drawn across and up, and by which sign each class."""
    from rich.text import Text

    signature = bundle.manifest.signature
    across, up = (f"{f.name} ({f.unit})" if f.unit else f.name for f in signature.features)
    text = Text(f"{'':9}{across} across, {up} up\n{'':9}")
    for k, name in enumerate(signature.classes):
        text.append(f"{_digit(k)}", style=f"bold black on {_REGIONS[k % len(_REGIONS)]}")
        text.append(f" {name} {_FILL[k % len(_FILL)]}  ", style=_REGIONS[k % len(_REGIONS)])
    text.append("x", style="bold white on red")
    text.append(" wrong")
    return text


_FILL = (".", ":", "-", "~", "'", ",")


def _digit(k: int) -> str:
    """Return the sign of a class: 1 to 9, then letters."""
    return "123456789abcdefghijklmnopqrstuvwyz"[k % 34]


def _axis(low: float, high: float, values: "np.ndarray", size: int) -> "np.ndarray":
    """Space points evenly over the training range and the held-out samples, and a little more."""
    import numpy as np

    low, high = min(low, float(values.min())), max(high, float(values.max()))
    margin = 0.05 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, size)


def _labels(ys: "np.ndarray") -> list[str]:
    """Label the lowest, the middle and the highest line."""
    shown = {0, len(ys) // 2, len(ys) - 1}
    return [f"{y:.3g}" if line in shown else "" for line, y in enumerate(ys.tolist())]
