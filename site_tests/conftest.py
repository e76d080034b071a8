"""The built site, in the system's Chromium."""

import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

SITE = Path(__file__).parent.parent / "site"
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class SilentHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def address():
    """Where the site is served, on this machine only."""
    handler = functools.partial(SilentHandler, directory=SITE)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="session")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert path, f"One of {', '.join(BROWSERS)} must be installed."
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Opens a page of the site. In the end, no other host was asked and no error was said."""
    contexts, problems = [], []

    def opened(name, *, start=address, viewport=WIDE, scheme="light", **options):
        context = browser.new_context(viewport=viewport, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: said.type == "error" and problems.append(said.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((start, "data:", "blob:")) or problems.append(request.url)
            ),
        )
        page.goto(start + name)
        return page

    yield opened
    for context in contexts:
        context.close()
    # Material's search looks for this file where a page is opened without a server.
    own = [text for text in problems if "search_index.js" not in text]
    assert own in ([], ["Failed to load resource: net::ERR_FILE_NOT_FOUND"])
