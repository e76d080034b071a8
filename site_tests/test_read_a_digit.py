"""The page "Read a digit" answers as Keras does, and can be used by everybody."""

import base64
import json
import os
import re
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
import pytest
from conftest import NARROW, SITE, WIDE

from keras_imgseq import ImageAsSequence, build_image_rnn, image_as_sequence

PAGE = "read-a-digit/index.html"
MNIST = Path(__file__).parent.parent / "examples" / "data" / "mnist.npz"
ORDERS = ("raster", "snake", "spiral", "hilbert", "morton", "zigzag", "random")
ALL_IN_ALL = 150_000


@pytest.fixture(scope="module")
def data():
    text = (SITE / "javascripts" / "data.js").read_text(encoding="utf-8")
    return json.loads(text[text.index("{") : text.rindex("}") + 1])


@pytest.fixture(scope="module")
def all_digits():
    with np.load(MNIST, allow_pickle=False) as arrays:
        return arrays["x_test"] / np.float32(255), arrays["y_test"]


@pytest.fixture(scope="module")
def digits(all_digits):
    return all_digits[0][:200]


def weighted(model, described):
    """A model with the weights of the data file."""
    values = np.frombuffer(base64.b64decode(described["weights"]), "<i2") * described["unit"]
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
        np.testing.assert_allclose(found, beliefs, atol=1e-4)
        assert found[-1].argmax() == beliefs[-1].argmax()


@pytest.mark.parametrize("name", ["last", "every"])
def test_both_networks_answer_as_keras_does(open_page, data, digits, name):
    model = build_image_rnn((28, 28), 10, return_sequences=True)
    weighted(model, data["networks"][name])
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
    weighted(model, row)
    script = """([image, lane]) => {
        const described = imgseq.data.race[lane];
        const steps = imgseq.stepsOf(image, 28, [4, 7], imgseq.pathOf(described.path));
        const { beliefs } = imgseq.read(imgseq.networkOf(described), steps);
        return beliefs.map((belief) => Array.from(belief));
    }"""
    is_as_keras(open_page(PAGE), model, digits, script, lane)


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
    own = [*(SITE / "javascripts").glob("*.js"), SITE / "stylesheets" / "read_a_digit.css"]
    assert len(own) == 11
    text = (SITE / PAGE).read_text(encoding="utf-8")
    page = re.search(r"<article.*</article>", text, flags=re.DOTALL)[0]
    assert len(page) + sum(file.stat().st_size for file in own) < ALL_IN_ALL


def row_of(page):
    return int(page.locator("#read-a-digit-panel input[type=range]").input_value())


def verdict_of(panel):
    return panel.locator(".digit-verdict").inner_text()


def link_of(page):
    """What stands in the address, a moment later."""
    page.wait_for_timeout(600)
    return page.url.partition("#")[2]


def test_something_moves_within_a_second_of_opening(open_page):
    page = open_page(PAGE)
    page.wait_for_timeout(1000)
    assert row_of(page) >= 1


def test_nothing_moves_for_who_asked_for_less_motion(open_page):
    page = open_page(PAGE, reduced_motion="reduce")
    for number in range(2):
        page.get_by_role("button", name="Another digit").nth(number).click()
    page.get_by_label("reverse").check()
    before = [slider.input_value() for slider in page.get_by_role("slider").all()]
    page.wait_for_timeout(1200)
    assert [slider.input_value() for slider in page.get_by_role("slider").all()] == before


def test_a_bet_is_judged_beside_the_network(open_page):
    page = open_page(f"{PAGE}#digit=0&row=3")
    panel = page.locator("#read-a-digit-panel")
    label = page.evaluate("imgseq.digits[0].label")
    panel.get_by_role("button", name=f"Bet on {label}", exact=True).click()
    panel.get_by_role("slider").fill("28")
    assert verdict_of(panel).startswith(f"It is a {label}. You knew after row 3. 890 numbers ")


def test_a_wrong_bet_is_said(open_page):
    page = open_page(f"{PAGE}#digit=0&row=9")
    panel = page.locator("#read-a-digit-panel")
    other = (page.evaluate("imgseq.digits[0].label") + 1) % 10
    panel.get_by_role("button", name=f"Bet on {other}", exact=True).click()
    panel.get_by_role("slider").fill("28")
    assert f"You said {other} after row 9." in verdict_of(panel)


