"""``iris-deploy predict``: the words of the API, without a server."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import COMMAND, Run, Server, run_process

INSTANCE = '{"length": 5.1, "width": 2.4}'


def test_an_object_is_answered_by_an_object(run: Run, artifacts: Path) -> None:
    result = run("predict", "--artifacts", artifacts, INSTANCE)
    assert (result.code, result.out) == (0, '{"prediction":"virginica"}\n')


def test_an_array_is_answered_by_an_array(run: Run, artifacts: Path) -> None:
    result = run(
        "predict", "--artifacts", artifacts, f'[{INSTANCE}, {{"length": 1, "width": "0.2"}}]'
    )
    assert result.json() == {"predictions": ["virginica", "setosa"]}


@pytest.mark.parametrize("way", ["input", "dash", "file", "argument"])
def test_json_lines_are_answered_line_by_line(artifacts: Path, tmp_path: Path, way: str) -> None:
    lines = f'\n{INSTANCE}\n\n[{INSTANCE}]\n  {{"length": 1, "width": 0.2}}'
    file = tmp_path / "instances.jsonl"
    file.write_text(lines)
    options: dict[str, list[object]] = {
        "input": [],
        "dash": ["--file", "-"],
        "file": ["--file", file],
        "argument": [lines],
    }
    stdin = lines.encode() if way in {"input", "dash"} else b""
    result = run_process("predict", "--artifacts", artifacts, *options[way], stdin=stdin)
    assert result.returncode == 0
    assert result.stdout.decode().splitlines() == [
        '{"prediction":"virginica"}',
        '{"predictions":["virginica"]}',
        '{"prediction":"setosa"}',
    ]


BOM = b"\xef\xbb\xbf"
LINE = INSTANCE.encode()


@pytest.mark.parametrize(
    "content",
    [
        LINE,
        b"\n\r\n" + LINE,
        LINE + b"\r\n" + LINE + b"\r\n",
        b"[\n" + LINE + b",\n" + LINE + b"\n]",
    ],
)
def test_a_byte_order_mark_at_the_beginning_of_a_file_is_skipped(
    run: Run, artifacts: Path, tmp_path: Path, content: bytes
) -> None:
    results = []
    for mark in (b"", BOM):
        (tmp_path / "file").write_bytes(mark + content)
        results.append(run("predict", "--artifacts", artifacts, "--file", tmp_path / "file"))
    assert results[0] == results[1]
    assert results[0].code == 0


@pytest.mark.parametrize("options", [(), ("--file", "-")])
def test_a_byte_order_mark_at_the_beginning_of_the_input_is_skipped(
    artifacts: Path, options: tuple[str, ...]
) -> None:
    stdin = BOM + LINE + b"\n" + LINE
    result = run_process("predict", "--artifacts", artifacts, *options, stdin=stdin)
    assert result.stdout == b'{"prediction":"virginica"}\n' * 2
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.parametrize(
    "content",
    [
        *(BOM + BOM + LINE, b"\n" + BOM + LINE, b" " + BOM + LINE, LINE + BOM),
        *(BOM + LINE + b"\n" + BOM + LINE, LINE[:1] + BOM + LINE[1:], BOM),
        *(BOM[:2] + LINE, INSTANCE.encode("utf-16"), INSTANCE.encode("utf-8-sig")[1:]),
    ],
)
def test_a_byte_order_mark_elsewhere_is_an_error(
    run: Run, artifacts: Path, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "file").write_bytes(content)
    result = run("predict", "--artifacts", artifacts, "--file", tmp_path / "file")
    assert result.code == 1
    assert result.err.startswith("error: ")


def test_a_byte_order_mark_in_the_argument_is_an_error(run: Run, artifacts: Path) -> None:
    assert run("predict", "--artifacts", artifacts, f"\ufeff{INSTANCE}").code == 1


def test_a_file_may_hold_one_value_over_many_lines(
    run: Run, artifacts: Path, tmp_path: Path
) -> None:
    file = tmp_path / "instances.json"
    file.write_text(json.dumps([json.loads(INSTANCE)] * 2, indent=2))
    result = run("predict", "--artifacts", artifacts, "--file", file)
    assert result.json() == {"predictions": ["virginica"] * 2}


def test_a_bad_line_is_named_and_those_before_it_are_answered(
    run: Run, artifacts: Path, tmp_path: Path
) -> None:
    file = tmp_path / "instances.jsonl"
    file.write_text(f'{INSTANCE}\n\n{{"lenght": 5.1, "width": 2.4}}\n{INSTANCE}\n')
    result = run("predict", "--artifacts", artifacts, "--file", file)
    assert result.code == 1
    assert result.out.splitlines() == ['{"prediction":"virginica"}']
    assert "line 3" in result.err
    assert "did you mean 'length'?" in result.err


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "instances", [INSTANCE, f'[{INSTANCE}, {{"length": 99, "width": -1}}]', "[]"]
)
def test_answers_are_those_of_the_api_byte_for_byte(
    run: Run, artifacts: Path, server: Server, version: int, instances: str
) -> None:
    for option, query in (([], ""), (["--details"], "?details=true")):
        result = run("predict", "--artifacts", artifacts, "--version", version, instances, *option)
        if version == 1:
            assert result.out.encode() == server.predict(instances, query).body + b"\n"
        assert result.code == 0


def test_details_name_the_scores_for_what_they_are(run: Run, artifacts: Path) -> None:
    instance = '{"length": 9, "width": 0.05}'
    values = run("predict", "--artifacts", artifacts, "--version", 1, instance, "--details").json()
    assert set(values) == {"prediction", "decision_values", "warnings"}
    assert max(values["decision_values"], key=values["decision_values"].get) == values["prediction"]
    shares = run("predict", "--artifacts", artifacts, "--version", 2, instance, "--details").json()
    assert set(shares) == {"prediction", "probabilities", "warnings"}
    assert sum(shares["probabilities"].values()) == pytest.approx(1)
    assert shares["warnings"] == [
        "length 9.0 is above the training range 1.1 to 6.9 cm",
        "width 0.05 is below the training range 0.1 to 2.5 cm",
    ]


@pytest.mark.parametrize(
    ("instances", "words"),
    [
        ("", "empty"),
        ("{", "not JSON"),
        ('{"length": NaN, "width": 1}', "NaN is not JSON"),
        ("3", "expected an object with length, width; got 3"),
        ('{"length": 5}', "#/width: missing"),
        ('{"length": true, "width": null}', "got true"),
        ("[{}]", "#/0/length: missing"),
    ],
)
def test_bad_instances_are_an_expected_failure(
    run: Run, artifacts: Path, instances: str, words: str
) -> None:
    result = run("predict", "--artifacts", artifacts, instances)
    assert result.code == 1
    assert words in result.err
    assert result.out == ""


def test_bytes_that_are_not_utf8_are_told(artifacts: Path) -> None:
    result = run_process("predict", "--artifacts", artifacts, stdin=b'{"length": "\xff"}')
    assert result.returncode == 1
    assert b"not UTF-8" in result.stderr


def test_argument_and_file_together_are_a_usage_error(run: Run, artifacts: Path) -> None:
    assert run("predict", "--artifacts", artifacts, INSTANCE, "--file", "x").code == 2


def test_a_missing_file_is_told(run: Run, artifacts: Path, tmp_path: Path) -> None:
    result = run("predict", "--artifacts", artifacts, "--file", tmp_path / "none.json")
    assert result.code == 1
    assert "cannot read" in result.err


def test_a_reader_that_goes_away_is_no_bug(artifacts: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "predict", "--artifacts", str(artifacts)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.close()
    process.stdout = None
    err = process.communicate(f"{INSTANCE}\n".encode() * 20_000, timeout=30)[1]
    assert b"Traceback" not in err
    assert b"bug" not in err


def test_each_line_is_answered_before_the_next_is_sent(artifacts: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "predict", "--artifacts", str(artifacts)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    with process:
        for _ in range(3):
            process.stdin.write(f"{INSTANCE}\n".encode())
            process.stdin.flush()
            assert process.stdout.readline() == b'{"prediction":"virginica"}\n'
        process.stdin.close()
        assert process.wait(timeout=30) == 0
