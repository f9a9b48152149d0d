"""``iris-deploy predict``: instances to labels, in the words of the API."""

import codecs
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Annotated

import typer

from iris_deploy.bundle.settings import ARTIFACTS
from iris_deploy.cli.options import Artifacts, Model, Version
from iris_deploy.errors import IrisDeployError, SettingsError


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
        raise SettingsError(
            "expected instances as an argument or --file, got both", hint="leave one of them out"
        )
    from iris_deploy.bundle.repository import Repository
    from iris_deploy.serving.contracts.exchange import Exchange
    from iris_deploy.serving.contracts.native import NativeContract

    predictor = Repository(artifacts).read(model, version).predictor
    contract = NativeContract(predictor)
    exchange = Exchange(contract, predictor)

    def answer(body: bytes) -> None:
        reply = exchange.answer(contract.read(body, details=details))
        sys.stdout.write(reply.read().decode() + "\n")
        sys.stdout.flush()  # who writes line by line is answered line by line

    if instances is not None:
        _answer_all(io.BytesIO(instances.encode("utf-8", "surrogateescape")), answer)
    elif file is not None and str(file) != "-":
        try:
            source = file.open("rb")
        except OSError as exc:
            raise IrisDeployError(f"cannot read {file}: {exc.strerror or exc}") from exc
        with source:
            _answer_all(_skip_mark(source), answer)
    else:
        if sys.stdin.isatty():
            typer.echo("Reading JSON from the terminal; end it with Ctrl-D.", err=True)
        _answer_all(_skip_mark(sys.stdin.buffer), answer)


def _skip_mark(source: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines; a byte order mark before the first, as some editors write it, is left out.

    A mark anywhere else stays what it is in JSON: an error.
    """
    for number, line in enumerate(source):
        yield line if number else line.removeprefix(codecs.BOM_UTF8)


def _answer_all(lines: Iterator[bytes], answer: Callable[[bytes], None]) -> None:
    """Answer JSON lines as they come, or else the whole of the input as one JSON value.

    If the first line that is not blank is a JSON value by itself, every line is one.
    """
    from iris_deploy.codec.pointers import InstanceError
    from iris_deploy.codec.strict_json import MalformedError

    number, first = next(((n, s) for n, s in enumerate(lines, 1) if s.strip()), (1, b""))
    try:
        answer(first)
    except MalformedError:
        answer(first + b"".join(lines))
        return
    for line in lines:
        number += 1
        if not line.strip():
            continue
        try:
            answer(line)
        except (MalformedError, InstanceError) as exc:
            raise IrisDeployError(
                f"line {number}: {exc}", hint="the lines before it are answered"
            ) from exc
