"""The console command: options, what is printed, and exit codes. typer and rich live here only.

One module per command. Each imports its room when it runs, so that ``--help`` is quick and
``serve`` stays light. `main` is one of the two boundaries where errors become something else.
"""

import os
import platform
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated

import typer
from typer.main import get_command

from iris_deploy import __version__
from iris_deploy.cli.options import Command
from iris_deploy.errors import IrisDeployError
from iris_deploy.serving.environment import injected_variables

EXIT_BUG = 3
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it

_SETTING = re.compile("`([a-z][a-z0-9_]*)`")

_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

_IS_WHOLE = find_spec("iris_deploy.cli.start") is not None  # an image holds what serves alone

COMMANDS = (
    *("train", "evaluate", "predict", "serve", "score", "build_image", "recipe"),
    *("inspect", "import_", "list_", "doctor"),
)
"""Every command, in a module of its name. An image holds those that serve alone."""


def _flow(text: str) -> str:
    """Join the lines of paragraphs: they break where the terminal ends, and not before."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n")).strip()


def build_app(asked: Sequence[str] = ()) -> typer.Typer:
    """Return the command with what it is asked for, or with all that there is if that is none.

    The modules of eleven commands, which ``serve`` does without, take a twentieth of its start.

    Parameters
    ----------
    asked : sequence of str
        The first word, if there is one.
    """
    app = typer.Typer(
        name="iris-deploy",
        help="Train a scikit-learn model, measure it, serve it over HTTP, ship it in an image.\n\n"
        "The steps hand over through artifacts/: train writes a bundle there, the others read it.",
        epilog="Start with: iris-deploy train, then iris-deploy evaluate, "
        "then iris-deploy serve --port 5000, then iris-deploy build-image --tag user/iris:1.0",
        add_completion=_IS_WHOLE,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich" if find_spec("rich") else None,  # an image has none
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    names = {name: name.strip("_").replace("_", "-") for name in COMMANDS}
    for module, name in [item for item in names.items() if item[1] in asked] or names.items():
        if find_spec(f"iris_deploy.cli.{module}"):
            command = getattr(import_module(f"iris_deploy.cli.{module}"), module)
            app.command(name, cls=Command, help=_flow(command.__doc__))(command)
    return app


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"iris-deploy {__version__}")
        if _IS_WHOLE:
            from iris_deploy.cli.diagnosis import list_versions

            typer.echo(f"Python {platform.python_version()}")
            for name, installed in list_versions().items():
                typer.echo(f"{name} {installed or 'is not installed'}")
        raise typer.Exit


def _root(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the versions of this package and of those that it needs.",
        ),
    ] = False,
) -> None:
    if context.invoked_subcommand is not None:
        return
    if not _IS_WHOLE:
        typer.echo(context.get_help())
        return
    from iris_deploy.cli.start import show_start

    show_start()


def spell_options(text: str) -> str:
    """Write settings, which have their names in backquotes, as the options that people give."""
    if not _SETTING.search(text):
        return text
    try:
        options = _options()
    except (ImportError, OSError):  # what is told of may keep modules from being read, too
        return text
    return _SETTING.sub(lambda found: options.get(found[1], found[0]), text)


@cache
def _options() -> dict[str, str]:
    """Return the options of all commands by the names of their settings."""
    options: dict[str, str] = {}
    for command in get_command(build_app()).commands.values():  # type: ignore[attr-defined]
        for parameter in command.params:
            options[parameter.name] = parameter.opts[0]
            spellings = (*parameter.opts, *parameter.secondary_opts)
            options |= {name.strip("-").replace("-", "_"): name for name in spellings}
    return options


def _tell(text: str) -> str:
    """Write an error for people: what a file has brought into it gives a terminal no commands."""
    return _CONTROL.sub("\ufffd", spell_options(text))


@contextmanager
def _without(names: Sequence[str]) -> Iterator[None]:
    """Take variables out of the environment, in which typer looks for values itself."""
    taken = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(taken)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the console command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the command's name; those of the process if left out.

    Returns
    -------
    int
        0 fine, 1 expected failure, 2 usage, 3 bug, 4 gate not met, 130 interrupted.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    ignored = injected_variables(os.environ)
    try:
        with _without(ignored):
            build_app(words[:1])(args=words, prog_name="iris-deploy", obj=ignored)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except IrisDeployError as exc:
        typer.secho(f"error: {_tell(str(exc))}", fg="red", err=True)
        if exc.hint:
            typer.echo(f"hint: {_tell(exc.hint)}", err=True)
        return exc.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception:  # noqa: BLE001
        traceback.print_exc()
        typer.secho("error: this is a bug in iris-deploy; please report the lines above", err=True)
        return EXIT_BUG
    return 0
