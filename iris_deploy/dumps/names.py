"""What joblib's and NumPy's names in a dump stand for; those of estimators are given (registry)."""

from collections.abc import Mapping

ARRAY, DTYPE, SCALAR, NDARRAY = object(), object(), object(), object()
RECONSTRUCT, FROM_BUFFER, ENCODE = object(), object(), object()
RECONSTRUCTOR, OBJECT, BYTES = object(), object(), object()
SET, MAPPING = object(), object()

Classes = Mapping[tuple[str, str], str]
"""Public names of the classes that a dump may name, by module and name in the dump."""

NAMES: dict[tuple[str, str], object] = {
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): ARRAY,
    ("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper"): ARRAY,
    ("numpy", "dtype"): DTYPE,
    ("numpy", "ndarray"): NDARRAY,
    ("numpy._core.multiarray", "scalar"): SCALAR,
    ("numpy.core.multiarray", "scalar"): SCALAR,
    # What arrays of objects are written with, and whatever is in them: by NumPy's own pickling.
    ("numpy._core.multiarray", "_reconstruct"): RECONSTRUCT,
    ("numpy.core.multiarray", "_reconstruct"): RECONSTRUCT,
    ("numpy._core.numeric", "_frombuffer"): FROM_BUFFER,
    ("numpy.core.numeric", "_frombuffer"): FROM_BUFFER,
    ("_codecs", "encode"): ENCODE,
    # How protocols 0 and 1 make an object of its class.
    ("copy_reg", "_reconstructor"): RECONSTRUCTOR,
    ("copyreg", "_reconstructor"): RECONSTRUCTOR,
    ("__builtin__", "object"): OBJECT,
    ("builtins", "object"): OBJECT,
    # And, up to 2 or 3, sets and bytes.
    ("__builtin__", "set"): SET,
    ("builtins", "set"): SET,
    ("__builtin__", "frozenset"): SET,
    ("builtins", "frozenset"): SET,
    ("__builtin__", "bytes"): BYTES,
    ("builtins", "bytes"): BYTES,
    # What boosters of other libraries keep beside their model.
    ("__builtin__", "bytearray"): BYTES,
    ("builtins", "bytearray"): BYTES,
    ("collections", "OrderedDict"): MAPPING,
    ("collections", "defaultdict"): MAPPING,
    ("__builtin__", "dict"): MAPPING,
    ("builtins", "dict"): MAPPING,
}
