"""A container of a fresh image, from its start to its removal."""

import json

from iris_deploy.image.engines.program import Program


class Container:
    """A container under a name of ours, which its end needs whatever happens at its start.

    Parameters
    ----------
    engine : Program
        docker or podman.
    name : str
    """

    def __init__(self, engine: Program, name: str) -> None:
        self._engine = engine
        self._name = name

    def start(self, image: str, *options: str) -> None:
        """Run it in the background."""
        self._engine.run("run", "--detach", "--name", self._name, *options, image)

    def execute(self, *command: str, given: str = "") -> str:
        """Run a command inside and return what it prints."""
        return self._engine.run("exec", "--interactive", self._name, *command, given=given)

    def state(self) -> dict[str, object]:
        """Return what is known of its life: whether it runs, its start and exit code."""
        answer = self._engine.run("inspect", "--format", "{{json .State}}", self._name)
        state: dict[str, object] = json.loads(answer)
        return state

    def logs(self) -> str:
        """Return what it has printed."""
        return self._engine.all_output("logs", self._name)

    def stop(self, seconds: int) -> None:
        """Send SIGTERM, and SIGKILL after so many seconds."""
        self._engine.run("stop", "--time", str(seconds), self._name)

    def remove(self) -> None:
        """Remove it with its volumes, whatever its state."""
        self._engine.succeeds("rm", "--force", "--volumes", self._name)
