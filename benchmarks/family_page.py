"""docs/families.md: what the registry declares of each class, and what was measured of it."""

import json
import statistics
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.measure import number
from iris_deploy.estimators.family import Composite, Estimator, Predicting, Transformer
from iris_deploy.estimators.registry import all_families

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/families.md"
FIGURES = ROOT / "benchmarks/results/families.json"

MANY = 100_000
"""Rows of the largest batch, but for what is slow."""

MOST_WRITTEN = 4096
"""Ulp that are written as they are; more as a power of two."""

SKLEARN = "sklearn."
WIDTH = 100

INTRODUCTION = """\
What is served without scikit-learn, by itself or in a pipeline. `make families` writes this page
out of what the classes declare in `iris_deploy/estimators/`, to which tests hold them, and of the
figures in `benchmarks/results/families.json`. [How a class gets its line](benchmarks.md#families).

- **since**: the release of scikit-learn from which on dumps are read. Tests read those of
  1.1.3 and 1.9.1, of nearly every class, and of 0.19.2, of linear classifiers and scalers; what
  lies between is known from how releases name and keep what they have fitted.
- **agrees to**: how far what is answered may be from scikit-learn's answer: probabilities, else
  decision values, or the number; of a transformer its features. Either the same *bits*, or within
  so many *ulp*: units in the last place of the largest figure of a row, or of a median row if that
  is larger. *bits; 8 ulp*: scores have the same bits, and what powers of e make of them is within
  8 ulp. Labels are the same in any case. Rows far beyond the training samples are within 1e-9:
  sums of theirs cancel out, as they do everywhere in support vector machines.
- **times as quick**: as scikit-learn's `predict`, for one row, for 1,000 and for 100,000, or as
  many as stand beside the figure. Less than 1 is slower. Each was fitted to 2,000 rows: of ten
  numbers, or of categories or texts, for those that take these. One thread for either; rows come
  to the predictor by columns, as the server has them, to scikit-learn as it likes them.
- **refused**: of every class code of one's own and gaps that nothing fills, too.
"""

ELSE = (
    "What has no line is served by [scikit-learn itself](import.md#what-no-family-reads), if you "
    "say so. KNNImputer is: of samples at the same distance scikit-learn fills a gap by those that "
    "rounding on its machine puts first, which nobody else can know."
)

SEVERAL = "Several outputs at once are answered by name, each as if it were alone, by {names}."

MADE = (
    "Measured on {dates} with {versions} and Python {python} on {cores} cores ({processor}), by "
    "{rounds} rounds in which ours and theirs took turns. Figures are medians of the rounds, of "
    "their ratios where they say how many times as quick. Others use the cores, too: a difference "
    "of a tenth says nothing, and times of one row are rather too long than too short."
)

Pairs = Sequence[tuple[float, float]]
"""Seconds of ours and of theirs, of each round."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured of a class.

    Parameters
    ----------
    date : str
    n_rows : int
        The largest number of rows.
    one, few, many : sequence of pairs of float
        Of one row, of 1,000, and of the largest number.
    """

    date: str
    n_rows: int
    one: Pairs
    few: Pairs
    many: Pairs


@dataclass(frozen=True, kw_only=True)
class Figures:
    """All that was measured, and with what.

    Parameters
    ----------
    machine, versions : dict of str to str
        Of the last run.
    families : dict of str to Measured
        By the public name of the class.
    """

    machine: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    families: dict[str, Measured] = field(default_factory=dict)

    def json(self) -> str:
        """Write a line for each class."""
        head = {"machine": self.machine, "versions": self.versions}
        lines = [f"{json.dumps(k)}: {json.dumps(asdict(v))}" for k, v in self.families.items()]
        opened = json.dumps(head, indent=1)[:-2]
        return opened + ',\n "families": {\n  ' + ",\n  ".join(lines) + "\n }\n}\n"


def read_figures() -> Figures:
    """Read what was measured before, if anything was."""
    if not FIGURES.exists():
        return Figures()
    kept = json.loads(FIGURES.read_text())
    families = {name: Measured(**of) for name, of in kept.pop("families").items()}
    return Figures(families=families, **kept)


def estimators() -> list[Estimator]:
    """List the classes of the registry by their names."""
    parts = (part for family in all_families().values() for part in family)
    return sorted(
        (part for part in parts if isinstance(part, Estimator)),
        key=lambda part: (_short(part).lower(), part.name),
    )


def _short(part: Estimator) -> str:
    """Return a name without its module; one of another package with it."""
    if part.name.startswith(SKLEARN):
        return part.name.rpartition(".")[2]
    return part.name


