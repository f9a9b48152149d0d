"""One-row requests per second of each server as a picture.

Needs matplotlib, the extra ``plots``.
"""

import sys
from pathlib import Path

from benchmarks.cases import ONE_ROW
from benchmarks.measure import number, quartiles
from benchmarks.peer import OURS
from benchmarks.report import Report

BLUE, GREY = "#0072B2", "#9A9A9A"


def require_matplotlib(path: Path) -> None:
    """Exit with what to do if matplotlib is missing or does not know the suffix."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        sys.exit(
            "--plot needs matplotlib, which is not installed: pip install 'iris-deploy[plots]'"
        )
    formats = FigureCanvasAgg(Figure()).get_supported_filetypes()
    if path.suffix.lower().lstrip(".") not in formats:
        sys.exit(f"--plot: expected a file ending in .{', .'.join(sorted(formats))}; got {path}")


def draw(report: Report, path: Path) -> None:
    """Draw the first setting of one row: medians as bars, quartiles as whiskers.

    Parameters
    ----------
    report : Report
    path : Path
        PNG, SVG, PDF or another format of matplotlib.
    """
    from matplotlib.figure import Figure

    setting = next(iter(report.record.settings(ONE_ROW)), "")
    found = {
        name: quartiles(list(report.record.by_round(ONE_ROW, setting, name, "requests/s").values()))
        for name in report.record.subjects(ONE_ROW, setting)
        if ": " not in name  # in no other traffic
    }
    bars = sorted(((name, q) for name, q in found.items() if q), key=lambda bar: bar[1].median)
    if not bars:
        print(f"nothing of {ONE_ROW} was measured: no picture", file=sys.stderr)
        return
    medians = [q.median for _, q in bars]
    whiskers = [[q.median - q.low for _, q in bars], [q.high - q.median for _, q in bars]]
    colours = [BLUE if name == OURS else GREY for name, _ in bars]
    figure = Figure(figsize=(9, 1.6 + 0.42 * len(bars)), layout="constrained")
    axes = figure.subplots()
    axes.barh([name for name, _ in bars], medians, color=colours, xerr=whiskers, capsize=3)
    logarithmic = max(medians) > 20 * min(medians)
    if logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlim(10 ** (len(str(int(min(medians)))) - 1) / 2, max(medians) * 3)
    else:
        axes.set_xlim(0, max(medians) * 1.2)
    for place, (_, q) in enumerate(bars):
        axes.annotate(
            number(q.median), (q.high, place), (6, 0), textcoords="offset points", va="center"
        )
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("requests per second" + ", logarithmic scale" * logarithmic)
    rounds = f"{report.plan.rounds} rounds of {report.plan.seconds} s"
    axes.set_title(f"One row in a request: {setting}\nmedian and quartiles of {rounds}, loopback")
    machine = report.machine
    figure.supxlabel(
        f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, "
        f"{machine['date']}",
        fontsize=8,
    )
    figure.savefig(path, dpi=150)