def test_who_has_seen_the_digit_cannot_bet(open_page):
    page = open_page(f"{PAGE}#digit=0&row=28")
    panel = page.locator("#read-a-digit-panel")
    label = page.evaluate("imgseq.digits[0].label")
    assert panel.get_by_role("button", name=f"Bet on {label}", exact=True).is_disabled()
    page.keyboard.press(str(label))
    panel.get_by_role("slider").fill("2")
    page.keyboard.press(str(label))
    panel.get_by_role("slider").fill("28")
    assert "You made no bet." in verdict_of(panel)


def test_rows_that_were_covered_again_count_as_seen(open_page):
    page = open_page(PAGE)
    panel = page.locator("#read-a-digit-panel")
    for row in ("20", "2"):
        panel.get_by_role("slider").fill(row)
    label = page.evaluate("imgseq.digits[0].label")
    page.keyboard.press(str(label))
    panel.get_by_role("slider").fill("28")
    assert "You knew after row 20" in verdict_of(panel)


def test_a_link_keeps_which_rows_were_seen(open_page):
    panel = open_page(f"{PAGE}#digit=0&row=2&seen=20").locator("#read-a-digit-panel")
    panel.page.keyboard.press(str(panel.page.evaluate("imgseq.digits[0].label")))
    panel.get_by_role("slider").fill("28")
    assert "You knew after row 20" in verdict_of(panel)


@pytest.mark.parametrize("training", ["every", "last"])
def test_what_the_network_knew_is_what_its_beliefs_say(open_page, training):
    page = open_page(PAGE)
    for number in range(20):
        page.goto("about:blank")
        page = open_page(f"{PAGE}#digit={number}&row=28&training={training}")
        bets, label = page.evaluate(
            """([number, name]) => {
                const { label, pixels } = imgseq.digits[number];
                const steps = imgseq.rowsOf(imgseq.scaled(pixels));
                const { beliefs } = imgseq.read(imgseq.networks[name], steps);
                return [beliefs.map((belief) => imgseq.bestOf(belief)), label];
            }""",
            [number, training],
        )
        wrong = [row for row, bet in enumerate(bets, start=1) if bet != label]
        row = max(wrong, default=0) + 1
        says = f"knew after row {row}." if row <= 28 else f"say {bets[-1]}, which is wrong."
        assert verdict_of(page.locator("#read-a-digit-panel")).endswith(f"890 numbers {says}")


def test_keys_go_from_row_to_row_and_bet(open_page):
    page = open_page(f"{PAGE}#digit=0&row=3")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert row_of(page) == 4
    panel = page.locator("#read-a-digit-panel")
    page.keyboard.press("6")
    assert "You bet on 6." in panel.inner_text()
    panel.get_by_label("black on white").check()
    page.keyboard.press("5")
    assert "You bet on 5." in panel.inner_text()


def test_a_screen_reader_is_told_of_each_step_by_hand_and_not_of_others(open_page):
    page = open_page(f"{PAGE}#digit=0&row=3")
    panel = page.locator("#read-a-digit-panel")
    spoken = panel.get_by_role("status")
    panel.get_by_role("button", name="One row on").click()
    assert spoken.inner_text().startswith("Row 4 of 28. The network bets on ")
    before = spoken.inner_text()
    panel.get_by_role("button", name="Play").click()
    page.wait_for_timeout(1200)
    assert row_of(page) > 4
    assert spoken.inner_text() == before


