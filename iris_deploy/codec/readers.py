"""What reads bodies of every kind for one signature."""

from iris_deploy.codec.csv_text import CsvReader
from iris_deploy.codec.forms import FormReader
from iris_deploy.codec.instances import InstanceReader
from iris_deploy.codec.json_lines import LinesReader
from iris_deploy.codec.plain_tensors import PlainTensorReader
from iris_deploy.codec.tensor_rows import TensorReader
from iris_deploy.schema.signature import Signature


class Readers:
    """Readers that share what they know of the columns.

    A column may have 100,000 categories, each looked up by its name: that is built once.

    Parameters
    ----------
    signature : Signature

    Attributes
    ----------
    json : InstanceReader
    csv : CsvReader
    lines : LinesReader
    form : FormReader
    tensors : TensorReader
    plain_tensors : PlainTensorReader
    """

    def __init__(self, signature: Signature) -> None:
        self.json = InstanceReader(signature)
        self.csv = CsvReader(self.json)
        self.lines = LinesReader(self.json)
        self.form = FormReader(self.json)
        self.tensors = TensorReader(self.json)
        self.plain_tensors = PlainTensorReader(self.json)
