"""What environment variables say that others may set too: ports, sockets, where a server listens.

Kubernetes and Docker put variables of their own beside ours, in names made of the names of their
Services and links. Read by the command and by the health check of an image, so that both think the
same; imports nothing heavy.
"""

import ipaddress
import re
from collections.abc import Mapping

from iris_deploy.bundle.settings import ARTIFACTS_VARIABLE
from iris_deploy.errors import SettingsError
from iris_deploy.serving.addresses import ALL_ADDRESSES
from iris_deploy.serving.contract_settings import HEALTH_VARIABLE, PREDICT_VARIABLE
from iris_deploy.serving.settings import HOST_VARIABLE, PORT_VARIABLES, ServeSettings

COLLIDING = (*PORT_VARIABLES, HOST_VARIABLE, ARTIFACTS_VARIABLE)
"""Variables in which an injected value is ignored. Not the tokens': no Service and no link can make
that name, and a server that was meant to be guarded must not start open."""

_FIRST_DESCRIPTOR = 3  # SD_LISTEN_FDS_START
_MOST_DESCRIPTORS = 64

_INJECTED = re.compile(r"(?:tcp|udp|sctp)://\S*")


def injected_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Name the variables of ours that hold what Kubernetes or Docker injects.

    Beside a Service called ``iris-deploy``, and in a container that is linked to one of that name,
    ``IRIS_DEPLOY_PORT`` is ``tcp://10.96.0.1:80``.

    Parameters
    ----------
    environ : mapping of str to str

    Returns
    -------
    tuple of str

    References
    ----------
    Kubernetes, Service, Environment variables; Docker, Legacy container links.
    """
    return tuple(name for name in COLLIDING if _INJECTED.fullmatch(environ.get(name, "").strip()))


def named_ports(environ: Mapping[str, str]) -> tuple[int, ...]:
    """Return the ports that the environment names; none if it names none.

    The first of `PORT_VARIABLES` counts that holds anything, what is injected aside.

    Raises
    ------
    SettingsError
        If that variable holds anything but port numbers.
    """
    ignored = injected_variables(environ)
    for name in PORT_VARIABLES:
        words = environ.get(name, "").split()
        if words and name not in ignored:
            return tuple(_port(name, word) for word in words)
    return ()


def asked_routes(environ: Mapping[str, str]) -> dict[str, str | None]:
    """Return the paths at which Vertex AI will ask: ``health_route`` and ``predict_route``."""
    return {
        "health_route": environ.get(HEALTH_VARIABLE) or None,
        "predict_route": environ.get(PREDICT_VARIABLE) or None,
    }


def _port(name: str, word: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", word) or int(word) > 65535:
        raise SettingsError(
            f"{name}: expected numbers from 0 to 65535 with spaces between, got {word!r:.100}",
            hint=f"set {name} to a port such as 5000, or unset it",
        )
    return int(word)


def handed_descriptors(environ: Mapping[str, str], process: int) -> tuple[int, ...]:
    """Return the descriptors of sockets that a service manager has made and hands over.

    Parameters
    ----------
    environ : mapping of str to str
    process : int
        Whose id ``LISTEN_PID`` has to be: what is meant for another program is not taken.

    Raises
    ------
    SettingsError
        If ``LISTEN_FDS`` is no number, or one that nobody could mean.

    References
    ----------
    sd_listen_fds(3).
    """
    if environ.get("LISTEN_PID") != str(process):
        return ()
    text = environ.get("LISTEN_FDS", "0")
    if not re.fullmatch("[0-9]{1,4}", text) or int(text) > _MOST_DESCRIPTORS:
        raise SettingsError(
            f"LISTEN_FDS: expected a number from 0 to {_MOST_DESCRIPTORS}, got {text!r:.100}",
            hint="let the service manager set it, or unset LISTEN_PID",
        )
    return tuple(range(_FIRST_DESCRIPTOR, _FIRST_DESCRIPTOR + int(text)))


def address_to_ask(environ: Mapping[str, str]) -> tuple[str, int]:
    """Return host and port where a server in this environment answers, seen from beside it.

    Raises
    ------
    SettingsError
        See `named_ports`.
    """
    defaults = ServeSettings()
    port = (*named_ports(environ), *defaults.ports)[0]
    host = environ.get(HOST_VARIABLE, "")
    if HOST_VARIABLE in injected_variables(environ) or not host:
        host = defaults.host
    return reachable_host(host), port


def reachable_host(host: str) -> str:
    """Return an address at which a host's server answers on the same machine.

    Parameters
    ----------
    host : str
        As `serve` takes it, or an address that is listened on.

    Returns
    -------
    str
        IPv4's loopback for all addresses of the machine, else the host itself.
    """
    try:
        everywhere = host == ALL_ADDRESSES or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        everywhere = False
    return "127.0.0.1" if everywhere else host
