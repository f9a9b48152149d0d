"""LightGBM's models, which it keeps as text, to sections of lines ``name=value``.

What is read is what LightGBM writes, in files and in pickles; no value is looked into.
"""

from dataclasses import dataclass, field

from iris_deploy.errors import ArtifactError

_FIRST = "tree"
_ENDS = ("end of trees", "feature importances:", "feature_importances:")
_PARAMETERS, _CATEGORIES = "parameters:", "pandas_categorical:"

MAX_NAME = 100
"""Characters of a name, which has 30 at most."""

Section = dict[str, str]


@dataclass(slots=True)
class LightGBMText:
    """A model as text.

    Parameters
    ----------
    head : dict of str to str
        What holds for all trees; what stands alone on a line has no value.
    trees : list of dict of str to str
    parameters : dict of str to str
        Of training.
    categories : str
        Names of the categories of data frames, in JSON; empty if there are none.
    """

    head: Section = field(default_factory=dict)
    trees: list[Section] = field(default_factory=list)
    parameters: Section = field(default_factory=dict)
    categories: str = ""


def read_lightgbm_text(text: str) -> LightGBMText:
    """Cut the text of a model into sections.

    Parameters
    ----------
    text : str

    Returns
    -------
    LightGBMText

    Raises
    ------
    ArtifactError
        If it is none.
    """
    lines = [line.rstrip("\r") for line in text.split("\n")]
    if lines[0] != _FIRST:
        raise ArtifactError(f"the text is no model of LightGBM: it begins with {lines[0]!r:.40}")
    model = LightGBMText()
    section, at = model.head, 1
    while at < len(lines) and lines[at] not in _ENDS:
        line, at = lines[at], at + 1
        name, equals, value = line.partition("=")
        if name == "Tree" and equals:
            if value != str(len(model.trees)):
                raise ArtifactError(f"the model's tree {value:.20} is not at its place")
            section = {}
            model.trees.append(section)
        elif line:
            if name in section or len(name) > MAX_NAME:
                raise ArtifactError(f"the model says twice, or oddly, what is {name!r:.40}")
            section[name] = value
    if at == len(lines):
        raise ArtifactError("the model is cut off: its trees have no end")
    _read_rest(lines[at:], model)
    return model


def _read_rest(lines: list[str], model: LightGBMText) -> None:
    """Read what stands behind the trees."""
    is_parameter = False
    for line in lines:
        if line.startswith(_CATEGORIES):
            model.categories = line.removeprefix(_CATEGORIES)
        elif line.endswith(_PARAMETERS) or line == "end of parameters":
            is_parameter = line == _PARAMETERS
        elif is_parameter and line.startswith("[") and line.endswith("]"):
            name, _, value = line[1:-1].partition(": ")
            model.parameters[name[:MAX_NAME]] = value
