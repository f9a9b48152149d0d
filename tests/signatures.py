"""Signatures for tests: columns as training would describe them."""

from collections.abc import Sequence
from typing import Any

from iris_deploy.schema.columns import (
    CategoriesSeen,
    CategoryColumn,
    NumberColumn,
    NumbersSeen,
    TextColumn,
)
from iris_deploy.schema.outputs import ClassOutput, Label, NumberOutput, TargetSeen
from iris_deploy.schema.signature import Signature


def number(name: str, **changes: Any) -> NumberColumn:
    """Describe a column of numbers."""
    members: dict[str, Any] = {
        "unit": None,
        "missing": False,
        "boolean": False,
    }
    seen: dict[str, Any] = {
        "n_missing": 0,
        "minimum": 0.0,
        "maximum": 1.0,
        "mean": 0.5,
        "bin_edges": (),
        "bin_counts": (1,),
    }
    seen |= {name: changes.pop(name) for name in list(changes) if name in seen}
    members |= {"name": name, "seen": NumbersSeen(**seen)}
    return NumberColumn(**members | changes)


def category(name: str, categories: Sequence[Any], **changes: Any) -> CategoryColumn:
    """Describe a column of categories."""
    members: dict[str, Any] = {
        "missing": False,
        "categories": tuple(categories),
        "unknown": False,
    }
    seen: dict[str, Any] = {
        "n_missing": 0,
        "counts": (1,) * min(len(categories), 100),
        "n_rest": 0,
    }
    seen |= {name: changes.pop(name) for name in list(changes) if name in seen}
    members |= {"name": name, "seen": CategoriesSeen(**seen)}
    return CategoryColumn(**members | changes)


def text(name: str, **changes: Any) -> TextColumn:
    """Describe a column of texts."""
    members: dict[str, Any] = {"name": name, "missing": False, "seen": None}
    return TextColumn(**members | changes)


def classes(*labels: Label) -> ClassOutput:
    """Describe an output of classes."""
    return ClassOutput(name="class", classes=labels)


NUMBER = NumberOutput(
    name="target",
    unit=None,
    seen=TargetSeen(minimum=0.0, maximum=1.0, mean=0.5, bin_edges=(0.25, 0.75)),
)


def numbers_to_classes(n_columns: int, n_classes: int) -> Signature:
    """Describe columns x0, x1, ... and classes "class 0", "class 1", ..."""
    return Signature(
        columns=tuple(number(f"x{j}") for j in range(n_columns)),
        output=classes(*(f"class {k}" for k in range(n_classes))),
    )
