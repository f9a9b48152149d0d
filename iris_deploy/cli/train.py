"""``iris-deploy train``: data to a bundle."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from iris_deploy.bundle.settings import ARTIFACTS
from iris_deploy.cli import train_options as o
from iris_deploy.cli.cluster_options import Engine, Scheduler, read_cluster
from iris_deploy.cli.options import Artifacts, Json, read_pairs
from iris_deploy.clusters import DASK
from iris_deploy.errors import SettingsError
from iris_deploy.training.settings import Choices, TableSettings, TrainSettings

if TYPE_CHECKING:
    from iris_deploy.bundle.bundle import Bundle
    from iris_deploy.bundle.provenance import Estimator

_DEFAULT = TrainSettings()
_TALK = ("dataset", "classifier", "max_iter", "eta0", "tol")
_TABLE = (
    *("target", "task", "number", "category", "text", "drop", "unit"),
    *("estimator", "parameter", "cv", "code", "engine", "scheduler"),
)


def train(
    data: o.Data = None,
    target: o.Target = None,
    task: o.Task = None,
    number: o.Number = None,
    category: o.Category = None,
    text: o.Text = None,
    drop: o.Drop = None,
    unit: o.Unit = None,
    estimator: o.Estimator = None,
    parameter: o.Set = None,
    cv: o.Folds = None,
    engine: Engine = None,
    scheduler: Scheduler = None,
    runtime: o.RuntimeName = "numpy",
    code: o.Code = None,
    dataset: o.Dataset = None,
    classifier: o.Classifier = None,
    max_iter: o.MaxIter = None,
    eta0: o.Eta0 = None,
    tol: o.Tol = None,
    test_size: Annotated[
        float, typer.Option(help="Share of the samples to hold out, between 0 and 1.")
    ] = _DEFAULT.test_size,
    random_state: Annotated[
        int, typer.Option(help="Seed of the split and of the estimator.")
    ] = _DEFAULT.random_state,
    artifacts: Artifacts = ARTIFACTS,
    model: Annotated[
        str | None,
        typer.Option(help="Name to write the bundle under.", show_default="the dataset's"),
    ] = None,
    json: Json = False,
) -> None:
    """Fit an estimator and write it as the next version of a bundle.

    Without options it repeats the talk: a perceptron, right for 41 of the 45 samples that were
    held out (91.1%). With --data and --target it learns from a table of yours:
    numbers, categories and gaps. Same versions, same options: same bytes.
    """
    given = {name: value for name, value in locals().items() if value is not None}
    _check_belonging(given)
    if data is not None:
        from iris_deploy.cli.train_table import train_table

        train_table(data, _table_settings(given), artifacts, model, json=json)
        return
    talk = {name: given[name] for name in _TALK if name in given}
    settings = TrainSettings(test_size=test_size, random_state=random_state, **talk)
    from iris_deploy.cli.output import print_json, progress

    with progress("Loading scikit-learn and training"):
        from iris_deploy.bundle.repository import Repository
        from iris_deploy.training import fit

        bundle = fit.train(settings, Repository(artifacts), model)
    if json:
        print_json({"path": str(bundle.path)}, bundle.manifest)
    else:
        _report(bundle)


def _check_belonging(given: dict[str, Any]) -> None:
    """Refuse options of the talk for a table, and the other way round."""
    alien = [name for name in (_TALK if "data" in given else _TABLE) if name in given]
    if alien and "data" in given:
        raise SettingsError(
            f"`{alien[0]}` belongs to a dataset that comes along, and `data` is given",
            hint="a table has `estimator` and `parameter`",
        )
    if alien:
        raise SettingsError(
            f"`{alien[0]}` belongs to a table, and there is none", hint="name it with `data`"
        )
    if "data" not in given and given["runtime"] != "numpy":
        raise SettingsError(
            "`runtime`: NumPy predicts what comes along; scikit-learn may for a table of yours",
            hint="name it with `data`, or leave `runtime` out",
        )
    if "data" in given and "target" not in given:
        raise SettingsError("`target`: expected the column to predict, got none")


def _table_settings(given: dict[str, Any]) -> TableSettings:
    choices = Choices(
        target=given["target"],
        number=tuple(given.get("number", ())),
        category=tuple(given.get("category", ())),
        text=tuple(given.get("text", ())),
        drop=tuple(given.get("drop", ())),
        units=read_pairs("unit", given.get("unit")),
    )
    cluster = read_cluster(given.get("engine"), {DASK: given.get("scheduler")})
    return TableSettings(
        choices=choices,
        task=given.get("task"),
        estimators=tuple(given.get("estimator", ())),
        parameters=read_pairs("parameter", given.get("parameter")),
        cv=given.get("cv", 5),
        test_size=given["test_size"],
        random_state=given["random_state"],
        runtime=given["runtime"],
        code=tuple(given.get("code", ())),
        scheduler=None if cluster is None else cluster[1],
    )


def _report(bundle: "Bundle") -> None:
    from rich.console import Console

    from iris_deploy.cli.figures import accuracy_line, list_files

    manifest, (training, evaluation) = bundle.manifest, bundle.manifest.training
    split = training.split
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"[bold]{manifest.model} version {manifest.version}[/bold]: "
        f"{_describe(training.estimators[-1])} on {training.dataset}"
    )
    total = split.train_samples + split.test_samples
    console.print(
        f"  data      {total} samples: {split.train_samples} to fit, {split.test_samples} held out "
        f"(seed {split.random_state}), standardised"
    )
    console.print(f"  accuracy  {accuracy_line(evaluation)}")
    console.print(f"  bundle    {bundle.path}/")
    for line in list_files(bundle):
        console.print(f"            {line}")
    console.print("Next: [bold]iris-deploy evaluate[/bold], then [bold]iris-deploy serve[/bold]")


def _describe(estimator: "Estimator") -> str:
    """Return the classifier's class and the parameters that `train` has options for."""
    shown = ("max_iter", "eta0", "tol")
    parameters = ", ".join(
        f"{k}={estimator.parameters[k]}" for k in shown if k in estimator.parameters
    )
    return f"{estimator.name.rpartition('.')[2]}({parameters})"
