"""What is in a file of another package, told like what is in a dump."""

from iris_deploy.dumps.records import Fitted
from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.inspection import Inspection, Part, walk
from iris_deploy.estimators.own_formats import boosters_in, describe_boosters


def inspect_record(record: Fitted) -> Inspection:
    """Describe a model that stood in a file of its package.

    Parameters
    ----------
    record : Fitted
        See `own_formats.read_own_format`.
    """
    part = Part("", record.name, is_read=True)
    part.parts = [Part("", booster.name, is_read=True) for booster in boosters_in(record)]
    found = Inspection(0, 0, [part], [], None, None, "another")
    try:
        describe_boosters(walk([part]), record)
    except ArtifactError as exc:
        found.why_not = str(exc)
    return found
