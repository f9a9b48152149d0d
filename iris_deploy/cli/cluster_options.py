"""Options of the commands that a cluster may do the work of."""

from typing import Annotated

import typer

from iris_deploy.clusters import DASK, SPARK
from iris_deploy.errors import expect

_CLUSTER = "On a cluster"
_LOCAL = "local"
_ADDRESSES = {DASK: "scheduler", SPARK: "master"}

Engine = Annotated[
    str | None,
    typer.Option(
        help="What does the work: local, for this machine, or a cluster: dask, or for score spark.",
        rich_help_panel=_CLUSTER,
        show_default="that whose address is given, else local",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="Address of a Dask scheduler, as tcp://10.0.0.1:8786 (extra dask).",
        rich_help_panel=_CLUSTER,
        show_default=False,
    ),
]
Master = Annotated[
    str | None,
    typer.Option(
        help="Address of a Spark master, as spark://10.0.0.1:7077 (extra spark, and a Java).",
        rich_help_panel=_CLUSTER,
        show_default=False,
    ),
]


def read_cluster(engine: str | None, addresses: dict[str, str | None]) -> tuple[str, str] | None:
    """Return which cluster is meant, and its address; None for this machine.

    Parameters
    ----------
    engine : str or None
        As it was typed; None for that of which there is an address.
    addresses : dict of str to str or None
        Of each cluster that the command knows.

    Raises
    ------
    SettingsError
        If it is none of these, or has no address, or another has one.
    """
    if engine is None:
        engine = next((name for name, address in addresses.items() if address), _LOCAL)
    known = [_LOCAL, *addresses]
    expect(engine in known, "engine", f"one of {', '.join(known)}", engine)
    for name, address in addresses.items():
        wanted = name == engine
        expected = "the address of a cluster" if wanted else "none"
        got = address or "none"
        expect(bool(address) == wanted, _ADDRESSES[name], f"{expected} for {engine}", got)
    address = addresses.get(engine)
    return None if address is None else (engine, address)