KINDS = {
    "Classifiers": (
        "Each as it comes; naive Bayes of counts behind a MinMaxScaler, of categories behind a "
        "KBinsDiscretizer."
    ),
    "Regressors": "Likewise.",
    "Ensembles": "Forests, boosting, and what puts estimators of other families together.",
    "Boosters": (
        "Beside XGBoost and LightGBM themselves, of which are the releases, too. [Your own "
        "table](tables.md#families) tells of files of their own and of categories."
    ),
    "Transformers": "What was timed is each of them before a logistic regression.",
    "What holds others": (
        "It is carried out once, when the bundle is read. What was timed has a logistic regression "
        "in it."
    ),
}
"""The page's tables, and what is said of each."""

COLUMNS = {
    "class": "---",
    "since": "---",
    "agrees to": "---",
    "one row, µs": "---:",
    "times as quick": "---:",
    "1,000 rows, times": "---:",
    f"{MANY:,} rows, times": "---:",
    "refused": "---",
}
"""Heads, and how what is below them stands."""


def kind(part: Estimator) -> str:
    """Return in which table a class is."""
    if not part.name.startswith(SKLEARN):
        return "Boosters"
    if isinstance(part, Transformer):
        return "Transformers"
    if isinstance(part, Composite):
        return "What holds others"
    if part.name.startswith("sklearn.ensemble.") or part.ulp is None:
        return "Ensembles"
    is_class = isinstance(part, Predicting) and part.task == "classification"
    return "Classifiers" if is_class else "Regressors"


def agreement(part: Estimator) -> str:
    """Say how nearly a class agrees with its package."""
    if part.ulp is None:
        return "what it holds"
    if part.ulp == 0:
        return "bits"
    power = part.ulp.bit_length() - 1
    amount = f"2^{power} ulp" if part.ulp == 1 << power > MOST_WRITTEN else f"{part.ulp:,} ulp"
    return f"bits; {amount}" if part.same_scores else amount


def times_as_quick(pairs: Pairs) -> float:
    """Return how many times as quick ours is: the median of the rounds' ratios."""
    return statistics.median(theirs / ours for ours, theirs in pairs)


def render(figures: Figures) -> str:
    """Write the page."""
    return "\n".join(_lines(figures)) + "\n"


def _lines(figures: Figures) -> Iterator[str]:
    yield "# Families\n"
    yield INTRODUCTION
    yield textwrap.fill(ELSE, WIDTH) + "\n"
    separate = [p for p in estimators() if isinstance(p, Predicting) and p.separate is not None]
    *names, last = map(_short, separate)
    yield textwrap.fill(SEVERAL.format(names=f"{', '.join(names)} and {last}"), WIDTH) + "\n"
    yield textwrap.fill(_made(figures), WIDTH)
    for name, words in KINDS.items():
        yield f"\n## {name}\n\n{textwrap.fill(words, WIDTH)}\n"
        yield f"| {' | '.join(COLUMNS)} |"
        yield f"|{'|'.join(COLUMNS.values())}|"
        for part in estimators():
            if kind(part) == name:
                cells = [_short(part), part.since, agreement(part)]
                cells += [*_cells(figures.families.get(part.name)), part.refused or "-"]
                yield f"| {' | '.join(cells)} |"


def _made(figures: Figures) -> str:
    """Say with what, when and how often was measured."""
    measured = figures.families.values()
    rounds = sorted({len(each.one) for each in measured})
    machine = figures.machine
    named = {"sklearn": "scikit-learn", "numpy": "NumPy", "xgboost": "XGBoost"}
    named |= {"lightgbm": "LightGBM", "scipy": "SciPy"}
    versions = ", ".join(f"{named.get(k, k)} {v}" for k, v in figures.versions.items())
    return MADE.format(
        dates=" and ".join(sorted({each.date for each in measured})),
        versions=versions,
        rounds=" or ".join(map(str, rounds)),
        **{key: machine.get(key, "-") for key in ("python", "cores", "processor")},
    )


def _cells(measured: Measured | None) -> list[str]:
    """Write the figures of a class; a dash where there are none."""
    if measured is None:
        return ["-"] * 4
    one = statistics.median(ours for ours, _ in measured.one) * 1e6
    pairs = (measured.one, measured.few, measured.many)
    cells = [number(float(f"{value:.3g}")) for value in (one, *map(times_as_quick, pairs))]
    return [*cells[:3], cells[3] + ("" if measured.n_rows == MANY else f" ({measured.n_rows:,})")]
