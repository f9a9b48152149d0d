"""The options of ``train``: the talk's, and those of a table."""

from pathlib import Path
from typing import Annotated

import typer

from iris_deploy.runtimes import Runtime
from iris_deploy.training.sources.datasets import DATASETS, DEFAULT

_TALK, _TABLE = "A dataset that comes along", "Your own table"

RuntimeName = Annotated[
    Runtime,
    typer.Option(
        help="What predicts. numpy: figures that are read out of the artifacts, for what "
        "docs/families.md lists. scikit-learn: any fitted estimator; it loads the artifacts, which "
        "runs what is in them, and goes into the image.",
    ),
]
Code = Annotated[
    list[Path] | None,
    typer.Option(
        help="A Python module with classes or functions of yours that the model is made of; may be "
        "given several times. Goes with the artifacts, for --runtime scikit-learn.",
        show_default=False,
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(DATASETS),
        help="; ".join(f"{name}: {what}" for name, (what, _) in DATASETS.items()) + ".",
        rich_help_panel=_TALK,
        show_default=DEFAULT,
    ),
]
Classifier = Annotated[
    str | None,
    typer.Option(
        metavar="perceptron|logistic-regression",
        help="What to fit on the standardised features.",
        rich_help_panel=_TALK,
        show_default="perceptron",
    ),
]
MaxIter = Annotated[
    int | None,
    typer.Option(
        help="Passes over the data.",
        show_default="40 for perceptron, 100 for logistic-regression",
        rich_help_panel=_TALK,
    ),
]
Eta0 = Annotated[
    float | None,
    typer.Option(help="Step size; perceptron only.", show_default="0.1", rich_help_panel=_TALK),
]
Tol = Annotated[
    float | None,
    typer.Option(
        help="Stop when the loss improves by less than this.",
        show_default="never for perceptron, 0.0001 for logistic-regression",
        rich_help_panel=_TALK,
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        help="Table: .csv, .tsv, .jsonl or .parquet, compressed or not.",
        rich_help_panel=_TABLE,
        show_default=False,
    ),
]
Target = Annotated[
    str | None,
    typer.Option(help="Column to predict.", rich_help_panel=_TABLE, show_default=False),
]
Task = Annotated[
    str | None,
    typer.Option(
        metavar="classification|regression",
        help="What the target is.",
        rich_help_panel=_TABLE,
        show_default="what its values look like",
    ),
]
Number = Annotated[
    list[str] | None,
    typer.Option(
        help="Column to take for numbers; several.", rich_help_panel=_TABLE, show_default=False
    ),
]
Category = Annotated[
    list[str] | None,
    typer.Option(
        help="Column to take for categories; several.", rich_help_panel=_TABLE, show_default=False
    ),
]
Text = Annotated[
    list[str] | None,
    typer.Option(
        help="Column of texts, whose words are counted and weighed; several.",
        rich_help_panel=_TABLE,
        show_default=False,
    ),
]
Drop = Annotated[
    list[str] | None,
    typer.Option(help="Column to leave out; several.", rich_help_panel=_TABLE, show_default=False),
]
Unit = Annotated[
    list[str] | None,
    typer.Option(
        metavar="name=unit",
        help="Unit of a column, such as length=cm; several.",
        rich_help_panel=_TABLE,
        show_default=False,
    ),
]
Estimator = Annotated[
    list[str] | None,
    typer.Option(
        help="What to fit: random-forest and the like, a class of scikit-learn, or module:object "
        "of your own. Several are compared, and the best is fitted.",
        rich_help_panel=_TABLE,
        show_default="a linear one against hist-gradient-boosting",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="name=value",
        help="Parameter of the estimator, such as max_depth=5; several.",
        rich_help_panel=_TABLE,
        show_default=False,
    ),
]
Folds = Annotated[
    int | None,
    typer.Option("--cv", help="Folds of the comparison.", rich_help_panel=_TABLE, show_default="5"),
]
