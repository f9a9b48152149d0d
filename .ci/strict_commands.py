"""``python strict_commands.py KIND FILE [WORD...]``: commands and scripts, by what platforms know.

The commands are a list of lists of words, as JSON; a script is Python. Says what no platform would
take, and exits with 1. Nothing is sent: AWS's answers are made up here.
"""

import ast
import contextlib
import io
import json
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from strict_models import aws

HERE = Path(__file__).parent


def aws_cli(commands: list[list[str]]) -> Iterator[str]:
    """Check commands of AWS, whose words are made of the names in botocore's models."""
    import botocore.session
    from botocore import xform_name

    def by_word(names: Any) -> dict[str, str]:
        return {xform_name(name, "-"): name for name in names}

    session = botocore.session.get_session()
    for _, service, command, *words in commands:
        model = session.get_service_model(service)
        if command == "wait":
            waiters = session.get_waiter_model(service)
            waiter = by_word(waiters.waiter_names).get(words.pop(0))
            name = waiters.get_waiter(waiter).operation if waiter else None
        else:
            name = by_word(model.operation_names).get(command)
        if name is None:
            yield f"{service} {command}: unknown"
            continue
        operation = model.operation_model(name)
        if operation.has_streaming_output:
            words.pop()  # the file for it
        members = operation.input_shape.members
        given: dict[str, Any] = {}
        for option, value in zip(words[::2], words[1::2], strict=True):
            member = by_word(members).get(option.removeprefix("--"))
            if option == "--cli-input-json":
                given = json.loads(Path(value.removeprefix("file://")).read_text()) | given
            elif member:
                is_file = value.startswith("fileb://")
                given[member] = Path(value[8:]).read_bytes() if is_file else value
            elif option != "--query":
                yield f"{service} {command} {option}: unknown"
        yield from aws(given, service, name)


def boto3_script(path: str) -> Iterator[str]:
    """Run a script with boto3, at an AWS that has nothing yet, and print what is asked of it.

    What the script itself prints is left out.
    """
    import boto3
    import botocore.session
    from botocore import UNSIGNED
    from botocore.awsrequest import AWSResponse
    from botocore.config import Config
    from botocore.exceptions import ParamValidationError

    there = set()
    out = sys.stdout

    class Raw(io.BytesIO):
        def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
            yield self.read()

    def answer(request: Any, event_name: str, **_: Any) -> AWSResponse:
        operation = event_name.rpartition(".")[2]
        verb, thing = re.fullmatch("([A-Z][a-z]+)(.*)", operation).groups()
        out.write(f"{operation}\n")
        if verb == "Create":
            there.add(thing)
        known = verb != "Describe" or thing in there
        body = {"EndpointStatus": "InService", "TransformJobStatus": "Completed"}
        if not known:
            body = {"__type": "ValidationException", "message": f"Could not find {thing}."}
        return AWSResponse(request.url, 200 if known else 400, {}, Raw(json.dumps(body).encode()))

    session = botocore.session.get_session()
    session.set_default_client_config(Config(signature_version=UNSIGNED))
    session.register("before-send", answer)
    boto3.setup_default_session(botocore_session=session, region_name="eu-west-1")
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(path, run_name="__main__")
    except (ParamValidationError, AttributeError, ValueError) as exc:
        yield str(exc)


_GCLOUD = {
    "models upload": {"": ("Model",), "container-": ("ModelContainerSpec",)},
    "endpoints create": {"": ("Endpoint",)},
    "endpoints deploy-model": {
        "": ("DeployModelRequest", "DeployedModel", "DedicatedResources", "MachineSpec")
    },
    "endpoints list": {},
    "endpoints predict": {},
}
"""By command: the schemas of the API whose fields its flags are called after, by a prefix."""
_OF_GCLOUD = {"region", "format", "filter", "limit", "json-request"}


def gcloud(commands: list[list[str]]) -> Iterator[str]:
    """Check flags of gcloud, which are called after the fields that they set in Google's API."""
    schemas = json.loads((HERE / "aiplatform.v1.json").read_text())["schemas"]
    for _, _, group, command, *words in commands:
        known = set(_OF_GCLOUD)
        for prefix, names in _GCLOUD[f"{group} {command}"].items():
            for name in names:
                for field in schemas[f"GoogleCloudAiplatformV1{name}"]["properties"]:
                    known.add(prefix + re.sub("([A-Z])", r"-\1", field).lower())
        for flag in re.findall(r"^--([^=]+)", "\n".join(words), re.MULTILINE):
            if flag not in known:
                yield f"{group} {command} --{flag}: unknown"


def vertex_script(path: str) -> Iterator[str]:
    """Check the calls of a script by the signatures in the source of Vertex AI's SDK.

    What is called `model` or `endpoint` is a Model or an Endpoint there.
    """
    classes = {"aiplatform": _methods("initializer")["_Config"]}
    for name, methods in _methods("models").items():
        classes |= {f"aiplatform.{name}": methods, name.lower(): methods}
    for node in ast.walk(ast.parse(Path(path).read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        methods = classes.get(ast.unparse(node.func.value))
        if methods is None:
            continue
        called = ast.unparse(node.func)
        if node.func.attr not in methods:
            yield f"{called}: unknown"
            continue
        wrong = {keyword.arg for keyword in node.keywords} - methods[node.func.attr]
        yield from (f"{called}({name}=): unknown" for name in sorted(wrong))


def _methods(module: str) -> dict[str, dict[str, set[str]]]:
    """Return the names of arguments, by class and method."""
    tree = ast.parse((HERE / f"aiplatform_{module}.py").read_text())
    return {
        node.name: {
            method.name: {arg.arg for arg in (*method.args.args, *method.args.kwonlyargs)}
            for method in node.body
            if isinstance(method, ast.FunctionDef)
        }
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }


COMMANDS = {"aws": aws_cli, "gcloud": gcloud}
SCRIPTS = {"boto3": boto3_script, "vertex": vertex_script}


def main(kind: str, path: str, *words: str) -> int:
    """Check a file."""
    sys.argv = [path, *words]
    if kind in COMMANDS:
        wrong = list(COMMANDS[kind](json.loads(Path(path).read_text())))
    else:
        wrong = list(SCRIPTS[kind](path))
    sys.stderr.write("".join(f"{line}\n" for line in wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
