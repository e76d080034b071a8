"""Compares a trained reader with Tesseract on the same lines, as a whole and work by work.

Run `python -m benchmarks.text_lines TEST_FOLDER READER.keras`. The folder holds pairs `x.png` and
`x.gt.txt`. Tesseract and its model must be installed: `tesseract-ocr` and `tesseract-ocr-frk` on
Debian.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import unicodedata
from pathlib import Path

import keras

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

from line_folder import Lines, load_lines, works_of
from line_training import rate_of

from benchmarks.versions import measured_with

# What a reader of German today would type instead, so that spelling alone is no error.
LONG_S, DOUBLE_HYPHEN, APOSTROPHES, QUOTES = (
    "\u017f",
    "\u2e17",
    "\u2018\u2019",
    "\u201e\u201c\u201d",
)
NORMALIZED = str.maketrans(
    LONG_S + DOUBLE_HYPHEN + APOSTROPHES + QUOTES, "s-" + "'" * len(APOSTROPHES) + '"' * len(QUOTES)
)
SMALL_E = "\u0364"
UMLAUTS = {"a" + SMALL_E: "ä", "o" + SMALL_E: "ö", "u" + SMALL_E: "ü"}


def main() -> None:
    """Prints both error rates, raw and normalized, for each work, and the lines read a second."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.text_lines", description=__doc__)
    parser.add_argument("folder", type=Path, help="pairs x.png and x.gt.txt")
    parser.add_argument("reader", type=Path, help="a saved LineReader")
    parser.add_argument("--model", default="frk", help="the model of Tesseract (default: frk)")
    options = parser.parse_args()
    lines, _ = load_lines(options.folder)
    reader = keras.saving.load_model(options.reader)
    print(f"{measured_with('keras-imgseq', 'keras', keras.backend.backend())}, {version()}\n")
    # A first time, so that each width is compiled.
    reader.read(lines.images)
    start = time.perf_counter()
    by_reader = reader.read(lines.images)
    reader_speed = len(lines) / (time.perf_counter() - start)
    start = time.perf_counter()
    by_tesseract = read_by_tesseract(lines, options.model)
    tesseract_speed = len(lines) / (time.perf_counter() - start)
    print("| work | lines | reader, % | normalized | Tesseract, % | normalized |")
    print("| --- | --- | --- | --- | --- | --- |")
    works = works_of(lines, r"(.*)_")
    for work in ["all", *sorted(set(works))]:
        places = [n for n, name in enumerate(works) if work in ("all", name)]
        texts = [lines.texts[n] for n in places]
        cells = []
        for read in (by_reader, by_tesseract):
            chosen = [read[n] for n in places]
            plain = rate_of(list(map(normalized, chosen)), list(map(normalized, texts)))
            cells += [f"{100 * rate_of(chosen, texts):.2f}", f"{100 * plain:.2f}"]
        print(f"| {work} | {len(places)} | {' | '.join(cells)} |", flush=True)
    print(f"\nLines read a second: reader {reader_speed:.1f}, Tesseract {tesseract_speed:.1f}")


def version() -> str:
    """The version of Tesseract."""
    ended = subprocess.run(["tesseract", "--version"], capture_output=True, text=True, check=True)
    return (ended.stdout or ended.stderr).splitlines()[0]


def read_by_tesseract(lines: Lines, model: str) -> list[str]:
    """The text of each line, by one process of Tesseract for all, on one thread."""
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder) / "names.txt"
        names.write_text("\n".join(str(path.absolute()) for path in lines.paths))
        # Of a list of files each becomes a page, and a page ends with a form feed.
        ended = subprocess.run(
            ["tesseract", names, "-", "--psm", "7", "-l", model],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
    pages = ended.stdout.split("\f")[: len(lines)]
    return [unicodedata.normalize("NFC", " ".join(page.split())) for page in pages]


def normalized(text: str) -> str:
    """A text without the differences between old and new letters."""
    for old, new in UMLAUTS.items():
        text = text.replace(old, new)
    return text.translate(NORMALIZED)


if __name__ == "__main__":
    main()