def test_a_link_shows_what_its_sender_saw(open_page):
    sender = open_page(f"{PAGE}#digit=4&row=9", reduced_motion="reduce")
    panel = sender.locator("#read-a-digit-panel")
    panel.get_by_label("only at the end").check()
    panel.get_by_label("move it by four pixels").check()
    sender.keyboard.press("7")
    panel.get_by_role("button", name="One row on").click()
    sender.get_by_role("button", name="Another digit").nth(1).click()
    sender.locator("#read-a-digit-race").get_by_role("slider").fill("5")
    selects = sender.locator("#read-a-digit-explorer select")
    selects.nth(0).select_option("digit")
    selects.nth(1).select_option("14")
    sender.get_by_label("wrong reshape").check()
    sender.locator("#read-a-digit-explorer").get_by_role("slider").fill("40")
    other = open_page(f"{PAGE}#{link_of(sender)}", reduced_motion="reduce")
    assert "You bet on 7." in other.locator("#read-a-digit-panel").inner_text()
    for name in ("panel", "race", "explorer"):
        panels = [page.locator(f"#read-a-digit-{name}") for page in (sender, other)]
        seen = "part => [...part.children].slice(0, -1).map((child) => child.innerText)"
        assert panels[0].evaluate(seen) == panels[1].evaluate(seen)
        checked = "part => [...part.querySelectorAll('input, select')]"
        checked += ".map((control) => control.checked || control.value)"
        assert panels[0].evaluate(checked) == panels[1].evaluate(checked)
        pixels = "part => [...part.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL())"
        assert panels[0].evaluate(pixels) == panels[1].evaluate(pixels)


def test_a_link_that_is_pasted_into_the_open_page_is_shown(open_page):
    page = open_page(f"{PAGE}#digit=4&row=9")
    page.evaluate("location.hash = 'digit=5&row=12'")
    page.wait_for_timeout(1000)
    assert row_of(page) == 12


def test_a_link_to_a_heading_keeps_the_state(open_page):
    page = open_page(f"{PAGE}#digit=4&row=9")
    page.evaluate("location.hash = 'race'")
    page.keyboard.press("ArrowRight")
    assert "digit=4" in link_of(page)
    assert "row=10" in link_of(page)


@pytest.mark.parametrize(
    "link",
    ["digit=99&row=-1", "drawing=xyz", "drawing=0", "row=1e9&grid=7&at=abc", "bet=x"],
)
def test_a_broken_link_shows_the_page_from_its_beginning(open_page, link):
    page = open_page(f"{PAGE}#{link}", reduced_motion="reduce")
    assert page.locator(".digit-panel").count() == 4
    assert row_of(page) == 0


def draw_a_line(page):
    paper = page.locator("#read-a-digit-drawing canvas")
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=20)
    page.mouse.up()


def answer_of(page):
    return page.locator("#read-a-digit-drawing .digit-verdict").inner_text()


def test_a_drawing_is_read_and_kept_in_the_link(open_page):
    page = open_page(PAGE)
    draw_a_line(page)
    assert answer_of(page).startswith("It reads a 1 (")
    other = open_page(f"{PAGE}#{link_of(page)}")
    assert "read a 1 in your drawing" in verdict_of(other.locator("#read-a-digit-panel"))
    assert answer_of(other) == answer_of(page)
    drawn = "document.querySelector('#read-a-digit-drawing canvas').getContext('2d')"
    drawn += ".getImageData(0, 0, 280, 280).data.some((value, i) => i % 4 < 3 && value > 200)"
    assert other.evaluate(drawn)
    other.locator("#read-a-digit-drawing").get_by_role("button", name="Clear").click()
    assert not other.evaluate(drawn)
    assert "drawing=" not in link_of(other)


def test_an_answer_says_what_was_changed_in_the_drawing(open_page):
    page = open_page(PAGE)
    page.get_by_label("black on white").check()
    draw_a_line(page)
    assert answer_of(page).startswith("In black on white, it reads a ")
    page.get_by_label("move it by four pixels").check()
    draw_a_line(page)
    assert answer_of(page).startswith("Moved by four pixels, in black on white, it reads a ")


def test_both_answers_to_a_drawing_are_the_same(open_page):
    page = open_page(PAGE)
    panel = page.locator("#read-a-digit-panel")
    draw_a_line(page)
    for change in ("black on white", "move it by four pixels", "only at the end"):
        page.get_by_label(change).check()
        found = re.search(r"read a (\d) in your drawing \((.*?)\)", verdict_of(panel))
        assert answer_of(page).endswith(f"it reads a {found[1]} ({found[2]}).")
    assert "You have seen this digit" in panel.inner_text()
    panel.get_by_role("button", name="Another digit").click()
    assert answer_of(page) == ""
    assert "Press a digit to bet on it" in panel.inner_text()


