"""The page at `/` as people have it: in a browser, which runs it under its policy."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from tests import data
from tests.browser import Visit, browser, find_violations, visiting
from tests.conftest import Server, free_port, run_process, serving
from tests.layouts import mails
from tests.tools import require

pytestmark = pytest.mark.once

__all__ = ["browser"]

TOKEN = "front-0123456789abcdef"
PHONE = {"width": 360, "height": 740}
OUTPUT, STATE, COMMAND = "#answer output", "#state", "#command"
LEGEND, BARS = "#drawn .legend li", "#answer .bars tr"
COLOURS = """([selector, coloured]) => [...document.querySelectorAll(selector)].map((row) => [
    (row.querySelector("th") ?? row).textContent,
    getComputedStyle(row.querySelector(coloured)).backgroundColor])"""
CELLS = (64, 48)
MARKUP = ["<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "a/b~c \"d\" 'e'"]


def mixed() -> tuple[Any, pd.DataFrame]:
    """Return a classifier of numbers, categories and gaps; its columns."""
    table = data.passengers().drop(columns=["price", "alone"])
    kinds = table.pop("survived").map({0: "no", 1: "yes"})
    steps = [("words", OneHotEncoder(handle_unknown="ignore"), ["sex", "port"])]
    columns = ColumnTransformer(steps, remainder="drop")
    return make_pipeline(columns, LogisticRegression()).fit(table, kinds), table


def surface() -> tuple[Any, pd.DataFrame]:
    """Return a regressor of two numbers."""
    table = pd.DataFrame(data.numbers()[:, :2], columns=["x", "y"])
    return DecisionTreeRegressor(max_depth=5).fit(table, table["x"] ** 2 - table["y"]), table


def several() -> tuple[Any, pd.DataFrame]:
    """Return a classifier of two outputs."""
    table = pd.DataFrame(data.numbers(), columns=[*"abcde"])
    classes = np.stack([data.labels(2, "text"), data.labels(3, "text")], axis=1)
    return MultiOutputClassifier(LogisticRegression(max_iter=9999)).fit(table, classes), table


def texts() -> tuple[Any, pd.DataFrame]:
    """Return a classifier of a text and a number."""
    words, kinds = mails()
    table = pd.DataFrame({"text": words, "links": np.arange(len(words)) % 5})
    columns = ColumnTransformer([("words", TfidfVectorizer(), "text")], remainder="passthrough")
    return make_pipeline(columns, LogisticRegression()).fit(table, kinds), table


def strange() -> tuple[Any, pd.DataFrame]:
    """Return a regressor whose columns and categories would be markup, were they no text."""
    table = pd.DataFrame({name: np.arange(90.0) % 7 for name in MARKUP})
    table["kind"] = np.array(MARKUP, object)[np.arange(90) % 3]
    steps = [("words", OneHotEncoder(), ["kind"])]
    columns = ColumnTransformer(steps, remainder="passthrough")
    return make_pipeline(columns, Ridge()).fit(table, np.arange(90.0)), table


MODELS: dict[str, Callable[[], tuple[Any, pd.DataFrame]]] = {
    each.__name__: each for each in (mixed, surface, several, texts, strange)
}


@contextmanager
def reading(browser: Browser, url: str, **surroundings: Any) -> Iterator[Visit]:
    """Open the page, and wait until the model has answered."""
    with visiting(browser, **surroundings) as visit:
        visit.page.goto(url)
        expect(visit.page.locator(OUTPUT).first).not_to_be_empty()
        yield visit


def served(name: str, home: Path) -> Path:
    """Import a model, and return where its bundle is."""
    estimator, table = MODELS[name]()
    joblib.dump(estimator, home / "model.joblib")
    table.to_csv(home / "sample.csv", index=False)
    words = ("import", "model.joblib", "--sample", "sample.csv", "--model", name)
    done = run_process(*words, *("--target", "kind,size") * (name == "several"), cwd=home)
    assert done.returncode == 0, done.stderr
    return home / "artifacts"


@pytest.fixture(scope="module")
def irises(_trained: Path) -> Iterator[Server]:
    with serving(_trained, "--version", 1, "--workers", 1, "--url-prefix", "/iris") as running:
        yield running


@pytest.fixture(scope="module", params=MODELS)
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Server]]:
    artifacts = served(request.param, tmp_path_factory.mktemp(request.param))
    with serving(artifacts, "--workers", 1) as running:
        yield request.param, running


@pytest.fixture
def visit(browser: Browser, irises: Server) -> Iterator[Visit]:
    """The page of the irises, below a prefix."""
    with reading(browser, f"{irises.url}/iris/") as visit:
        yield visit


def instance(page: Page) -> dict[str, Any]:
    """Return the instance that the page shows in the call for programs."""
    command = page.locator(COMMAND).inner_text()
    body = command.partition("--data-raw '")[2].removesuffix("'").replace("'\\''", "'")
    read: dict[str, Any] = json.loads(body)
    return read


def test_a_value_that_changes_changes_the_answer(visit: Visit, irises: Server) -> None:
    page = visit.page
    expect(page.locator(OUTPUT)).to_have_text("virginica")
    page.get_by_label("length", exact=False).first.fill("1.4")
    page.get_by_label("width", exact=False).first.fill("0.2")
    expect(page.locator(OUTPUT)).to_have_text("setosa")
    assert instance(page) == {"length": 1.4, "width": 0.2}
    scores = irises.predict(instance(page), "?details=true").json()["decision_values"]
    shown = dict(
        zip(
            *[page.locator(f".bars {each}").all_inner_texts() for each in ("th", "td.figure")],
            strict=True,
        )
    )
    assert {name: float(value) for name, value in shown.items()} == pytest.approx(scores, abs=1e-5)
    assert visit.errors == []
    names = ("front", "calls", "common", "fields", "pictures", "scoring")
    files = {f"/iris/page/{name}.js" for name in names} | {"/iris/page/style.css"}
    assert visit.paths(irises.url) - {"data:,"} == {"/iris/", "/iris/predict"} | files


def test_the_keyboard_alone_moves_a_slider_and_copies_the_call(visit: Visit) -> None:
    page = visit.page
    slider = page.get_by_role("slider", name="length")
    for _ in range(12):
        page.keyboard.press("Tab")
        if slider.evaluate("(each) => each === document.activeElement"):
            break
    before = instance(page)["length"]
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    after = instance(page)["length"]
    assert before - 0.5 < after < before
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "copy":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#copied")).to_have_text("Copied")


def test_the_map_has_the_colours_of_what_is_predicted_there(visit: Visit, irises: Server) -> None:
    page = visit.page
    expect(page.locator(".legend li").first).to_be_visible()
    pixels = page.evaluate(
        "[...document.querySelector('canvas').getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data]".replace(
            "canvas.width, canvas.height", f"{CELLS[0]}, {CELLS[1]}"
        )
    )
    columns = irises.request("GET", "/").json()["columns"]
    legend = dict(page.evaluate(COLOURS, [LEGEND, ".swatch"]))
    chance = random.Random(0)
    rows = [(chance.randrange(CELLS[0]), chance.randrange(CELLS[1])) for _ in range(300)]
    points = [
        {
            column["name"]: column["minimum"] - 0.15 * width + 1.3 * width * at / (cells - 1)
            for column, at, cells in zip(columns, place, CELLS, strict=True)
            for width in [column["maximum"] - column["minimum"]]
        }
        for place in rows
    ]
    labels = irises.predict(points).json()["predictions"]
    assert set(labels) == legend.keys()
    for (x, y), label in zip(rows, labels, strict=True):
        at = 4 * ((CELLS[1] - 1 - y) * CELLS[0] + x)
        assert "rgb({}, {}, {})".format(*pixels[at : at + 3]) == legend[label]


def test_a_class_has_one_colour_whatever_it_is_called(browser: Browser, tmp_path: Path) -> None:
    """Script puts the members of an object that look like whole numbers first, by their size."""
    table = pd.DataFrame(data.numbers()[:, :2], columns=["x", "y"])
    model = LogisticRegression().fit(table, data.labels(3, "text"))
    joblib.dump(model, tmp_path / "model.joblib")
    table.to_csv(tmp_path / "sample.csv", index=False)
    words = ("import", "model.joblib", "--sample", "sample.csv", "--classes", "30,two,1")
    assert run_process(*words, cwd=tmp_path).returncode == 0
    with serving(tmp_path / "artifacts") as running, reading(browser, running.url) as visit:
        expect(visit.page.locator(LEGEND).first).to_be_visible()
        drawn = visit.page.evaluate(COLOURS, [LEGEND, ".swatch"])
        assert [name for name, _ in drawn] == ["30", "two", "1"]
        assert visit.page.evaluate(COLOURS, [BARS, ".bar"]) == drawn


def test_a_click_on_the_map_asks_about_that_point(visit: Visit, irises: Server) -> None:
    page = visit.page
    place = page.locator(".map").bounding_box()
    assert place
    page.locator(".map").click(position={"x": 0.8 * place["width"], "y": 0.8 * place["height"]})
    expect(page.locator(OUTPUT)).to_have_text("versicolor")
    asked = instance(page)
    columns = irises.request("GET", "/").json()["columns"]
    for column, share in zip(columns, (0.8, 0.2), strict=True):
        width = column["maximum"] - column["minimum"]
        expected = column["minimum"] - 0.15 * width + 1.3 * width * share
        assert asked[column["name"]] == pytest.approx(expected, abs=0.02 * width)


def test_what_is_wrong_is_said_beside_its_field(visit: Visit) -> None:
    page = visit.page
    page.get_by_label("length", exact=False).first.fill("")
    expect(page.locator(".field", has_text="length").locator(".problem")).to_contain_text("number")
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    page.get_by_label("length", exact=False).first.fill("99")
    expect(page.locator("#answer .warning")).to_contain_text("above the training range")
    expect(page.locator(".field", has_text="length").locator(".problem")).to_be_empty()


def send(page: Page, language: str) -> str:
    """Run the call that is shown, and return what it prints."""
    page.locator("#choices select").nth(1).select_option(language)
    code = page.locator(COMMAND).inner_text()
    if language == "JavaScript":
        script = code.replace("console.log(await answer.json())", "return answer.json()")
        return json.dumps(page.evaluate(f"async () => {{ {script} }}"))
    if language == "curl":
        command = ["/bin/sh", "-c", code.replace("curl ", "curl -s ", 1)]
    else:
        command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return ran.stdout


def test_every_call_that_is_shown_gets_the_answer_that_is_shown(
    browser: Browser, model: tuple[str, Server]
) -> None:
    """In each contract, in each language: run as they stand."""
    require("curl")
    with reading(browser, f"{model[1].url}/") as visit:
        page = visit.page
        shown = [
            each.replace(",", "").rstrip("0")[:5] for each in page.locator(OUTPUT).all_inner_texts()
        ]
        contracts = page.get_by_label("Contract").locator("option").all_inner_texts()
        assert contracts == ["native", "v2", "v1", "invocations", "azure"]
        for contract in contracts:
            page.get_by_label("Contract").select_option(contract)
            for language in ("curl", "Python", "JavaScript"):
                told = send(page, language)
                assert all(each in told for each in shown), (contract, language, told)
        assert visit.errors == []


def test_any_model_has_a_page_that_works_and_keeps_nobody_out(
    browser: Browser, model: tuple[str, Server], tmp_path: Path
) -> None:
    name, server = model
    for scheme in ("light", "dark"):
        for size in ({"width": 1280, "height": 900}, PHONE):
            with reading(browser, f"{server.url}/", viewport=size, color_scheme=scheme) as visit:
                page = visit.page
                expect(page.locator("#drawn svg, #drawn table").first).to_be_visible()
                assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
                visit.picture(f"{name}-{scheme}-{size['width']}", tmp_path)
                assert find_violations(page) == []
                assert visit.errors == []
                assert not [url for url in visit.asked if not url.startswith((server.url, "data:"))]


def test_each_column_shows_what_happens_along_it(
    browser: Browser, model: tuple[str, Server]
) -> None:
    name, server = model
    if name == "surface":  # has a map
        return
    with reading(browser, f"{server.url}/") as visit:
        page = visit.page
        choice = page.get_by_label("Along the column")
        for column in choice.locator("option").all_inner_texts():
            choice.select_option(column)
            expect(page.locator("#plotted p").first).to_contain_text(f"along {column}")
            assert page.locator("#plotted polyline, #plotted .bar").count()
        assert visit.errors == []


def test_what_is_missing_is_said_and_asked(tmp_path: Path, browser: Browser) -> None:
    with (
        serving(served("mixed", tmp_path), "--workers", 1) as running,
        reading(browser, f"{running.url}/") as visit,
    ):
        page = visit.page
        field = page.locator(".field", has_text="port")
        field.get_by_label("missing").check()
        assert instance(page)["port"] is None
        expect(field.locator("select")).to_be_disabled()
        field.get_by_label("missing").uncheck()
        assert instance(page)["port"] is not None
        field.locator("select").select_option(label="another …")
        page.get_by_label("port: another value").fill("Atlantis")
        assert instance(page)["port"] == "Atlantis"
        expect(page.locator("#answer .warning")).to_contain_text("training did not see")


@pytest.mark.parametrize("n_rows", [3, 30_000])
def test_a_file_comes_back_scored(
    visit: Visit, irises: Server, tmp_path: Path, n_rows: int
) -> None:
    (tmp_path / "flowers.csv").write_text(
        "length,width\n" + "".join(f"{1 + k % 60 / 10},{k % 25 / 10}\n" for k in range(n_rows))
    )
    page = visit.page
    page.locator("input[type=file]").set_input_files(tmp_path / "flowers.csv")
    expect(page.locator("#scored")).to_contain_text(f"{n_rows} rows of flowers.csv")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download flowers-scored.csv").click()
    download.value.save_as(tmp_path / "scored.csv")
    asked = (tmp_path / "flowers.csv").read_bytes()
    whole = irises.request("POST", "/predict", asked, {"Content-Type": "text/csv"})
    assert (tmp_path / "scored.csv").read_bytes() == whole.body
    assert page.locator("#scored tbody tr").count() == min(n_rows, 10)
    assert visit.errors == []


def test_a_file_that_is_dropped_may_have_line_ends_in_quotes_and_may_be_refused(
    browser: Browser, tmp_path: Path
) -> None:
    table = 'links,text\n1,"free ""money""\r\n, now"\n2,"meeting\n\nat noon"\n'
    drop = """(text) => {
        const moved = new DataTransfer();
        moved.items.add(new File([text], "mails.csv"));
        document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, dataTransfer: moved }));
    }"""
    with (
        serving(served("texts", tmp_path), "--workers", 1) as running,
        reading(browser, f"{running.url}/") as visit,
    ):
        page = visit.page
        page.evaluate(drop, table)
        expect(page.locator("#scored")).to_contain_text("2 rows of mails.csv")
        cells = page.locator("#scored tbody td").all_text_contents()
        assert cells[1] == 'free "money"\r\n, now'
        page.evaluate(drop, "links,txt\n1,hello\n")
        expect(page.locator("#scored .warning")).to_contain_text("text")
        page.evaluate(drop, "links,text\n")
        expect(page.locator("#scored .warning")).to_contain_text("no rows")


def test_a_token_is_asked_for_and_kept_nowhere(browser: Browser, artifacts: Path) -> None:
    env = {"IRIS_DEPLOY_TOKENS": TOKEN}
    with serving(artifacts, "--workers", 1, env=env) as running, visiting(browser) as visit:
        page = visit.page
        page.goto(f"{running.url}/")
        expect(page.locator(STATE)).to_have_text("This server wants a token.")
        expect(page.locator("main")).to_be_hidden()
        page.get_by_label("Token").fill("another-0123456789abcdef")
        page.get_by_role("button", name="Use it").click()
        expect(page.locator(STATE)).to_have_text("The server has no such token.")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Use it").click()
        expect(page.locator(OUTPUT)).to_have_text("virginica")
        expect(page.locator("#access")).to_be_hidden()
        for language, name in (("curl", "$TOKEN"), ("Python", "TOKEN"), ("JavaScript", "TOKEN")):
            page.locator("#choices select").nth(1).select_option(language)
            expect(page.locator(COMMAND)).to_contain_text(name)
        assert TOKEN not in page.locator("body").inner_text()
        kept = page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
        assert kept == [0, 0, ""]


def test_a_server_that_is_away_or_busy_is_said_and_asked_again(
    browser: Browser, artifacts: Path
) -> None:
    port = free_port()
    with visiting(browser) as visit:
        page = visit.page
        with serving(artifacts, "--version", 1, "--workers", 1, "--port", port) as running:
            page.goto(f"http://127.0.0.1:{port}/")
            expect(page.locator(OUTPUT)).to_have_text("virginica")
            running.stop()
        page.get_by_label("length", exact=False).first.fill("1.4")
        expect(page.locator(STATE)).to_contain_text("cannot be reached")
        page.get_by_label("width", exact=False).first.fill("0.2")
        with serving(artifacts, "--version", 1, "--workers", 1, "--port", port):
            expect(page.locator(OUTPUT)).to_have_text("setosa")
            expect(page.locator(STATE)).to_be_empty()
            busy = (
                '{"title":"Service Unavailable","status":503,"detail":"the server is overloaded"}'
            )
            answer = lambda route: route.fulfill(status=503, body=busy)  # noqa: E731
            page.route("**/predict?*", answer)
            page.get_by_label("length", exact=False).first.fill("5.1")
            expect(page.locator(STATE)).to_contain_text("the server is overloaded")
            page.unroute("**/predict?*", answer)
            page.get_by_label("width", exact=False).first.fill("2.4")
            expect(page.locator(OUTPUT)).to_have_text("virginica")


def test_an_error_in_words_of_a_proxy_is_shown_as_it_is(visit: Visit) -> None:
    page = visit.page
    page.route("**/predict?*", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>"))
    page.get_by_label("length", exact=False).first.fill("1.4")
    expect(page.locator("#answer .warning")).to_contain_text("<h1>Bad Gateway</h1>")
    page.unroute_all()
    page.get_by_label("width", exact=False).first.fill("0.2")
    expect(page.locator(OUTPUT)).to_have_text("setosa")


def test_japanese_is_spoken_to_who_prefers_it_and_to_who_chooses_it(
    browser: Browser, irises: Server, tmp_path: Path
) -> None:
    with reading(browser, f"{irises.url}/iris/", locale="ja-JP", viewport=PHONE) as visit:
        page = visit.page
        expect(page.get_by_role("heading", name="モデルに聞く")).to_be_visible()
        expect(page.locator("h1")).to_have_text("iris バージョン 1")
        visit.picture("irises-ja", tmp_path)
        assert find_violations(page) == []
        page.get_by_role("link", name="English").click()
        expect(page.get_by_role("heading", name="Ask the model")).to_be_visible()
        page.get_by_role("link", name="日本語").click()
        expect(page.get_by_role("heading", name="モデルに聞く")).to_be_visible()
        assert visit.errors == []


def test_without_the_native_contract_the_page_says_why_it_cannot_ask(
    browser: Browser, artifacts: Path
) -> None:
    with (
        serving(artifacts, "--workers", 1, "--contracts", "v2") as running,
        visiting(browser) as visit,
    ):
        page = visit.page
        page.goto(f"{running.url}/")
        expect(page.locator("#answer")).to_contain_text("The native contract is off")
        expect(page.locator(COMMAND)).to_contain_text("/v2/models/iris/infer")
        expect(page.locator("#picture")).to_be_hidden()
        assert visit.errors == []
