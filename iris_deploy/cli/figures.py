"""Figures as people read them: accuracy, tables and the decision map."""

from typing import TYPE_CHECKING

from iris_deploy.schema.columns import NumberColumn, TextColumn, list_some
from iris_deploy.schema.outputs import label_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from iris_deploy.bundle.bundle import Bundle
    from iris_deploy.bundle.evaluation import Evaluation
    from iris_deploy.bundle.manifest import Manifest
    from iris_deploy.schema.columns import Column
    from iris_deploy.schema.signature import Signature
    from iris_deploy.training.held_out import HeldOut

_REGIONS = ("cyan", "yellow", "green", "magenta", "blue", "red")
MAP_WIDTH, MAP_HEIGHT = 64, 20  # characters
BAR_WIDTH = 30


def accuracy_line(evaluation: "Evaluation", what: str = "held-out samples") -> str:
    """Return the accuracy with its count and interval."""
    accuracy = evaluation.metrics["accuracy"]
    correct = sum(line[k] for k, line in enumerate(evaluation.confusion_matrix))
    low, high = accuracy.interval or (accuracy.value, accuracy.value)
    return (
        f"[bold]{accuracy.value:.1%}[/bold]: {correct} of {evaluation.samples} "
        f"{what} (95% interval {low:.1%} to {high:.1%})"
    )


def metric_lines(evaluation: "Evaluation") -> list[str]:
    """Return a line for each metric: its value, interval, and the baseline beside it."""
    width = max(map(len, evaluation.metrics))
    lines = []
    for name, metric in evaluation.metrics.items():
        line = f"{name:<{width}}  [bold]{metric.value:.4g}[/bold]"
        if metric.interval is not None:
            low, high = metric.interval
            line += f"  (95% interval {low:.4g} to {high:.4g})"
        if metric.baseline is not None:
            line += f"  [dim]baseline {metric.baseline:.4g}[/dim]"
        lines.append(line)
    return lines


def describe_columns(signature: "Signature") -> list[str]:
    """Return a line for each column: its kind, and what training saw of it."""
    width = max(len(column.name) for column in signature.columns)
    return [f"{column.name:<{width}}  {_describe(column)}" for column in signature.columns]


def _describe(column: "Column") -> str:
    seen = column.seen
    gaps = f", {seen.n_missing:,} missing" if seen and seen.n_missing else ""
    if isinstance(column, NumberColumn):
        kind = "true or false" if column.boolean else "number"
        unit = f" {column.unit}" if column.unit else ""
        if column.seen is None:
            return f"{kind}{unit and f' in{unit}'}"
        return f"{kind}, {column.seen.minimum:.4g} to {column.seen.maximum:.4g}{unit}{gaps}"
    if isinstance(column, TextColumn):
        length = f", up to {column.seen.maximum:,.0f} characters" if column.seen else ""
        return f"text{length}{gaps}"
    return f"category of {len(column.categories):,}: {list_some(column.categories[:5])}{gaps}"


