"""A virtual machine, emulated as a whole: booted, asked, rebooted, given commands."""

import contextlib
import re
import secrets
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import free_port
from tests.waits import wait_until

HOST = "10.0.2.2"
"""This machine as the virtual one sees it."""

_END = re.compile(r"<(\w+) (\d+)>")


class Machine:
    """A running machine.

    Parameters
    ----------
    folder : Path
        Of its own; the serial console's log is there.
    disk : Path
        Folder that tests/machine/disk.sh has made.
    user_data : str
        For cloud-init.
    guest_port : int
        Port of the machine that is reached at `port` of this one.
    media : Path or None
        A folder that it gets as a disk of its own, /dev/vdc.
    """

    def __init__(
        self, folder: Path, disk: Path, user_data: str, guest_port: int, media: Path | None = None
    ) -> None:
        self.log = folder / "console"
        self.port = free_port()
        self._shell_path = folder / "shell"
        self._shell: socket.socket | None = None
        seed = folder / "seed"
        seed.mkdir()
        (seed / "user-data").write_text(user_data)
        (seed / "meta-data").write_text(f"instance-id: {secrets.token_hex(4)}\n")
        drives = [("seed", seed, "cidata"), ("media", media, "media")]
        isos = []
        for name, content, volume in drives:
            if content is not None:
                isos.append(folder / f"{name}.iso")
                _make_iso(isos[-1], content, volume)
        overlay = folder / "overlay.qcow2"
        raw = disk / "disk.raw"
        _run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", raw, overlay)
        forward = f"hostfwd=tcp:127.0.0.1:{self.port}-:{guest_port}"
        command = [
            *("qemu-system-x86_64", "-accel", "tcg,thread=multi,tb-size=512"),
            *("-machine", "q35", "-cpu", "Haswell", "-smp", "2", "-m", "1536"),
            *("-kernel", str(disk / "vmlinuz"), "-initrd", str(disk / "initrd.img")),
            *("-append", "console=ttyS0 root=/dev/vda rw"),
            *("-drive", f"file={overlay},format=qcow2,if=virtio,cache=unsafe"),
            *(
                word
                for iso in isos
                for word in ("-drive", f"file={iso},format=raw,if=virtio,readonly=on")
            ),
            *("-netdev", f"user,id=net,{forward}"),
            *("-device", "virtio-net-pci,netdev=net,romfile="),
            *("-device", "virtio-rng-pci", "-serial", f"file:{self.log}"),
            *("-serial", f"unix:{self._shell_path},server=on,wait=off"),
            *("-monitor", "none", "-display", "none"),
            *("-vga", "none", "-nodefaults"),
        ]
        with (folder / "qemu").open("w") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=errors)

    def run(self, command: str, seconds: float = 120) -> str:
        """Run a shell command as root, and return what it prints; it has to succeed."""
        if self._shell is None:
            self._shell = socket.socket(socket.AF_UNIX)
            wait_until(self._shell_path.exists)
            self._shell.connect(str(self._shell_path))
        self._shell.settimeout(seconds)
        mark = secrets.token_hex(6)
        # The terminal echoes the line: the mark in it is cut in two.
        line = f"( {command}\n) 2>&1; printf '<%s %s>\\n' {mark[:6]}''{mark[6:]} $?\n"
        self._shell.sendall(line.encode())
        said = b""
        while True:
            said += self._shell.recv(65536)
            found = re.search(rf"(?s)^(.*)<{mark} (\d+)>", said.decode(errors="replace"))
            if found:
                text = found[1].replace("\r\n", "\n")
                assert found[2] == "0", f"{command}: {text}"
                return text

    def wait_for_shell(self, seconds: float = 240) -> None:
        """Wait until commands are run."""
        wait_until(self._answers, seconds, failed=self.tail)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.tail()
        try:
            return "there" in self.run("echo the''re", 5)
        except (OSError, AssertionError):
            return False

    def tail(self) -> str:
        """Return the end of what it said on its console."""
        return self.log.read_text(errors="replace")[-3000:]

    def stop(self) -> None:
        """Switch it off."""
        if self._shell is not None:
            self._shell.close()
        self.process.kill()
        self.process.wait()


def _make_iso(path: Path, content: Path, volume: str) -> None:
    _run(
        *("xorriso", "-as", "genisoimage", "-quiet", "-output", path, "-volid", volume),
        *("-joliet", "-joliet-long", "-rock", content),
    )


def _run(*command: object) -> None:
    subprocess.run(list(map(str, command)), check=True, capture_output=True)


@contextlib.contextmanager
def booted(
    folder: Path, disk: Path, user_data: str, guest_port: int, media: Path | None = None
) -> Iterator[Machine]:
    """Boot a machine; it is switched off when the block ends."""
    folder.mkdir(parents=True)
    machine = Machine(folder, disk, user_data, guest_port, media)
    try:
        yield machine
    finally:
        machine.stop()
        for path in (*folder.glob("*.iso"), folder / "overlay.qcow2"):
            path.unlink()
