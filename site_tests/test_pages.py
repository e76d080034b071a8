"""Every page can be read by everybody: narrow and wide, light and dark, by keyboard, by search."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import NARROW, SITE, WIDE

PAGES = sorted(
    str(path.relative_to(SITE).parent / "index.html") for path in SITE.rglob("index.html")
)
MAIN_PAGES = (
    "index.html",
    "read-a-digit/index.html",
    "tutorial/index.html",
    "how-to/read-text-lines/index.html",
    "reference/index.html",
)
SERIOUS = ("serious", "critical")
assert PAGES, "build the site first: mkdocs build"


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", MAIN_PAGES)
def test_axe_finds_nothing_serious(open_page, name, scheme, viewport):
    page = open_page(
        f"{name}#row=28&race-step=28&bet=3-7",
        scheme=scheme,
        viewport=viewport,
        reduced_motion="reduce",
    )
    page.wait_for_timeout(300)
    found = Axe().run(page).response["violations"]
    serious = [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
    assert not serious, "\n".join(serious)


@pytest.mark.parametrize("name", ["index.html", "read-a-digit/index.html"])
def test_every_control_is_reached_by_tab_and_shows_it(open_page, name):
    page = open_page(name, reduced_motion="reduce")
    num_controls = page.evaluate(
        """() => {
            const all = document.querySelectorAll(
                "article :is(button, input, select, summary, [tabindex='0'], a[href])");
            const shown = Array.from(all).filter((control) => control.checkVisibility()
                && !control.disabled && !control.classList.contains("headerlink")
                // The arrow keys choose among the others of a group.
                && (control.type !== "radio" || control.checked));
            shown.forEach((control, number) => {
                const style = getComputedStyle(control);
                control.dataset.number = number;
                control.dataset.look = style.outline + style.boxShadow;
            });
            return shown.length;
        }"""
    )
    assert num_controls > 5
    reached, hidden = set(), []
    for _ in range(num_controls + 60):
        page.keyboard.press("Tab")
        number, html, is_seen = page.evaluate(
            """() => {
                const control = document.activeElement;
                const style = getComputedStyle(control);
                const isSeen = control.dataset.look !== style.outline + style.boxShadow;
                return [control.dataset.number, control.outerHTML.slice(0, 100), isSeen];
            }"""
        )
        if number is not None:
            reached.add(number)
            hidden += [] if is_seen else [html]
    assert len(reached) == num_controls
    assert not hidden


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_a_narrow_screen(open_page, name):
    page = open_page(name, viewport=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_of_a_page_is_shown_in_one_theme_and_can_be_enlarged(open_page, name):
    for scheme in ("light", "dark"):
        page = open_page(name, scheme=scheme, viewport=WIDE)
        shown = page.evaluate(
            """Array.from(document.querySelectorAll("article img"))
                .filter((image) => image.offsetWidth > 0)
                .map((image) => [image.src, image.naturalWidth, Boolean(image.closest("a"))])"""
        )
        other = "dark" if scheme == "light" else "light"
        for source, width, is_link in shown:
            assert f"#only-{other}" not in source
            assert width > 0, source
            assert is_link or source.endswith("reading.svg"), source


@pytest.mark.parametrize(
    ("words", "pages"),
    [
        ("lstm", "orders-compared|faq|reference|glossary"),
        ("export", "deploy"),
        ("nan", "troubleshooting|faq"),
        ("gpu", "faq|how-fast|on-a-gpu"),
        ("variable width", "faq|images-of-unlike-sizes|read-text-lines"),
    ],
)
def test_search_finds(open_page, words, pages):
    page = open_page("index.html")
    # The index is loaded in the background.
    page.wait_for_load_state("networkidle")
    page.keyboard.press("/")
    page.keyboard.type(words, delay=100)
    # The results of the first letters come before those of the whole.
    page.wait_for_function(
        """(pages) => Array.from(document.querySelectorAll(".md-search-result__item > a"))
            .slice(0, 3).some((link) => new RegExp(pages).test(link.href))""",
        arg=pages,
    )


@pytest.mark.parametrize(
    ("name", "said", "start", "answer"),
    [
        (
            "how-to/choose-a-reading/index.html",
            "count_image_rnn_params",
            "from keras_imgseq import",
            "1338",
        ),
        (
            "tutorial/index.html",
            "layer.count_params()",
            "from keras_imgseq import",
            "rnn_1 (None, 16) 720",
        ),
        ("reference/index.html", "model.count_params()", "import keras_imgseq", "890"),
    ],
)
def test_copied_code_holds_no_prompts_and_no_answers(open_page, name, said, start, answer):
    page = open_page(name, permissions=["clipboard-read", "clipboard-write"])
    block = page.locator(".highlight", has_text=said).first
    assert answer in block.inner_text()
    block.hover()
    block.get_by_role("button").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(start)
    assert said in copied
    assert ">>>" not in copied
    assert answer not in copied


def test_each_page_but_the_last_names_the_next(open_page):
    last = [name for name in PAGES if not open_page(name).locator(".md-footer__link--next").count()]
    assert last == ["contributing/index.html"]


def test_a_page_that_does_not_exist_says_where_to_go():
    text = (SITE / "404.html").read_text(encoding="utf-8")
    assert "This page does not exist" in text
    links = re.findall(r'<li><a href="(/[^"]*)">', text)
    assert len(links) == 5
    for link in links:
        assert not link.startswith("//")
        assert (SITE / link.lstrip("/") / "index.html").is_file(), link


def test_the_pages_say_the_version():
    version = re.search(
        r'__version__ = "([^"]+)"',
        (Path(__file__).parent.parent / "keras_imgseq" / "__init__.py").read_text(encoding="utf-8"),
    )[1]
    text = (SITE / "index.html").read_text(encoding="utf-8")
    assert f"Changelog ({version})" in text
    assert f"keras-imgseq {version}" in text
