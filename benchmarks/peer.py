"""What a server that is compared is: how it is run, and asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.traffic import Request
from benchmarks.workloads import IRISES, Row, Workload

PEERS = Path(__file__).parent / "peers"
OURS = "iris-deploy"

One = Callable[[Workload, Row], Request]
Many = Callable[[Workload, Sequence[Row]], Request]


@dataclass(frozen=True)
class Peer:
    """One server, in an environment of its own.

    Parameters
    ----------
    name : str
    packages : sequence of str
        Those whose versions the report names.
    how : str
        How it is run and asked, for the report.
    command : sequence of str
        With ``{bin}``, ``{app}``, ``{port}``, ``{port2}``, ``{port3}`` and ``{workers}``; run in
        the directory of its model.
    one : callable
        The request for one row.
    many : dict of str to callable
        The requests for many rows, by the form of their body; empty if it takes one row only.
    workloads : sequence of str
        Those that it can serve.
    variables : dict of str to str
        For its process's environment, filled in as the command is.
    silent, logging : sequence of str
        Words after the command for a run without and with an access log; none if it has no log.
    proxied : sequence of str or None
        Words after those for a run behind nginx; None if it is not run there.
    rival : str
        Ours, asked in the same contract.
    of : str
        The peer whose server it is, if only the requests differ.
    program : str
        Of the machine, which it cannot do without.
    is_constant : bool
        Whether it has one answer for everything, which is not held to scikit-learn's.
    """

    name: str
    packages: Sequence[str]
    how: str
    command: Sequence[str]
    one: One
    many: dict[str, Many] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    silent: Sequence[str] = ()
    logging: Sequence[str] = ()
    proxied: Sequence[str] | None = None
    workloads: Sequence[str] = (IRISES.name,)
    rival: str = ""
    of: str = ""
    program: str = ""
    is_constant: bool = False

    @property
    def server(self) -> str:
        """Whose environment and directory it has."""
        return self.of or self.name

    @property
    def is_ours(self) -> bool:
        """Whether it is our server, whatever it is asked in."""
        return self.server == OURS

    @property
    def has_our_predictor(self) -> bool:
        """Whether it is another server around our predictor."""
        return self.name.endswith("-ours")

    @property
    def is_rival(self) -> bool:
        """Whether people use it instead of ours, on the versions of today."""
        another = not (self.is_ours or self.has_our_predictor or self.is_constant)
        return another and not self.name.endswith("-2018")

    @property
    def directory(self) -> Path:
        """Its requirements and, if it has any, its application."""
        return PEERS / self.server