def test_a_touch_draws(open_page):
    page = open_page(PAGE, has_touch=True, viewport=NARROW)
    page.locator("#read-a-digit-drawing canvas").scroll_into_view_if_needed()
    page.locator("#read-a-digit-drawing canvas").tap()
    assert answer_of(page).startswith("It reads a ")


def test_the_keyboard_draws(open_page):
    page = open_page(PAGE)
    page.locator("#read-a-digit-drawing canvas").focus()
    page.keyboard.press(" ")
    assert answer_of(page) == "The pen is down."
    for _ in range(14):
        page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    assert answer_of(page).startswith("It reads a 1 (")


def test_a_drawing_is_watched_from_its_beginning(open_page):
    page = open_page(PAGE)
    page.get_by_role("button", name="Watch it").click()
    assert answer_of(page) == "Draw a digit first."
    draw_a_line(page)
    page.get_by_role("button", name="Watch it").click()
    assert row_of(page) < 5
    page.wait_for_timeout(1200)
    assert row_of(page) > 0


def test_a_drawing_is_centred_as_the_digits_of_mnist_are(open_page):
    page = open_page(PAGE)
    strokes = [[[2, 3], [9, 3], [9, 12]], [[4, 8], [12, 8]]]
    pixels = page.evaluate("(strokes) => Array.from(imgseq.centred(strokes))", strokes)
    image = np.array(pixels).reshape(28, 28)
    rows, columns = np.nonzero(image > 20)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(20, abs=1)
    middle = (np.arange(28) + 0.5) @ np.stack([image.sum(1), image.sum(0)], axis=1) / image.sum()
    np.testing.assert_allclose(middle, 14, atol=0.1)


def test_moved_and_inverted_digits_are_mostly_read_wrong(data, all_digits):
    """What the page says that the network cannot do."""
    images, labels = all_digits
    moved = np.pad(images, ((0, 0), (0, 0), (4, 0)))[:, :, :28]
    for name in ("last", "every"):
        model = weighted(build_image_rnn((28, 28), 10), data["networks"][name])
        for changed in (moved, 1 - images):
            belief = model.predict(changed, batch_size=1000, verbose=0)
            assert (belief.argmax(axis=-1) == labels).mean() < 0.5


@pytest.mark.parametrize("box", ["move it by four pixels", "black on white"])
def test_a_box_makes_most_of_the_answers_wrong(open_page, data, box):
    page = open_page(PAGE, reduced_motion="reduce")
    panel = page.locator("#read-a-digit-panel")
    num_right = np.zeros(2, int)
    for label in data["digits"]["labels"]:
        panel.locator("input[type=range]").fill("28")
        for place, is_checked in enumerate((False, True)):
            panel.get_by_label(box).set_checked(is_checked)
            shares = panel.locator(".digit-share").all_inner_texts()
            num_right[place] += np.argmax([float(share.rstrip(" %")) for share in shares]) == label
        panel.get_by_label(box).set_checked(False)
        panel.get_by_role("button", name="Another digit").click()
    assert num_right[0] >= 18
    assert num_right[1] < 10


@pytest.mark.parametrize("name", ["last", "every"])
def test_the_curves_are_those_of_all_test_digits(data, all_digits, name):
    images, labels = all_digits
    model = build_image_rnn((28, 28), 10, return_sequences=True)
    weighted(model, data["networks"][name])
    best = model.predict(images, batch_size=1000, verbose=0).argmax(axis=-1)
    accuracies = (best == labels[:, None]).mean(axis=0)
    np.testing.assert_allclose(data["networks"][name]["accuracies"], accuracies, atol=3e-4)


def test_the_text_names_the_figures_of_the_data(open_page, data):
    text = open_page(PAGE).locator("article").inner_text()
    for name, said in (
        (
            "last",
            "right for {} % of the test digits, no better than guessing. After all rows it is "
            "right for {} %",
        ),
        ("every", "right for {} % after 14 rows, and for {} % at the end"),
    ):
        accuracies = data["networks"][name]["accuracies"]
        assert said.format(*(round(100 * accuracies[row]) for row in (13, 27))) in text


