"""Answers of several outputs: an object for each row, by their names."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Outcomes
from iris_deploy.schema.outputs import label_text
from iris_deploy.serving.contracts.rows import FIGURES, Many, RowWriter, elements
from iris_deploy.serving.reply import Stream


class SeveralWriter(RowWriter):
    """Write what is predicted for rows; see `RowWriter`.

    Scores are by output, then by class. Those of outputs that have none are left out.

    Parameters
    ----------
    predictor : Predictor
        Of several outputs.
    """

    def __init__(self, predictor: Predictor) -> None:
        super().__init__(predictor)
        self._parts = predictor.parts
        self._of_classes = [[*map(label_text, p.signature.classes)] for p in self._parts]
        figures = sum(map(len, self._of_classes)) + len(self._parts)
        self.quick_rows = FIGURES // (figures + len(predictor.signature.columns))
        self.at_a_time = max(self.quick_rows, 1)
        self._values_at_a_time = max(FIGURES // len(self._parts), 1)

    def write_one(self, row: Sequence[float], index: int, decision: Sequence[float]) -> bytes:
        """Write the details of one row."""
        del index
        scores: dict[str, dict[str, dict[str, float]]] = {}
        for part, classes in zip(self._parts, self._of_classes, strict=True):
            if part.score_name is not None:
                own = part.scores(part.decide(row)[1])
                by_class = dict(zip(classes, own, strict=True))
                scores.setdefault(part.score_name, {})[part.signature.output.name] = by_class
        warnings = self._predictor.signature.warnings(row)
        answer = {"prediction": self._named(decision), **scores, "warnings": warnings}
        return msgspec.json.encode(answer)

    def write_value(self, decision: Sequence[float]) -> bytes:
        """Write what is predicted of one row."""
        return msgspec.json.encode({"prediction": self._named(decision)})

    def write_values(self, outcomes: Outcomes) -> bytes | Stream:
        """Write what is predicted for many rows."""
        pieces = self._enclose(b'{"predictions":[', self._value_pieces(outcomes), b"]}")
        if len(outcomes) <= self._values_at_a_time:
            return b"".join(pieces)
        return Stream(pieces, None, outcomes.nbytes)

    def _add_scores(self, answers: list[dict[str, Any]], values: Many) -> None:
        for part, classes in zip(self._parts, self._of_classes, strict=True):
            if part.score_name is not None:
                output, scores = part.signature.output.name, part.predict(values).scores
                for answer, own in zip(answers, scores.tolist(), strict=True):
                    by_class = dict(zip(classes, own, strict=True))
                    answer.setdefault(part.score_name, {})[output] = by_class

    def _named(self, decision: Sequence[float]) -> Any:
        return self._predictor.named(np.array([decision]))[0]

    def _value_pieces(self, outcomes: Outcomes) -> Iterator[bytes]:
        for at in range(0, len(outcomes), self._values_at_a_time):
            part = outcomes[at : at + self._values_at_a_time]
            yield elements(self._predictor.named(part), at)

    def _detail_pieces(self, values: Many, outcomes: Outcomes) -> Iterator[bytes]:
        yield b'{"predictions":['
        yield from self._value_pieces(outcomes)
        for name in dict.fromkeys(part.score_name for part in self._parts):
            if name is not None:
                yield b'],"%b":[' % name.encode()
                yield from self._pieces_of(name, values)
        yield b'],"warnings":['
        yield from self._warning_pieces(values)
        yield b"]}"

    def _pieces_of(self, name: str, values: Many) -> Iterator[bytes]:
        for at in range(0, len(values), self.at_a_time):
            rows = values[at : at + self.at_a_time]
            found: list[dict[str, dict[str, float]]] = [{} for _ in range(len(rows))]
            for part, classes in zip(self._parts, self._of_classes, strict=True):
                if part.score_name != name:
                    continue
                output = part.signature.output.name
                for own, scores in zip(found, part.predict(rows).scores.tolist(), strict=True):
                    own[output] = dict(zip(classes, scores, strict=True))
            yield elements(found, at)


def build_writer(predictor: Predictor) -> RowWriter:
    """Return what writes the answers of a predictor, of one output or of several."""
    return SeveralWriter(predictor) if len(predictor.parts) > 1 else RowWriter(predictor)
