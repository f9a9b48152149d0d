"""MLServer's codecs write requests of the Open Inference Protocol and read the answers."""

import pytest

from tests.clients.conftest import Client, RaisedError, Served

pytestmark = pytest.mark.usefixtures("clients")


@pytest.fixture
def model(served: Served) -> Served:
    """Leave rows without a text out, which is more than the codecs can write."""
    return served.without_gaps(of_texts_alone=True)


@pytest.mark.parametrize("use_bytes", [True, False])
def test_a_data_frame_is_answered_and_each_output_is_read(
    mlserver: Client, model: Served, use_bytes: bool
) -> None:
    told = mlserver.ask("frame", model.url, model.name, model.columns, use_bytes=use_bytes)
    assert told.keys() == {"prediction", *filter(None, [model.scored])}
    assert model.agrees(told)


def test_predictions_are_read_as_a_data_frame(mlserver: Client, model: Served) -> None:
    told = mlserver.ask("frame_to_frame", model.url, model.name, model.columns)
    assert [*told] == ["prediction"]
    assert model.agrees(told)


def test_numbers_may_come_as_one_array(mlserver: Client, irises: Served) -> None:
    assert irises.agrees(mlserver.ask("array", irises.url, irises.name, irises.columns))


def test_each_column_may_have_a_codec_of_its_own(mlserver: Client, model: Served) -> None:
    assert model.agrees(mlserver.ask("columns", model.url, model.name, model.columns))


def test_what_is_refused_is_said_in_json(mlserver: Client, irises: Served) -> None:
    columns = {"lenght": [5.1], "width": [2.4]}
    with pytest.raises(RaisedError, match=r'4\d\d: {"error":.*length'):
        mlserver.ask("frame", irises.url, irises.name, columns, use_bytes=False)