def class_table(evaluation: "Evaluation") -> "Table":
    """Tabulate the figures of each class beside the confusion matrix (predicted "as 1", ...)."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", padding=(0, 1))
    table.add_column("class")
    for column in ("precision", "recall", "F1", "samples"):
        table.add_column(column, justify="right")
    for k in range(len(evaluation.classes)):
        table.add_column(f"as {_digit(k)}", justify="right")
    for k, figures in enumerate(evaluation.classes):
        table.add_row(
            f"{_digit(k)} {label_text(figures.label)}",
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


def importance_bars(importance: dict[str, float], task: str) -> "Table":
    """Draw what is lost when a column is shuffled, as bars; the ten largest."""
    from rich.table import Table

    what = "accuracy lost" if task == "classification" else "error added"
    table = Table(box=None, header_style="bold", padding=(0, 1))
    table.add_column("column")
    table.add_column(f"{what} when shuffled")
    table.add_column("", justify="right")
    largest = max([*importance.values(), 1e-12])
    for name, lost in list(importance.items())[:10]:
        bar = "#" * round(BAR_WIDTH * max(lost, 0.0) / largest)
        table.add_row(name, f"[cyan]{bar}[/cyan]", f"{lost:.4g}")
    return table


def can_be_mapped(bundle: "Bundle", held_out: "HeldOut") -> bool:
    """Tell whether classes of two numbers without gaps are predicted."""
    signature = bundle.manifest.signature
    numbers = [isinstance(column, NumberColumn) for column in signature.columns]
    gaps = bool((held_out.rows != held_out.rows).any())
    return bool(signature.classes) and numbers == [True, True] and not gaps


def decision_map(bundle: "Bundle", held_out: "HeldOut") -> "Text":
    """Draw the regions of the two features with the held-out samples in them.

    Each class fills its region with a sign of its own; a sample is the number of its true class, a
    wrongly predicted one an ``x``. Colour helps, but is not needed.
    """
    from rich.text import Text

    from iris_deploy.training.evaluation import decision_grid

    signature, rows = bundle.manifest.signature, held_out.rows
    xs, ys = (
        _axis(column, rows[:, j], size)
        for j, (column, size) in enumerate(
            zip(signature.columns, (MAP_WIDTH, MAP_HEIGHT), strict=True)
        )
        if isinstance(column, NumberColumn)
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

    rows, y_true = held_out.rows, held_out.y
    predicted = bundle.predictor.predict(rows).outcomes
    marks: dict[tuple[int, int], tuple[str, str]] = {}
    order = np.argsort(predicted != y_true, kind="stable")  # wrong ones on top
    for i in order.tolist():
        column = int(np.abs(xs - rows[i, 0]).argmin())
        line = int(np.abs(ys - rows[i, 1]).argmin())
        true = int(y_true[i])
        wrong = predicted[i] != true
        marks[line, column] = ("x", "bold white on red") if wrong else (_digit(true), "bold")
    return marks


def _legend(bundle: "Bundle") -> "Text":
    """Say what is drawn across and up, and by which sign each class."""
    from rich.text import Text

    signature = bundle.manifest.signature
    across, up = (
        f"{c.name} ({c.unit})" if isinstance(c, NumberColumn) and c.unit else c.name
        for c in signature.columns
    )
    text = Text(f"{'':9}{across} across, {up} up\n{'':9}")
    for k, name in enumerate(signature.classes):
        text.append(f"{_digit(k)}", style=f"bold black on {_REGIONS[k % len(_REGIONS)]}")
        text.append(
            f" {label_text(name)} {_FILL[k % len(_FILL)]}  ", style=_REGIONS[k % len(_REGIONS)]
        )
    text.append("x", style="bold white on red")
    text.append(" wrong")
    return text


_FILL = (".", ":", "-", "~", "'", ",")


def _digit(k: int) -> str:
    """Return the sign of a class: 1 to 9, then letters."""
    return "123456789abcdefghijklmnopqrstuvwyz"[k % 34]


def _axis(column: NumberColumn, values: "np.ndarray", size: int) -> "np.ndarray":
    """Space points evenly over the training range and the held-out samples, and a little more."""
    import numpy as np

    low, high = float(values.min()), float(values.max())
    if column.seen:
        low, high = min(low, column.seen.minimum), max(high, column.seen.maximum)
    margin = 0.05 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, size)


def _labels(ys: "np.ndarray") -> list[str]:
    """Label the lowest, the middle and the highest line."""
    shown = {0, len(ys) // 2, len(ys) - 1}
    return [f"{y:.3g}" if line in shown else "" for line, y in enumerate(ys.tolist())]


def print_runtime(console: "Console", manifest: "Manifest", *, is_read: bool = False) -> None:
    """Say what predicts, if it is not arithmetic of our own, and whether that could be."""
    from rich.markup import escape

    if manifest.library is not None:
        console.print(f"  runtime   [yellow]{escape(manifest.library.warning)}[/yellow]")
    if is_read:
        console.print("            without --runtime it needs no scikit-learn: a family reads it")


def list_files(bundle: "Bundle") -> "Iterator[str]":
    """List the files of a bundle with their sizes and roles, in the order of use."""
    from iris_deploy.bundle.bundle import MANIFEST_FILE

    roles: dict[str, str] = {artifact.file: artifact.role for artifact in bundle.manifest.artifacts}
    roles |= dict.fromkeys(set(bundle.manifest.files) - set(roles), "code, run when it is loaded")
    roles[MANIFEST_FILE] = f"manifest, {bundle.manifest.digest[:19]}"
    width = max(map(len, roles))
    for file, role in roles.items():
        yield f"{file:<{width}}  {(bundle.path / file).stat().st_size:>6,} bytes  {role}"
