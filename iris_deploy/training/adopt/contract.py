"""What estimators that were trained elsewhere take and give: as their files or their owner say."""

from collections.abc import Sequence

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError, SettingsError
from iris_deploy.estimators.booster_facts import facts_of, labels_of
from iris_deploy.estimators.discovery import (
    find_fields,
    find_names,
    find_width,
    first_of,
    last_of,
    takes_text,
    task_of,
)
from iris_deploy.estimators.kinds import find_columns
from iris_deploy.estimators.labels import ANOMALY, MAX_CLASSES, read_labels, what_is_told
from iris_deploy.estimators.several import take_outputs
from iris_deploy.runtimes.facts import Facts
from iris_deploy.schema.columns import Column
from iris_deploy.schema.outputs import (
    ClassOutput,
    Label,
    NumberOutput,
    Output,
    SeveralOutputs,
    Task,
)
from iris_deploy.training.adopt.given import Given


def choose_output(
    given: Given, classes: Sequence[Label] | None, name: str | None, facts: Facts | None = None
) -> Output:
    """Describe what the last estimator predicts.

    Parameters
    ----------
    given : Given
    classes : sequence of str, int or bool, or None
        What its classes are called, in its order; None to take what the files say.
    name : str or None
        Of the target.
    facts : Facts, optional
        What scikit-learn says, if it is to predict.

    Raises
    ------
    ArtifactError
        If nothing says which classes there are.
    SettingsError
        If they are more or fewer than the classifier knows.
    """
    last = given.records[-1]
    several = _several(given, name, facts)
    if several is not None:
        if classes is not None or given.labels is not None:
            raise SettingsError(
                f"`classes`: {given.steps[-1].what}, and says the classes of its outputs itself"
            )
        return several
    if (facts.task if facts else task_of(last)) != "classification":
        if classes is not None or given.labels is not None:
            raise SettingsError(
                f"`classes`: {given.steps[-1].what} predicts a number, and has none"
            )
        return NumberOutput(name=name or "prediction", unit=None, seen=None)
    labels = tuple(classes) if classes is not None else given.labels
    known = facts.classes if facts else _known(given, known_enough=labels is not None)
    if known is not None and labels is not None and classes is None:
        labels = _decoded(given, known, labels)
    if labels is None:
        labels = known or ()
    if known is not None and len(labels) != len(known):
        raise SettingsError(
            f"`classes`: {given.steps[-1].what} tells {len(known)} classes apart "
            f"({', '.join(map(str, known[:10]))}); got {len(labels)}"
        )
    if not 2 <= len(labels) <= MAX_CLASSES or len(set(map(str, labels))) < len(labels):
        raise SettingsError("`classes`: expected two at least, each once")
    told = facts.name if facts else what_is_told(last_of(last))
    return ClassOutput(
        name=name or told,
        classes=labels,
        anomaly=labels[0] if told == ANOMALY else None,
    )


def _several(given: Given, name: str | None, facts: Facts | None) -> SeveralOutputs | None:
    """Describe several outputs; None if there is one."""
    record = given.records[-1]
    if facts is not None:
        kinds = [(each.task, each.classes) for each in facts.outputs]
    else:
        members = take_outputs(record)
        kinds = [_kind(last_of(member)) for member in members] if len(members) > 1 else []
    if not kinds:
        return None
    names = name.split(",") if name is not None else [f"y{k}" for k in range(len(kinds))]
    if len(names) != len(kinds) or len(set(names)) < len(names) or not all(names):
        raise SettingsError(
            f"`target`: {given.steps[-1].what}, and has {len(kinds)} outputs; got {name}",
            hint="name them in their order, such as `target` width,height",
        )
    return SeveralOutputs(
        outputs=tuple(
            ClassOutput(name=own, classes=classes)
            if task == "classification"
            else NumberOutput(name=own, unit=None, seen=None)
            for own, (task, classes) in zip(names, kinds, strict=True)
        )
    )


def _kind(member: Fitted) -> tuple[Task, tuple[Label, ...]]:
    """Return what an estimator of one output predicts, and which classes."""
    task, booster = task_of(member), facts_of(member)
    if task is None:
        raise ArtifactError(f"{member.name} is among several outputs, and predicts nothing")
    if task == "regression":
        return task, ()
    return task, labels_of(member, booster) if booster else read_labels(member)


def _known(given: Given, *, known_enough: bool) -> tuple[Label, ...] | None:
    """Return the classes that the classifier itself knows; None if it does not matter."""
    last = last_of(given.records[-1])
    facts = facts_of(last)
    if facts is not None:
        return labels_of(last, facts)
    try:
        return read_labels(last)
    except ArtifactError:
        if known_enough:
            return None
        raise


def _decoded(given: Given, known: Sequence[Label], labels: Sequence[Label]) -> tuple[Label, ...]:
    """Return what a classifier's classes stand for that are positions of labels."""
    if set(known) <= set(labels) and not all(type(k) is int for k in known):
        return tuple(known)
    if not all(type(k) is int and 0 <= k < len(labels) for k in known):
        raise ArtifactError(
            f"{given.steps[-1].what} tells the classes {', '.join(map(str, known[:10]))} apart, "
            f"which are no positions of {len(labels)} labels",
            hint="name the classes, in the order of the classifier, with `classes`",
        )
    return tuple(labels[int(k)] for k in known)


def choose_names(given: Given, names: Sequence[str] | None) -> list[str]:
    """Return the names of the columns that the first estimator takes.

    Parameters
    ----------
    given : Given
    names : sequence of str or None
        As their owner says; None to take what the files say.

    Raises
    ------
    SettingsError
        If they are more or fewer than it takes, or nothing says how many.
    """
    first = given.records[0]
    chosen = [*names] if names is not None else find_fields(first) or given.names
    chosen = chosen or find_names(first)
    width = find_width(first)
    if chosen is None:
        if width is None:
            raise SettingsError(
                f"`columns`: nothing says how many columns {given.steps[0].what} takes",
                hint="name them, in its order, such as `columns` length,width",
            )
        return ["text"] if takes_text(first_of(first)) else [f"x{k}" for k in range(width)]
    if width is not None and len(chosen) != width:
        raise SettingsError(
            f"`columns`: {given.steps[0].what} columns, and {len(chosen)} are named: "
            f"{', '.join(chosen[:10])}",
            hint="name all of them, in the order in which it was fitted to them",
        )
    if len(set(chosen)) < len(chosen) or not all(chosen):
        raise SettingsError("`columns`: expected names that differ")
    return chosen


def describe_columns(given: Given, names: Sequence[str], output: Output) -> tuple[Column, ...]:
    """Describe the columns, those that an encoder gets as categories.

    Raises
    ------
    ArtifactError
    """
    return find_columns(given.records, names, output)
