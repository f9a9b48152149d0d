"""The evaluation as a picture, of the panels that suit its task.

Needs matplotlib, the extra ``plots``.
"""

from pathlib import Path

from iris_deploy.bundle.bundle import Bundle
from iris_deploy.errors import IrisDeployError, SettingsError
from iris_deploy.training.held_out import HeldOut
from iris_deploy.training.panels import choose_panels


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

    panels = choose_panels(bundle, held_out)
    figure = Figure(figsize=(5.5 * len(panels), 4.8), layout="constrained")
    formats = FigureCanvasAgg(figure).get_supported_filetypes()
    if path.suffix.lower().lstrip(".") not in formats:
        raise SettingsError(
            f"`plot`: expected a file ending in .{', .'.join(sorted(formats))}; got {path}"
        )
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for each, draw in zip(axes, panels, strict=True):
        draw(each, bundle, held_out)
    figure.suptitle(_title(bundle, held_out))
    try:
        figure.savefig(path, dpi=150)
    except OSError as exc:
        raise IrisDeployError(
            f"cannot write {path}: {exc.strerror or exc}", hint="choose another file for `plot`"
        ) from exc


def _title(bundle: Bundle, held_out: HeldOut) -> str:
    """Name the bundle and its first figure."""
    manifest, evaluation = bundle.manifest, held_out.evaluation
    name, metric = evaluation.first
    title = f"{manifest.model} version {manifest.version}: {name} {metric.value:.3f}"
    title += f" on {evaluation.samples:,} samples"
    if metric.interval is None:
        return title
    low, high = metric.interval
    return f"{title}, 95% interval {low:.3f} to {high:.3f}"
