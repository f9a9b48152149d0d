"""What differs from place to place: names, sizes, where tokens are."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from iris_deploy.errors import expect, expect_between
from iris_deploy.facts import URL_PREFIX

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123, section 2.1
_SERVICE = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1035: what a Service may be called
_LONGEST_DOMAIN = 253

Proxy = Literal["none", "nginx", "caddy"]


@dataclass(frozen=True, kw_only=True)
class RecipeSettings:
    """What differs from place to place.

    Parameters
    ----------
    name : str or None
        Of the container, the unit, the Service; None for the model's.
    namespace : str
        Of Kubernetes and its like.
    replicas : int
        Copies to begin with, where a platform runs several.
    workers : int
        Processes of a server, one for each processor that it gets.
    memory : int or None
        Bytes that a server may take at most; None for what its bundle needs.
    port : int
        At which a machine answers, where one is chosen.
    domain : str or None
        Name by which clients reach it, where something in front has to know.
    url_prefix : str
        Path below the domain that is its own, such as /iris; all of it if empty.
    tokens : bool
        Whether clients need a bearer token.
    proxy : {'none', 'nginx', 'caddy'}
        What stands in front and does TLS.
    monitoring : bool
        Whether Prometheus and Grafana come along.
    """

    name: str | None = None
    namespace: str = "default"
    replicas: int = 2
    workers: int = 1
    memory: int | None = None
    port: int = 80
    domain: str | None = None
    url_prefix: str = ""
    tokens: bool = False
    proxy: Proxy = "none"
    monitoring: bool = False

    def __post_init__(self) -> None:
        """Refuse what no platform would take, and what would mean something else in a file."""
        service = "a DNS label: a letter, then letters, digits and '-', in lower case, at most 63"
        is_service = self.name is None or _SERVICE.fullmatch(self.name) is not None
        expect(is_service, "name", service, self.name)
        label = "a DNS label: lower-case letters, digits and '-', at most 63"
        expect(_LABEL.fullmatch(self.namespace) is not None, "namespace", label, self.namespace)
        expect_between("replicas", self.replicas, 1, 1000)
        expect_between("workers", self.workers, 1, 128)
        expect_between("port", self.port, 1, 65535)
        expect(self.proxy in get_args(Proxy), "proxy", "nginx or caddy", self.proxy)
        domain = "a domain in lower case, such as iris.example.com"
        expect(self.domain is None or _is_domain(self.domain), "domain", domain, self.domain)
        path = "a path such as /iris, with / in front and none behind"
        is_path = not self.url_prefix or URL_PREFIX.fullmatch(self.url_prefix) is not None
        expect(is_path, "url_prefix", path, self.url_prefix)
        wanted = f"{domain}, beside `proxy` {self.proxy}"
        expect(self.proxy == "none" or self.domain is not None, "domain", wanted, "none")


def _is_domain(text: str) -> bool:
    labels = text.split(".")
    return (
        len(text) <= _LONGEST_DOMAIN
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()  # an address
    )
