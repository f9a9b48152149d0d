"""What a file is by its first bytes: people bring more kinds of files than pickles."""

import re
from dataclasses import dataclass

_PICKLE = re.compile(rb"\x80[\x00-\x05]|[(cl}\]]")
"""Protocols 2 to 5 by their number, 0 and 1 by what begins an object, a list or a dict."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file.

    Parameters
    ----------
    name : str
        As the report says it.
    hint : str
        What to do with it; empty for a pickle.
    """

    name: str
    hint: str = ""


PICKLE = Format("pickle")
SKOPS = Format("archive of skops")

_ELSEWHERE = "it holds no estimator; {} serves it"
_KINDS: tuple[tuple[re.Pattern[bytes], Format], ...] = tuple(
    (re.compile(pattern, re.DOTALL), Format(name, hint))
    for pattern, name, hint in (
        (
            rb"version https://git-lfs\.github\.com",
            "pointer of Git LFS, not the file itself",
            "get the file with `git lfs pull`",
        ),
        (
            rb"\s*<(!DOCTYPE|!doctype|html|HTML|\?xml)",
            "web page, saved under another name",
            "download the file itself: the link of `Raw` or `Download`, not its page",
        ),
        (rb"\x89HDF\r\n\x1a\n", "HDF5 file, as Keras writes it", _ELSEWHERE.format("TF Serving")),
        (
            rb"PK\x03\x04.{0,200}?(data\.pkl|/version|archive/)",
            "archive of PyTorch",
            _ELSEWHERE.format("TorchServe or Triton"),
        ),
        (rb"PK\x03\x04.{0,60}?\.npy", "archive of NumPy arrays", "bring the estimator itself"),
        (
            rb"PK\x03\x04",
            "ZIP archive",
            "unpack it, or load it where it was made and joblib.dump the estimator",
        ),
        (rb"\x93NUMPY", "array of NumPy", "bring the estimator itself"),
        (rb"PAR1", "table in Parquet", "train on it: iris-deploy train --data"),
        (
            rb"tree\r?\nversion=v",
            "model of LightGBM in its own format",
            "joblib.dump the LGBMClassifier or LGBMRegressor",
        ),
        (
            rb"\{L\x00|\{\s*\"(learner|version)\"\s*:|binf|\{l.{4}L",
            "model of XGBoost in its own format",
            "joblib.dump the XGBClassifier or XGBRegressor",
        ),
        (rb"CBM1", "model of CatBoost in its own format", _ELSEWHERE.format("CatBoost")),
        (rb"GGUF", "language model in GGUF", _ELSEWHERE.format("llama.cpp")),
        (
            rb"\x08[\x03-\x0f]\x12.{0,40}(onnx|pytorch|skl2onnx|tf2onnx|keras2onnx)",
            "model in ONNX",
            _ELSEWHERE.format("onnxruntime or Triton"),
        ),
        (
            rb".{8}\{\"(__metadata__|[^\"]+)\":\{",
            "file of safetensors",
            _ELSEWHERE.format("Triton"),
        ),
        (rb"\x1c\x2e", "frozen model of TensorFlow", _ELSEWHERE.format("TF Serving")),
        (rb"TFL3|.{4}TFL3", "model of TensorFlow Lite", _ELSEWHERE.format("TensorFlow Lite")),
        (rb"#!|import |from |def |\"\"\"", "program", "bring what it has dumped"),
        (rb"\s*[\{\[]\s*[\"\{\[\]0-9-]", "JSON", "bring the dump of the fitted estimator"),
    )
)


OWN_FORMATS = frozenset(
    kind for _, kind in _KINDS if kind.name.startswith(("model of XGBoost", "model of LightGBM"))
)
"""Files that are read, though they are no pickles."""


def recognise(data: bytes) -> Format:
    """Tell what a file is.

    Parameters
    ----------
    data : bytes
        Uncompressed; its first thousand decide, and of an archive the last.

    Returns
    -------
    Format
        `PICKLE` for all that begins as a pickle does and is nothing else.
    """
    start = bytes(data[:1000])
    if start.startswith(b"PK\x03\x04") and b"schema.json" in data[-1000:]:  # it is written last
        return SKOPS
    for pattern, kind in _KINDS:
        if pattern.match(start):
            return kind
    if _PICKLE.match(start):
        return PICKLE
    return Format(
        "file of an unknown kind" if start else "empty file", "bring a fitted estimator's dump"
    )
