"""Tables in the JSON that data frames are written to, as objects or arrays with the columns' names.

Knows forms and names; what a value may be is the signature's to say.

References
----------
pandas.DataFrame.to_json, ``orient``.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from iris_deploy.codec.pointers import JsonLayout
from iris_deploy.codec.values import describe_value
from iris_deploy.schema.problems import LONGEST_NAME, Problems, list_names

_INDEX = "index"
"""What pandas calls the index in a table, unless the schema says otherwise."""


class Frame(NamedTuple):
    """Instances that are objects, or arrays by column, and how they came.

    Parameters
    ----------
    instances : list of object, or dict of str to list
    layout : JsonLayout
    """

    instances: Any
    layout: JsonLayout


def name_values(lists: Sequence[object], columns: Sequence[str]) -> dict[str, list[Any]]:
    """Turn arrays of values into an array for each column.

    Parameters
    ----------
    lists : sequence of object
        Each an array with a value for each column to be right.
    columns : sequence of str
        In the order of the values.

    Raises
    ------
    SignatureError
        Naming those that are not.
    """
    problems, n_columns = Problems(), len(columns)
    for at, values in enumerate(lists):
        if type(values) is not list or len(values) != n_columns:
            problems.add(at, None, _misfit(values, columns))
    problems.check()
    rows: Any = lists
    return {name: [row[at] for row in rows] for at, name in enumerate(columns)}


def name_one(values: Sequence[object], columns: Sequence[str]) -> dict[str, Any]:
    """Turn an array with a value for each column into an object; see `name_values`."""
    problems = Problems()
    if len(values) != len(columns):
        problems.add(None, None, _misfit(values, columns))
    problems.check()
    return dict(zip(columns, values, strict=True))


def is_split(value: Mapping[str, Any]) -> bool:
    """Tell whether an object is a table with a list of columns beside a list of rows."""
    return {"columns", "data"} <= value.keys() <= {"columns", "index", "data"}


def read_split(value: Mapping[str, Any], base: str = "") -> Frame:
    """Read a table of the form ``split``.

    Parameters
    ----------
    value : mapping
        For which `is_split` is true.
    base : str
        JSON pointer of it.

    Raises
    ------
    SignatureError
        If columns are no names, or rows no arrays of as many values.
    """
    columns, data = value["columns"], value["data"]
    problems = Problems()
    if type(columns) is not list or not all(type(name) is str for name in columns):
        problems.add(None, "columns", "expected an array of the columns' names")
    elif len(set(columns)) < len(columns):
        problems.add(None, "columns", "expected each column once")
    for name in ("data", "index"):
        if type(value.get(name, [])) is not list:
            problems.add(None, name, "expected an array")
    problems.check()
    layout = JsonLayout("lists", f"{base}/data", (), tuple(columns))
    return Frame(name_values(data, columns), layout)


def is_table(value: Mapping[str, Any]) -> bool:
    """Tell whether an object is a table with its schema."""
    return value.keys() == {"schema", "data"} and type(value["data"]) is list


def read_table(value: Mapping[str, Any], known: Iterable[str], base: str = "") -> Frame:
    """Read a table of the form ``table``: its rows, out of which their index is taken.

    Parameters
    ----------
    value : mapping
        For which `is_table` is true.
    known : iterable of str
        Names of columns, which are no index whatever the schema says.
    base : str
        JSON pointer of it.
    """
    schema = value["schema"]
    key = schema.get("primaryKey", [_INDEX]) if type(schema) is dict else [_INDEX]
    index = {name for name in key if type(name) is str} if type(key) is list else {_INDEX}
    index -= set(known)
    for row in value["data"]:
        for name in [name for name in row if name in index] if type(row) is dict else ():
            del row[name]
    return Frame(value["data"], JsonLayout("objects", f"{base}/data"))


def is_indexed(value: Mapping[str, Any]) -> bool:
    """Tell whether an object has nothing but objects: one for each row, by the index."""
    return bool(value) and all(type(row) is dict for row in value.values())


def read_indexed(value: Mapping[str, Any], base: str = "") -> Frame:
    """Read a table of the form ``index``."""
    return Frame([*value.values()], JsonLayout("objects", base, tuple(value)))


def read_by_column(value: Mapping[str, Any], base: str = "") -> Frame:
    """Read a table of the form ``columns``: an object for each column, with a value for each row.

    Raises
    ------
    SignatureError
        If two columns have other rows.
    """
    first, rows = next((name, each) for name, each in value.items() if type(each) is dict)
    first, keys = first[:LONGEST_NAME], rows.keys()
    problems = Problems()
    arrays = {}
    for name, each in value.items():
        if type(each) is dict and each.keys() == keys:
            arrays[name] = [each[key] for key in keys]
        else:
            detail = f"expected an object with {len(keys)} members, the same as {first} has"
            problems.add(None, name[:LONGEST_NAME], detail)
    problems.check()
    return Frame(arrays, JsonLayout("arrays", base, tuple(keys)))


def find_order(columns: Sequence[str], names: Sequence[str]) -> list[int] | None:
    """Say where each of some names stands among columns; None if these are others."""
    if len(columns) != len(names):
        return None
    at = {name: position for position, name in enumerate(columns)}
    return [at[name] for name in names] if at.keys() == set(names) else None


def _misfit(values: object, columns: Sequence[str]) -> str:
    got = f"an array of {len(values)}" if isinstance(values, list) else describe_value(values)
    return f"expected an array of {len(columns)} values: {list_names(columns)}; got {got}"