def test_the_race_ends_with_who_knew_first(open_page, data):
    page = open_page(f"{PAGE}#race=2&race-step=28")
    race = page.locator("#read-a-digit-race")
    label, bets = page.evaluate(
        """() => {
            const { label, pixels } = imgseq.digits[2];
            const image = imgseq.scaled(pixels);
            return [label, imgseq.data.race.map((described) => {
                const path = imgseq.pathOf(described.path);
                const steps = imgseq.stepsOf(image, 28, imgseq.data.racePatch, path);
                return imgseq.read(imgseq.networkOf(described), steps).beliefs.map(imgseq.bestOf);
            })];
        }"""
    )
    wrong = [[step for step, bet in enumerate(lane, start=1) if bet != label] for lane in bets]
    known = [max(steps, default=0) + 1 for steps in wrong]
    first = min(known)
    codes = [row["code"] for row, step in zip(data["race"], known, strict=True) if step == first]
    said = f"It is a {label}. First, after step {first}: {' and '.join(codes)}."
    assert verdict_of(race) == said + (" So early, that is luck." if first <= 8 else "")
    assert race.locator("li").count() == 8


@pytest.mark.parametrize("grid", [8, 14, 28])
def test_the_explorer_reads_patches_as_the_package_does(open_page, data, grid):
    page, patch = open_page(PAGE), 56 // grid
    photo = np.array(page.evaluate("Array.from(imgseq.photo)"), "uint8").reshape(1, 56, 56)
    for order, code in data["orders"].items():
        found = page.evaluate(
            """([patch, text]) => {
                const path = imgseq.pathOf(text);
                const steps = imgseq.stepsOf(imgseq.photo, 56, [patch, patch], path);
                return steps.map((step) => [...step]);
            }""",
            [patch, data["paths"][str(grid)][order]],
        )
        reading = eval(f"dict({code})")
        np.testing.assert_array_equal(found, image_as_sequence(photo, patch, **reading)[0])


def test_the_explorer_shows_the_line_to_copy(open_page):
    page = open_page(
        f"{PAGE}#grid=14&order=spiral&reverse=1",
        permissions=["clipboard-read", "clipboard-write"],
    )
    explorer = page.locator("#read-a-digit-explorer")
    code = explorer.locator("code")
    assert code.inner_text() == 'ImageAsSequence(4, order="spiral", reverse=True)'
    explorer.get_by_role("button", name="Copy").click()
    assert page.evaluate("navigator.clipboard.readText()") == code.inner_text()
    explorer.get_by_label("transpose").check()
    assert "transpose=True" in code.inner_text()
    explorer.get_by_label("wrong reshape").check()
    assert code.inner_text().startswith("images.reshape(-1, 196, 16)")
    assert explorer.locator("select").nth(2).is_disabled()


@pytest.mark.parametrize("viewport", [NARROW, WIDE])
def test_no_panel_is_wider_than_the_screen(open_page, viewport):
    page = open_page(PAGE, viewport=viewport)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= viewport["width"]


@pytest.mark.parametrize("viewport", [NARROW, WIDE])
def test_no_label_of_the_chart_is_cut_off(open_page, viewport):
    page = open_page(PAGE, viewport=viewport)
    edges = "text => text.getBoundingClientRect().right"
    frame = page.locator(".digit-chart svg").evaluate(edges)
    labels = page.locator(".digit-chart svg text")
    assert labels.last.text_content() == "row 28"
    assert all(label.evaluate(edges) <= frame for label in labels.all())


def test_the_game_fits_on_one_screen(open_page):
    page = open_page(PAGE, viewport=WIDE)
    bottom = page.locator("#read-a-digit-panel .digit-controls").first.bounding_box()
    assert bottom["y"] + bottom["height"] <= WIDE["height"]


def test_the_page_works_from_a_file(open_page):
    page = open_page(f"{PAGE}#digit=1&row=27", start=f"{SITE.as_uri()}/")
    page.keyboard.press("ArrowRight")
    assert "It is a " in verdict_of(page.locator("#read-a-digit-panel"))
    assert "row=28" in link_of(page)


def test_the_home_page_has_a_small_one(open_page):
    page = open_page("index.html")
    page.wait_for_timeout(1000)
    assert int(page.locator("#read-a-digit-small input[type=range]").input_value()) >= 1
