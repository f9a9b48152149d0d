"""Questions that come as lines of JSON, and what a client says to each.

Runs in the environment of clients, which has neither this project nor pytest.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

Table = dict[str, list[Any]]
"""Columns by their names; what is missing is None."""


def answer_lines(*actions: Callable[..., Any]) -> None:
    """Do what each line of standard input asks for, and write what it gave, or what it raised."""
    by_name = {action.__name__: action for action in actions}
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what packages print stands beside the answers
    for line in sys.stdin:
        question = json.loads(line)
        try:
            action = by_name[question["action"]]
            answer = {"returned": action(*question["given"], **question["named"])}
        except Exception as exc:  # noqa: BLE001, a client's refusal is what a test may want
            traceback.print_exc()
            answer = {"raised": type(exc).__name__, "text": str(exc)}
        print(json.dumps(answer), file=answers, flush=True)


def texts(values: Any) -> Any:
    """Return what an array holds, in lists, with bytes as text."""
    if isinstance(values, list):
        return [texts(value) for value in values]
    return values.decode() if isinstance(values, bytes) else values
