"""nginx in front of a server, with what the recipe writes; only names and places are of here."""

import getpass
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.environments import LeftOutError, program_version, require
from benchmarks.load import Address
from benchmarks.processes import Tree
from benchmarks.programs import ServerError, free_ports, started
from benchmarks.servers import Known, Server, await_answer, check

DOMAIN = "iris.example.com"
HAS_HTTP2 = (1, 25, 1)
"""Version of nginx since which HTTP/2 has a line of its own."""


class Front:
    """The recipe's nginx, with TLS.

    Parameters
    ----------
    artifacts : Path
        Whose recipe is written.
    directory : Path
        For its files.

    Raises
    ------
    LeftOutError
        If nginx or openssl is missing, or the recipe cannot be written.
    """

    def __init__(self, artifacts: Path, directory: Path) -> None:
        for program in ("nginx", "openssl"):
            require(program)
        self._directory = directory
        directory.mkdir()
        written = directory / "recipe"
        _run(
            *(sys.executable, "-m", "iris_deploy", "recipe", "compose", "--no-lookup"),
            *("--artifacts", str(artifacts), "--image", "user/iris:1.0", "--proxy", "nginx"),
            *("--domain", DOMAIN, "--output", str(written)),
        )
        self._text = (written / "nginx.conf").read_text()
        self._certificate = directory / f"{DOMAIN}.pem"
        _run(
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN},IP:127.0.0.1"),
            *("-keyout", str(directory / f"{DOMAIN}.key"), "-out", str(self._certificate)),
        )

    @contextmanager
    def before(self, server: Server, known: Known) -> Iterator[Server]:
        """Stand before a server, until the end of the block.

        Raises
        ------
        ServerError
            If nginx does not start, or what comes through it is wrong.
        """
        ports = free_ports(2)
        path = self._directory / "nginx.conf"
        path.write_text(self._configuration(server.address.port, *ports))
        directives = f"daemon off; user {getpass.getuser()};"
        command = ["nginx", "-c", str(path), "-e", "stderr", "-g", directives]
        with started(command, self._directory, os.environ) as program:
            through = replace(
                server,
                address=Address(ports[0], self._certificate),
                tree=Tree(*server.tree.roots, program.process.pid),
            )
            with program.explained():
                await_answer(program, through, known)
                check(through, known)
            yield through

    def _configuration(self, upstream: int, port: int, plain: int) -> str:
        """Put ports and paths of here into the recipe's text, and words that this nginx knows."""
        here, text = self._directory, self._text
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"    {kind}_temp_path {here / kind};\n" for kind in kinds)
        replaced = {
            "server server:5000;": f"server 127.0.0.1:{upstream};",
            "/etc/nginx/certificates": str(here),
            "/tmp/nginx.pid": str(here / "nginx.pid"),  # noqa: S108
            "http {\n": f"http {{\n{paths}",
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "        listen [::]:80;\n": "",
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "        listen [::]:443 ssl;\n": "",
        }
        if program_version("nginx") < HAS_HTTP2:
            replaced[f"127.0.0.1:{port} ssl;"] = f"127.0.0.1:{port} ssl http2;"
            replaced["        http2 on;\n"] = ""
        for written, instead in replaced.items():
            if written not in text:
                raise ServerError(f"the recipe for nginx has no {written.strip()!r}")
            text = text.replace(written, instead)
        return text


def _run(*command: str) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if ran.returncode:
        raise LeftOutError(f"{command[0]} failed: {ran.stderr.strip()[-300:]}")
