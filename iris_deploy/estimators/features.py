"""What an estimator gets: features, and for each whether it is a number or a category.

Symbolic: a pipeline is carried out once on these, when its dump is read.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_deploy.errors import ArtifactError
from iris_deploy.kernels.blocks import Block, Values, pick
from iris_deploy.kernels.mixing import Mixed, Mixing, join
from iris_deploy.kernels.steps import Fill, Step
from iris_deploy.kernels.transform import Transform, identity
from iris_deploy.kernels.tree_columns import MAX_FEATURES
from iris_deploy.schema.batch import Indices
from iris_deploy.schema.columns import CategoryColumn, Column, NumberColumn

MAX_BLOCKS = 1 << 16
"""Of features put side by side; each is an object, whatever the dump has written for it."""

MAX_MIXED = 1 << 24
"""Operations by which features are made of others, for one row; a weight each, 128 MB."""

NUMBER = -1
"""Stands where a feature is a number, not the position of a category."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features of a signature's columns.

    Parameters
    ----------
    columns : tuple of NumberColumn or CategoryColumn
        Of the signature.
    transform : Transform
        How the features are computed of them.
    coded : ndarray of int, shape (n_features,)
        Position of the column whose categories a feature's values are positions of, or whose texts
        they are; `NUMBER` of numbers.
    may_miss : ndarray of bool, shape (n_features,)
        Whether a feature may be missing.
    """

    columns: tuple[Column, ...]
    transform: Transform
    coded: Indices
    may_miss: NDArray[np.bool_]

    @property
    def width(self) -> int:
        """How many there are."""
        return len(self.coded)

    def category(self, k: int) -> CategoryColumn | None:
        """Return the column whose category a feature is; None if it is anything else."""
        column = self.columns[self.coded[k]] if self.coded[k] != NUMBER else None
        return column if isinstance(column, CategoryColumn) else None

    def is_text(self, k: int) -> bool:
        """Tell whether a feature is a text."""
        return bool(self.coded[k] != NUMBER) and self.category(k) is None

    def describe(self, k: int) -> str:
        """Say what a feature is."""
        if self.coded[k] == NUMBER:
            return "a number"
        what = "texts" if self.is_text(k) else "categories"
        return f"the {what} of {self.columns[self.coded[k]].name}"

    @property
    def has_categories(self) -> bool:
        """Whether any feature is a category or a text, not a number."""
        return bool((self.coded != NUMBER).any())

    def check_width(self, n_features: int, name: str) -> None:
        """Make sure that an estimator was fitted to so many features.

        Raises
        ------
        ArtifactError
        """
        if n_features != self.width:
            raise ArtifactError(f"{name} takes {n_features} features, but gets {self.width}")

    def check_numbers(self, name: str) -> None:
        """Make sure that an estimator gets numbers only.

        Raises
        ------
        ArtifactError
        """
        if self.has_categories:
            what = self.describe(int(np.argmax(self.coded != NUMBER)))
            hint = "encode them first, by a OneHotEncoder, an OrdinalEncoder or a TfidfVectorizer"
            raise ArtifactError(f"{name} takes numbers, but gets {what}", hint=hint)

    def check_filled(self, name: str) -> None:
        """Make sure that an estimator gets no feature that may be missing.

        Raises
        ------
        ArtifactError
        """
        if self.may_miss.any():
            what = f"feature {int(np.argmax(self.may_miss))} of {name} may be missing"
            hint = "put a SimpleImputer before it"
            raise ArtifactError(f"{what}, and nothing fills it in", hint=hint)

    def pick(self, indices: Sequence[int] | NDArray[Any]) -> "Features":
        """Return some of the features, in the order that is given."""
        at = np.asarray(indices, np.int32)
        blocks = pick(self.transform.blocks, self.transform.edges, at)
        return Features(
            self.columns,
            replace(self.transform, blocks=blocks),
            self.coded[at],
            self.may_miss[at],
        )

    def then(self, step: Step) -> "Features":
        """Return the features after a step that is one for each of them."""
        blocks: list[Block] = []
        at = 0
        for block in self.transform.blocks:
            own = np.arange(at, at + block.width, dtype=np.int32)
            try:
                blocks.append(block.then(step.pick(own)))
            except ValueError as exc:
                raise ArtifactError(f"behind a vectorizer {exc}") from exc
            at += block.width
        transform = replace(self.transform, blocks=tuple(blocks))
        fills = isinstance(step, Fill) and math.isnan(step.missing)
        still = np.zeros(self.width, bool) if fills else self.may_miss
        return replace(self, transform=transform, may_miss=still)

    def as_numbers(self) -> "Features":
        """Return the features as numbers, whatever they were."""
        return replace(self, coded=np.full(self.width, NUMBER, np.int32))

    def mixed(self, by: Mixing) -> "Features":
        """Return numbers that are each made of several features, row by row."""
        start = self.transform.n_columns + sum(m.by.width for m in self.transform.mixed)
        made = np.arange(start, start + by.width, dtype=np.int32)
        mixed = (*self.transform.mixed, Mixed(start, self.transform.blocks, by))
        _check_mixed(mixed)
        return Features(
            self.columns,
            replace(self.transform, blocks=(Values(made),), mixed=mixed),
            np.full(by.width, NUMBER, np.int32),
            np.zeros(by.width, bool),
        )

    def values(self, indices: Sequence[int] | NDArray[Any]) -> list[Values]:
        """Return features one by one, each as what a table is looked up by.

        Raises
        ------
        ArtifactError
            If one is of an encoder already.
        """
        at = np.asarray(indices, np.int64)
        blocks, edges = self.transform.blocks, self.transform.edges
        owners = np.searchsorted(edges, at, side="right") - 1
        if any(self.is_text(k) for k in at.tolist()):
            raise ArtifactError("texts are not encoded so")
        found: list[Values] = []
        for owner, position in zip(owners.tolist(), (at - edges[owners]).tolist(), strict=True):
            block = blocks[owner]
            if not isinstance(block, Values):
                raise ArtifactError("what an encoder has encoded cannot be encoded again")
            found.append(block.pick(np.array([position], np.int32)))
        return found

    def replaced(self, blocks: Sequence[Block]) -> "Features":
        """Return other features of the same columns: numbers that do not miss."""
        width = sum(block.width for block in blocks)
        return Features(
            self.columns,
            replace(self.transform, blocks=tuple(blocks)),
            np.full(width, NUMBER, np.int32),
            np.zeros(width, bool),
        )


def features_of(columns: tuple[Column, ...]) -> Features:
    """Return the columns themselves as features."""
    coded = [NUMBER if isinstance(c, NumberColumn) else k for k, c in enumerate(columns)]
    return Features(
        columns,
        identity(len(columns)),
        np.array(coded, np.int32),
        np.array([column.missing for column in columns], bool),
    )


def joined(parts: Iterable[Features]) -> Features:
    """Put features of the same input side by side.

    Parameters
    ----------
    parts : iterable of Features
        Made one after the other, and no more of them once they are too many: a few bytes of a dump
        can ask for the same features again and again.

    Raises
    ------
    ArtifactError
        If there are none, or too many.
    """
    taken: list[Features] = []
    n_blocks = width = 0
    mixed: list[Mixed] = []
    for part in parts:
        taken.append(part)
        mixed += part.transform.mixed
        _check_mixed(mixed)
        n_blocks += len(part.transform.blocks)
        width += part.width
        if width > MAX_FEATURES or n_blocks > MAX_BLOCKS:
            raise ArtifactError(
                f"the dump puts {width} features side by side, in {n_blocks} parts; expected "
                f"at most {MAX_FEATURES}, in {MAX_BLOCKS}"
            )
    if not taken:
        raise ArtifactError("a ColumnTransformer or FeatureUnion leaves no feature")
    side_by_side, kept = join([part.transform for part in taken])
    return Features(
        taken[0].columns,
        replace(taken[0].transform, blocks=side_by_side, mixed=kept),
        np.concatenate([part.coded for part in taken]),
        np.concatenate([part.may_miss for part in taken]),
    )


def _check_mixed(mixed: Iterable[Mixed]) -> None:
    """Make sure that a dump that names the same weights again and again is refused."""
    made = {id(each): each.by for each in mixed}.values()
    if sum(by.width for by in made) > MAX_FEATURES or sum(by.size for by in made) > MAX_MIXED:
        raise ArtifactError(
            f"the dump makes features of others: more than {MAX_FEATURES}, or by more than "
            f"{MAX_MIXED} operations"
        )
