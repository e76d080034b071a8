"""The figures of the pages are those of the files that the benchmarks wrote."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.export_tables import beside_plain_keras, figures, figures_of_int8, reasons, summary

DOCS = Path(__file__).parent.parent / "docs"


def rows_of(table):
    """The cells of each row of a Markdown table, without its heading."""
    lines = [line.strip() for line in table.splitlines() if line.strip().startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def in_percent(accuracies):
    low, median, high = 100 * np.quantile(accuracies, [0, 0.5, 1])
    return f"{median:.1f} ({low:.1f} to {high:.1f})"


@pytest.mark.parametrize(
    ("heading", "file", "images"),
    [
        ("# Orders compared", "orders.json", "as they are"),
        ("## Clothes instead of digits", "orders-fashion.json", "as they are"),
        ("### Digits", "orders.json", "with permuted pixels"),
        ("### Clothes", "orders-fashion.json", "with permuted pixels"),
    ],
)
def test_the_orders_are_those_that_were_measured(heading, file, images):
    page = (DOCS / "orders-compared.md").read_text(encoding="utf-8")
    measured = json.loads((DOCS / "data" / file).read_text(encoding="utf-8"))[images]
    section = page.split(f"{heading}\n")[1].split("\n##")[0]
    table = {name: cells for name, *cells in rows_of(section)}
    assert table == {
        name: [in_percent(seeds[cell]) for cell in ("simple_rnn", "gru", "lstm")]
        for name, seeds in measured.items()
    }


@pytest.mark.parametrize("backend", ["TensorFlow", "JAX", "PyTorch"])
def test_the_bars_of_speed_are_the_rows_of_the_table(backend):
    page = (DOCS / "how-fast-tables.md").read_text(encoding="utf-8")
    (table,) = re.findall(rf'## Training.*?"{backend}"\n\n(.*?)\n\n', page, flags=re.DOTALL)
    typed = {
        row[0]: float(row[3]) for row in rows_of(table) if row[1:3] == ["ours", "as typed in Keras"]
    }
    name = {"PyTorch": "torch"}.get(backend, backend.lower())
    drawn = json.loads((DOCS / "data" / f"speed-{name}.json").read_text(encoding="utf-8"))
    assert typed == drawn


WIDTH_ON_A_PHONE = 358
PICTURES = sorted(
    path.name
    for path in (DOCS / "images").glob("*.svg")
    if "font-size" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", PICTURES)
def test_the_letters_of_a_picture_can_be_read_on_a_phone(name):
    text = (DOCS / "images" / name).read_text(encoding="utf-8")
    width = float(re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+)', text)[1])
    sizes = [float(size) for size in re.findall(r"font-size[:=]\s*\"?([\d.]+)", text)]
    assert min(sizes) * min(1, WIDTH_ON_A_PHONE / width) >= 10


@pytest.mark.parametrize("table", [summary, beside_plain_keras, figures, reasons, figures_of_int8])
def test_the_exports_are_those_that_were_measured(table):
    page = (DOCS / "how-to" / "deploy.md").read_text(encoding="utf-8")
    measured = json.loads((DOCS / "data" / "exports.json").read_text(encoding="utf-8"))
    assert measured["versions"] in page
    lines = "\n".join(line.strip() for line in page.splitlines())
    assert table(measured["found"]) in lines
