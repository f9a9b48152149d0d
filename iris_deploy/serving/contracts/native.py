"""The talk's contract: one object with the columns' names in, ``{"prediction": ...}`` out.

Many instances are answered by parallel lists under the plural names; CSV with one more column, JSON
Lines line by line. The command ``predict`` answers through the same contract.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from iris_deploy.codec.plain import Rows
from iris_deploy.codec.readers import Readers
from iris_deploy.estimators.predictor import Predictor
from iris_deploy.schema.batch import Outcomes, Row
from iris_deploy.serving.contracts.by_row import ByRow
from iris_deploy.serving.contracts.native_schemas import describe_native
from iris_deploy.serving.contracts.protocol import Question
from iris_deploy.serving.contracts.served import ServedModel
from iris_deploy.serving.contracts.several import build_writer
from iris_deploy.serving.contracts.text_bodies import TextBodies, is_plain
from iris_deploy.serving.contracts.words import read_flag, what
from iris_deploy.serving.problem import reply_refusal
from iris_deploy.serving.reply import JSON, Reply
from iris_deploy.serving.route import Asked, Below, Operation, Route

NAME: Final = "native"
PREDICT_PATH: Final = "/predict"

QUICK_BODY = 4096
"""Bytes of a body up to which a request is worked on in the loop, whatever it says: 0.2 ms."""

PLAIN_BODY = 1 << 16
"""The same for instances as most clients write them, of which nothing but labels is asked: some
2,000 of two features, 0.5 ms (14 if all numbers are made to be hard to round). On a thread they
take twice as long."""


class NativeContract:
    """What ``POST /predict`` takes and gives; see `SingleContract`.

    Parameters
    ----------
    predictor : Predictor
    readers : Readers, optional
        Of its signature, if there are some already.
    name : str
        Of the contract that speaks these words.
    path : str
    also : tuple of str
        See `Contract`.
    """

    refuse = staticmethod(reply_refusal)

    def __init__(
        self,
        predictor: Predictor,
        readers: Readers | None = None,
        name: str = NAME,
        path: str = PREDICT_PATH,
        also: tuple[str, ...] = (f"{PREDICT_PATH}/",),
    ) -> None:
        self.name, self.path, self.also = name, path, also
        self._predictor = predictor
        readers = readers or Readers(predictor.signature)
        self._reader = readers.json
        self._texts = TextBodies(readers)
        self._writer = build_writer(predictor)
        self._by_row = ByRow(predictor, self._writer)
        labels = map(msgspec.json.encode, predictor.signature.classes)
        self._answers = [Reply(200, JSON, b'{"prediction":' + label + b"}") for label in labels]
        self.summary = f"predict {what(predictor)} of one instance, or of many; ?details=true"

    def decode(self, asked: Asked, body: bytes) -> Question:
        """Read a request.

        Parameters
        ----------
        asked : Asked
            ``details=true`` in its query asks for scores and warnings. An answer to CSV or JSON
            Lines is of the same kind, unless it accepts another.
        body : bytes

        Raises
        ------
        ContentTypeError, MalformedError, InstanceError
        """
        if not is_plain(asked.headers):
            return self._texts.read(asked, body)
        return self.read(body, details=bool(asked.query) and read_flag(asked.query, "details"))

    def read(self, body: bytes, *, details: bool = False) -> Question:
        """Read instances in JSON.

        Parameters
        ----------
        body : bytes
            See `InstanceReader`.
        details : bool
            Whether to answer with ``probabilities`` or ``decision_values`` by class, and
            ``warnings`` for values unlike those of training, too.

        Raises
        ------
        MalformedError
            If it is not strict JSON.
        InstanceError
            If it does not fit the signature.
        """
        return self._reader.read(body), details

    def decode_quickly(self, asked: Asked, body: bytes) -> Question | None:
        """Read a request that is small.

        Of a body that is not, only instances as most clients write them are looked at.
        """
        if len(body) > QUICK_BODY:
            return self._decode_plain(asked, body)
        if not asked.query and is_plain(asked.headers):
            return self._reader.read(body), False
        question = self.decode(asked, body)
        rows, form = question
        if form is not False and type(rows) is Rows and len(rows.values) > self._writer.quick_rows:
            return None
        return question

    def _decode_plain(self, asked: Asked, body: bytes) -> Question | None:
        if asked.query or len(body) > PLAIN_BODY or not is_plain(asked.headers):
            return None
        rows = self._reader.read_plain(body)
        return None if rows is None else (rows, False)

    def encode_one(self, row: Row, form: Any, index: int, decision: Sequence[float]) -> Reply:
        """Write ``{"prediction": ...}``, with details if they are wanted."""
        if form is False:
            if self._answers:
                return self._answers[index]
            return Reply(200, JSON, self._writer.write_value(decision))
        return Reply(200, JSON, self._writer.write_one(row, index, decision))

    def encode_many(self, rows: Rows, form: Any, outcomes: Outcomes) -> Reply:
        """Write ``{"predictions": [...]}``, with lists of details if they are wanted."""
        if form is False:
            return Reply(200, JSON, self._writer.write_values(outcomes))
        if form is True:
            return Reply(200, JSON, self._writer.write_details(rows.values, outcomes))
        return Reply(200, form.headers, self._by_row.write(rows, outcomes, form))

    def describe(self, example: Mapping[str, Any]) -> Operation:
        """Describe request and answer."""
        return describe_native(self._predictor, example)


def build_routes(served: ServedModel) -> list[Route | Below]:
    """Build the route of the talk."""
    return [served.route(NativeContract(served.predictor, served.readers))]
