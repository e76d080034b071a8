"""The page "Read a digit" answers as Keras does, and can be used by everybody."""

import base64
import json
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
import pytest
from conftest import NARROW, SITE

from keras_imgseq import ImageAsSequence, build_image_rnn

PAGE = "read-a-digit/index.html"
MNIST = Path(__file__).parent.parent / "examples" / "data" / "mnist.npz"
ORDERS = ("raster", "snake", "spiral", "hilbert", "morton", "zigzag", "random")
ALL_IN_ALL = 150_000


@pytest.fixture(scope="module")
def data():
    text = (SITE / "javascripts" / "data.js").read_text(encoding="utf-8")
    return json.loads(text[text.index("{") : text.rindex("}") + 1])


@pytest.fixture(scope="module")
def digits():
    with np.load(MNIST, allow_pickle=False) as arrays:
        return arrays["x_test"][:200] / np.float32(255)


def weighted(model, text):
    """A model with the weights of the data file."""
    values = np.frombuffer(base64.b64decode(text), "<f4")
    sizes = np.cumsum([weight.size for weight in model.get_weights()])
    assert sizes[-1] == len(values) == 890
    parts = np.split(values, sizes[:-1])
    shapes = [weight.shape for weight in model.get_weights()]
    model.set_weights([part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)])
    return model


def is_as_keras(page, model, digits, script, *arguments):
    expected = model.predict(digits, verbose=0)
    for image, beliefs in zip(digits, expected, strict=True):
        found = np.array(page.evaluate(script, [image.ravel().tolist(), *arguments]))
        np.testing.assert_allclose(found, beliefs, atol=1e-2)
        assert found[-1].argmax() == beliefs[-1].argmax()


@pytest.mark.parametrize("name", ["last", "every"])
def test_both_networks_answer_as_keras_does(open_page, data, digits, name):
    model = build_image_rnn((28, 28), 10, return_sequences=True)
    weighted(model, data["networks"][name]["weights"])
    script = """([image, name]) => imgseq.read(imgseq.networks[name], imgseq.rowsOf(image))
        .beliefs.map((belief) => Array.from(belief))"""
    is_as_keras(open_page(PAGE), model, digits, script, name)


def reading_of(code):
    return eval(f"ImageAsSequence((4, 7), {code})", {"ImageAsSequence": ImageAsSequence})


@pytest.mark.parametrize("lane", range(8))
def test_each_network_of_the_race_answers_as_keras_does(open_page, data, digits, lane):
    row = data["race"][lane]
    reading = reading_of(row["code"])
    model = build_image_rnn((28, 28), 10, reading=reading, return_sequences=True)
    weighted(model, row["weights"])
    script = """([image, lane]) => {
        const { path, weights } = imgseq.data.race[lane];
        const steps = imgseq.stepsOf(image, 28, [4, 7], imgseq.pathOf(path));
        const { beliefs } = imgseq.read(imgseq.networkOf(weights), steps);
        return beliefs.map((belief) => Array.from(belief));
    }"""
    is_as_keras(open_page(PAGE), model, digits[:25], script, lane)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("grid", [8, 14, 28])
def test_the_paths_of_the_explorer_are_those_of_the_package(open_page, grid, transpose, reverse):
    page = open_page(PAGE)
    cells = np.arange(grid * grid, dtype="float32").reshape(1, grid, grid)
    for order in ORDERS:
        seed = 92916 if order == "random" else None
        layer = ImageAsSequence("pixel", order, transpose=transpose, reverse=reverse, seed=seed)
        found = page.evaluate(
            "(arguments) => imgseq.pathOfReading(...arguments)", [grid, order, transpose, reverse]
        )
        assert found == keras.ops.convert_to_numpy(layer(cells)).ravel().tolist()


def test_all_that_the_page_loads_is_small():
    text = (SITE / PAGE).read_text(encoding="utf-8")
    own = [*(SITE / "javascripts").glob("*.js"), SITE / "stylesheets" / "read_a_digit.css"]
    own = [file for file in own if file.name in text]
    assert len(own) == 10
    assert sum(file.stat().st_size for file in own) < ALL_IN_ALL


def row_of(page):
    return int(page.locator("#read-a-digit-panel input[type=range]").input_value())


def test_something_moves_within_a_second_of_opening(open_page):
    page = open_page(PAGE)
    page.wait_for_timeout(1000)
    assert row_of(page) >= 1


def test_nothing_moves_for_who_asked_for_less_motion(open_page):
    page = open_page(PAGE, reduced_motion="reduce")
    page.wait_for_timeout(1500)
    assert row_of(page) == 0


def test_a_bet_is_judged_beside_the_network(open_page):
    page = open_page(f"{PAGE}#digit=0&row=3")
    panel = page.locator("#read-a-digit-panel")
    label = page.evaluate("imgseq.digits[0].label")
    panel.get_by_role("button", name=f"Bet on {label}", exact=True).click()
    panel.get_by_role("slider").fill("28")
    verdict = panel.get_by_role("status").inner_text()
    assert verdict.startswith(f"It is a {label}. You knew after row 3. 890 numbers ")
    panel.get_by_role("button", name=f"Bet on {(label + 1) % 10}", exact=True).click()
    assert f"You said {(label + 1) % 10} after row 28" in panel.get_by_role("status").inner_text()


