"""What predicts where no family can: packages that load the files, and so run what is in them.

Knows estimators, and the packages by name; imports one of them when a bundle asks for it. Knows no
bundles, no HTTP and no images.
"""

from typing import Final, Literal

Runtime = Literal["numpy", "scikit-learn"]
"""What predicts: the numbers in the artifacts, or scikit-learn, which loads them."""

LEARN: Final = "scikit-learn"
