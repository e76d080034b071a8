"""The tables of `benchmarks.exports`, from what it found."""

from typing import Any

NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
Rows = list[dict[str, Any]]


def of_files(found: Rows) -> Rows:
    """The files of this package that were written and answered right."""
    return [row for row in found if not {"plain", "int8", "reason"} & set(row)]


def summary(found: Rows) -> str:
    """For each network and target the backends that it can be written from."""
    files = of_files(found)
    targets = list(dict.fromkeys(row["target"] for row in found))
    lines = _heading("network", *targets)
    for network in dict.fromkeys(row["network"] for row in found):
        cells = [
            ", ".join(
                NAMES[row["backend"]]
                for row in files
                if (row["network"], row["target"]) == (network, target)
            )
            for target in targets
        ]
        lines.append(_line(network, *(cell or "none" for cell in cells)))
    return "\n".join(lines)


def beside_plain_keras(found: Rows) -> str:
    """Exports that differ between this package and networks typed in plain Keras."""
    places = ("network", "target", "backend")
    ours = {
        tuple(row[name] for name in places): row
        for row in found
        if not {"plain", "int8"} & set(row)
    }
    pairs = [(row, ours[tuple(row[name] for name in places)]) for row in found if "plain" in row]
    others = [(typed, own) for typed, own in pairs if _said(typed) != _said(own)]
    lines = _heading("network", "target", "from", "plain Keras", "this package")
    for typed, own in others:
        place = own["network"], own["target"], NAMES[own["backend"]]
        lines.append(_line(*place, _said(typed), _said(own)))
    same = f"{len(pairs) - len(others)} of {len(pairs)} exports end as in plain Keras."
    return f"{same} The others:\n\n" + "\n".join(lines) if others else same


def figures(found: Rows) -> str:
    """Difference, sizes, bytes and time of each file."""
    lines = _heading(
        "network", "target", "from", "difference", "sizes", "file, kB", "one answer, ms"
    )
    for row in of_files(found):
        place = row["network"], row["target"], NAMES[row["backend"]]
        lines.append(_line(*place, f"{row['difference']:.0e}", row["sizes"], *_cost(row)))
    return "\n".join(lines)


def figures_of_int8(found: Rows) -> str:
    """The same of ONNX files with weights of 8 bits."""
    lines = _heading("8-bit weights, ONNX", "difference", "file, kB", "one answer, ms")
    for row in found:
        if "int8" in row:
            place = f"{row['network']}, from {NAMES[row['backend']]}"
            lines.append(_line(place, f"{row['difference']:.0e}", *_cost(row)))
    return "\n".join(lines)


def reasons(found: Rows) -> str:
    """What cannot be written, and what was said."""
    lines = _heading("does not work", "target", "from", "reason")
    for row in found:
        if "reason" in row and "plain" not in row:
            place = row["network"], row["target"], NAMES[row["backend"]]
            lines.append(_line(*place, row["reason"]))
    return "\n".join(lines)


def _said(row: dict[str, Any]) -> str:
    return "fails" if "reason" in row else str(row["sizes"])


def _cost(row: dict[str, Any]) -> tuple[str, str]:
    return f"{row['kilobytes']:.0f}", f"{row['milliseconds']:.3f}"


def _heading(*names: str) -> list[str]:
    return [_line(*names), _line(*["---"] * len(names))]


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
