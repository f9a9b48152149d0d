"""What contracts have in common in words: what is predicted, and flags of queries."""

from urllib.parse import parse_qs

from iris_deploy.codec.strict_json import MalformedError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.outputs import ClassOutput

_FLAGS = {"": True, "true": True, "1": True, "false": False, "0": False}


def what(predictor: Predictor) -> str:
    """Name what is predicted."""
    output = predictor.signature.output
    return "the class" if isinstance(output, ClassOutput) else output.name


def read_flag(query: str, name: str) -> bool:
    """Return the only query parameter that there is; absent is false, ``?name`` alone is true."""
    parameters = parse_qs(query, keep_blank_values=True)
    unknown = next((other for other in parameters if other != name), None)
    if unknown is not None:
        from difflib import get_close_matches  # only errors pay for it

        meant = f" (did you mean {name!r}?)" if get_close_matches(unknown[:40], [name]) else ""
        raise MalformedError(f"unknown query parameter {unknown[:40]!r}; expected {name}{meant}")
    values = parameters.get(name, [])
    if not values:
        return False
    if len(values) == 1 and (value := values[0].lower()) in _FLAGS:
        return _FLAGS[value]
    raise MalformedError(
        f"the query parameter {name} is {values[0][:40]!r}; expected true or false, once"
    )
