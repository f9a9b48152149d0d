"""What any file of skops says, a hostile one too: written down, and nothing of it done.

See survey.py, which does the same with pickles.
"""

import io
from typing import Any

from iris_deploy.dumps.archive import DAMAGE as ARCHIVE_DAMAGE
from iris_deploy.dumps.archive import Archive
from iris_deploy.dumps.budget import Budget
from iris_deploy.dumps.notes import DICT, Noted, NotedArray
from iris_deploy.dumps.skops import open_archive
from iris_deploy.dumps.skops_nodes import Node, NodeReader
from iris_deploy.dumps.stack import DAMAGE
from iris_deploy.dumps.surveyor import Survey, Surveyor
from iris_deploy.errors import ArtifactError

_SHOWN_BYTES = 4096  # of an array whose values may be shown


def survey_skops(data: bytes) -> Survey:
    """Look at all nodes of a file.

    Parameters
    ----------
    data : bytes
        The whole of it.

    Returns
    -------
    Survey
        With the names that were found before the damage, if there is any.
    """
    found = Survey()
    try:
        archive, schema = open_archive(data)
        found.protocol = schema["protocol"]
        surveyor = Surveyor(io.BytesIO(), found, Budget(archive.size))
        found.values.append(NoteReader(archive, surveyor).value(schema))
    except (ArtifactError, *DAMAGE, *ARCHIVE_DAMAGE) as exc:
        found.damage = str(exc)[:100] or type(exc).__name__
    return found


class NoteReader(NodeReader):
    """Makes notes of nodes.

    Parameters
    ----------
    archive : Archive
    surveyor : Surveyor
        That writes them down.
    """

    def __init__(self, archive: Archive, surveyor: Surveyor) -> None:
        super().__init__(archive, surveyor.budget)
        self._surveyor = surveyor

    def make(self, node: Node, arguments: tuple[Any, ...], state: object) -> Any:
        """Note an object, and its attributes."""
        surveyor = self._surveyor
        surveyor.make(self.name(node), arguments)
        if state is not None:
            surveyor.push(state)
            surveyor.build(None)
        return surveyor.stack.pop()

    def name(self, node: Node) -> Any:
        """Note a name."""
        self._surveyor.find(node["__module__"], node["__class__"])
        return self._surveyor.stack.pop()

    def mapping(self, items: list[Any]) -> Any:
        """Note a dict."""
        return Noted(DICT, pairs=[*zip(items[::2], items[1::2], strict=True)])

    def array(self, file: object, items: list[Any], shape: object) -> Any:
        """Note an array; one without axes is its value."""
        if file is None:
            lengths = shape if isinstance(shape, tuple) else ()
            return NotedArray("|O", lengths, items)
        array = self.archive.read_array(file)
        if not array.ndim:
            return array.item()
        is_short = array.nbytes <= _SHOWN_BYTES and not array.dtype.names
        return NotedArray(array.dtype.str, array.shape, array.tobytes() if is_short else None)

    def unread(self, node: Node) -> Any:
        """Note the class of a node that is not looked into."""
        return Noted(self.name(node))
