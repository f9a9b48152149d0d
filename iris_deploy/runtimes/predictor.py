"""The predictor of a bundle for which scikit-learn predicts."""

from collections.abc import Mapping, Sequence

from iris_deploy.errors import ArtifactError
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.runtimes.library import Library
from iris_deploy.runtimes.loading import Loader, check_packages, member_of
from iris_deploy.runtimes.scikit_learn import build_library_predictor
from iris_deploy.schema.adapter import Adapter
from iris_deploy.schema.signature import Signature


def load_predictor(
    signature: Signature,
    adapter: Adapter | None,
    library: Library,
    steps: Sequence[tuple[str, Sequence[str | int]]],
    files: Mapping[str, bytes],
    code: Mapping[str, bytes],
) -> Predictor:
    """Load estimators, which runs what is in them, and make a predictor of them.

    Parameters
    ----------
    signature : Signature
    adapter : Adapter or None
    library : Library
        What may be imported, and what has to be installed.
    steps : sequence of (str, sequence of str or int)
        Of each estimator the file, and where it is in there.
    files : mapping of str to bytes
        Verified.
    code : mapping of str to bytes
        Modules of the owner's by name; verified.

    Raises
    ------
    ArtifactError
        If a file names what the library does not list.
    BundleError
        If a package is not of the version that is listed.
    """
    check_packages(library.packages)
    loader = Loader(code)
    loaded = {name: loader.load(data) for name, data in files.items()}
    unlisted = sorted(loader.names.seen.difference(library.names))
    if unlisted:
        raise ArtifactError(
            f"an artifact names {unlisted[0]:.100}, which the manifest does not list",
            hint="import or train again with this release",
        )
    estimators = [member_of(loaded[file], path) for file, path in steps]
    return build_library_predictor(signature, adapter, library, estimators)
