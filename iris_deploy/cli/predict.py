"""``iris-deploy predict``: instances to labels, in the words of the API."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Annotated

import typer

from iris_deploy.cli.options import Artifacts, Model, Version
from iris_deploy.errors import IrisDeployError, MalformedError, SettingsError, SignatureError
from iris_deploy.settings import ARTIFACTS


def predict(
    instances: Annotated[
        str | None,
        typer.Argument(
            help="JSON, or JSON lines. Left out, standard input is read.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="Read them from this file; - is standard input.", show_default=False),
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Add scores, and warnings of unusual values.")
    ] = False,
    artifacts: Artifacts = ARTIFACTS,
    model: Model = None,
    version: Version = None,
) -> None:
    r"""Predict the class of instances without a server.

    Takes one JSON object, an array of them, an object with an array for each feature, or JSON lines
    (one of these per line, answered line by line), and answers in the same words as POST /predict.

    Example: iris-deploy predict '{"length": 5.1, "width": 2.4}'
    """
    if instances is not None and file is not None:
        message = "expected instances as an argument or --file, got both"
        raise SettingsError(message, hint="leave one of them out")
    from iris_deploy.bundle.repository import Repository
    from iris_deploy.serving.protocols.prediction import Contract

    contract = Contract(Repository(artifacts).read(model, version).predictor)

    def answer(body: bytes) -> None:
        sys.stdout.write(contract.answer(body, details=details).decode() + "\n")
        sys.stdout.flush()  # who writes line by line is answered line by line

    if instances is not None:
        _answer_all(io.BytesIO(instances.encode("utf-8", "surrogateescape")), answer)
    elif file is not None and str(file) != "-":
        try:
            source = file.open("rb")
        except OSError as exc:
            message = f"cannot read {file}: {exc.strerror or exc}"
            raise IrisDeployError(message) from exc
        with source:
            _answer_all(source, answer)
    else:
        if sys.stdin.isatty():
            typer.echo("Reading JSON from the terminal; end it with Ctrl-D.", err=True)
        _answer_all(sys.stdin.buffer, answer)


def _answer_all(source: IO[bytes], answer: Callable[[bytes], None]) -> None:
    """Answer JSON lines as they come, or else the whole of the input as one JSON value.

    If the first line that is not blank is a JSON value by itself, every line is one.
    """
    number, first = next(((n, s) for n, s in enumerate(source, 1) if s.strip()), (1, b""))
    try:
        answer(first)
    except MalformedError:
        answer(first + source.read())
        return
    for line in source:
        number += 1
        if not line.strip():
            continue
        try:
            answer(line)
        except (MalformedError, SignatureError) as exc:
            message = f"line {number}: {exc}"
            raise IrisDeployError(message, hint="the lines before it are answered") from exc