def test_keys_go_from_row_to_row_and_bet(open_page):
    page = open_page(f"{PAGE}#digit=0&row=3")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert row_of(page) == 4
    page.keyboard.press("6")
    assert "You bet on 6." in page.locator("#read-a-digit-panel").inner_text()


def test_a_link_shows_what_its_sender_saw(open_page):
    sender = open_page(f"{PAGE}#digit=4&row=9")
    panel = sender.locator("#read-a-digit-panel")
    panel.get_by_label("only at the end").check()
    panel.get_by_label("move it by four pixels").check()
    panel.get_by_role("button", name="One row on").click()
    link = sender.url.partition("#")[2]
    other = open_page(f"{PAGE}#{link}").locator("#read-a-digit-panel")
    assert other.get_by_label("only at the end").is_checked()
    assert other.get_by_label("move it by four pixels").is_checked()
    assert other.inner_text() == panel.inner_text()
    pixels = "canvas => canvas.toDataURL()"
    for number in range(3):
        canvases = [one.locator("canvas").nth(number) for one in (panel, other)]
        assert canvases[0].evaluate(pixels) == canvases[1].evaluate(pixels)


@pytest.mark.parametrize(
    "link", ["digit=99&row=-1", "drawing=xyz", "row=1e9&grid=7&at=abc", "%%%="]
)
def test_a_broken_link_shows_the_page_all_the_same(open_page, link):
    page = open_page(f"{PAGE}#{link}")
    assert page.locator(".digit-panel").count() == 4


def test_a_drawing_is_read_and_kept_in_the_link(open_page):
    page = open_page(PAGE)
    paper = page.locator("#read-a-digit-drawing canvas")
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=20)
    page.mouse.up()
    said = page.locator("#read-a-digit-drawing").get_by_role("status").inner_text()
    assert said.startswith("It reads a 1 (")
    link = page.url.partition("#")[2]
    other = open_page(f"{PAGE}#{link}").locator("#read-a-digit-panel")
    assert "read a 1 in your drawing" in other.get_by_role("status").inner_text()


def test_the_keyboard_draws(open_page):
    page = open_page(PAGE)
    page.locator("#read-a-digit-drawing canvas").focus()
    page.keyboard.press(" ")
    for _ in range(14):
        page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    said = page.locator("#read-a-digit-drawing").get_by_role("status").inner_text()
    assert said.startswith("It reads a 1 (")


def test_a_drawing_is_centred_as_the_digits_of_mnist_are(open_page):
    page = open_page(PAGE)
    strokes = [[[2, 3], [9, 3], [9, 12]], [[4, 8], [12, 8]]]
    pixels = page.evaluate("(strokes) => Array.from(imgseq.centred(strokes))", strokes)
    image = np.array(pixels).reshape(28, 28)
    rows, columns = np.nonzero(image > 20)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(20, abs=1)
    middle = (np.arange(28) + 0.5) @ np.stack([image.sum(1), image.sum(0)], axis=1) / image.sum()
    np.testing.assert_allclose(middle, 14, atol=0.1)


def test_the_race_ends_with_who_knew_first(open_page):
    page = open_page(f"{PAGE}#race=2&race-step=28")
    race = page.locator("#read-a-digit-race")
    label = page.evaluate("imgseq.digits[2].label")
    assert race.get_by_role("status").inner_text().startswith(f"It is a {label}. ")
    assert race.locator("li").count() == 8


def test_the_explorer_shows_the_line_to_copy(open_page):
    page = open_page(f"{PAGE}#grid=14&order=spiral&reverse=1")
    explorer = page.locator("#read-a-digit-explorer")
    assert explorer.locator("code").inner_text() == (
        'ImageAsSequence(4, order="spiral", reverse=True)'
    )
    explorer.get_by_label("transpose").check()
    assert "transpose=True" in explorer.locator("code").inner_text()
    explorer.get_by_label("wrong reshape").check()
    assert explorer.locator("code").inner_text().startswith("images.reshape(-1, 196, 16)")


@pytest.mark.parametrize("viewport", [NARROW, {"width": 1280, "height": 900}])
def test_no_panel_is_wider_than_the_screen(open_page, viewport):
    page = open_page(PAGE, viewport=viewport)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= viewport["width"]


def test_the_page_works_from_a_file(open_page):
    page = open_page(f"{PAGE}#digit=1&row=28", start=f"{SITE.as_uri()}/")
    assert "It is a " in page.locator("#read-a-digit-panel").get_by_role("status").inner_text()


def test_the_home_page_has_a_small_one(open_page):
    page = open_page("index.html")
    page.wait_for_timeout(1000)
    assert int(page.locator("#read-a-digit-small input[type=range]").input_value()) >= 1
