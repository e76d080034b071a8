"""What every page has: links that lead somewhere, and words that are explained."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
# Pages that explain the words, and those that are not written for readers of a page.
WITHOUT_LINKS = ("glossary", "explanation", "changelog", "contributing", "reference", "index")
PAGES = sorted(path for path in DOCS.rglob("*.md") if path.stem not in WITHOUT_LINKS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
@pytest.mark.parametrize("word", ["mask", "grid", "peer"])
def test_a_page_that_uses_a_word_links_its_meaning(page, word):
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
    assert f"glossary.md#{word}" in text or not re.search(rf"\b{word}(s|ed)?\b", prose)


def test_the_links_of_the_readme_lead_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r'\]\(([^)#]+)\)|src="([^"]+)"', text)
    assert links
    for link in filter(None, (link for pair in links for link in pair)):
        assert link.startswith("http") or (ROOT / link).is_file(), link
