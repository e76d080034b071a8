"""Writes the moving picture of the README: SVG that moves by CSS."""

import numpy as np

SIDE, CELL = 28, 6
LEFT_OF_BARS, LONGEST_BAR = SIDE * CELL + 40, 150
HEIGHT = SIDE * CELL + 30
SECONDS, SECONDS_AT_THE_END = 7, 2
TITLE = "A digit is uncovered row by row, and ten bars show the belief after each row"
STYLE = """
text { font: 12px sans-serif; fill: #e8e8e8 }
.cover { fill: #54607a } .head { fill: #f0a020 } .bar { fill: #7fb2ff }
@media (prefers-reduced-motion: reduce) {
  .cover, .head, .bar { animation: none !important }
  .cover { display: none }
}
"""


def moving_picture(image: np.ndarray, beliefs: np.ndarray) -> str:
    """SVG of an image that is uncovered row by row, and bars of the belief after each row.

    Args:
        image: `(28, 28)`, floats from 0 to 1.
        beliefs: `(28, classes)`, the probabilities after each row.
    """
    whole = SECONDS + SECONDS_AT_THE_END
    width = LEFT_OF_BARS + LONGEST_BAR + 30
    names = [f"a{number}" for number in range(beliefs.shape[1])]
    frames = [keyframes("down", [f"translateY({row * CELL}px)" for row in range(SIDE + 1)])]
    frames += [
        keyframes(name, ["scaleX(0)", *(f"scaleX({share:.2f})" for share in shares)])
        for name, shares in zip(names, beliefs.T, strict=True)
    ]
    moves = f".cover, .head {{ animation: down {whole}s step-end infinite }}"
    moves += "".join(
        f".{name} {{ animation: {name} {whole}s step-end infinite }}" for name in names
    )
    # What is seen where nothing moves.
    still = "".join(
        f".{name} {{ transform: scaleX({share:.2f}) }}"
        for name, share in zip(names, beliefs[-1], strict=True)
    )
    ink = "".join(
        f'<rect x="{column * CELL}" y="{row * CELL}" width="{CELL}" height="{CELL}" '
        f'fill-opacity="{image[row, column]:.2f}"/>'
        for row, column in zip(*np.nonzero(image > 0.02), strict=True)
    )
    side = SIDE * CELL
    bars = "".join(
        f'<text x="{LEFT_OF_BARS - 16}" y="{17 * number + 13}">{number}</text>'
        f'<rect class="bar {name}" x="{LEFT_OF_BARS}" y="{17 * number + 3}" '
        f'width="{LONGEST_BAR}" height="12" style="transform-origin: {LEFT_OF_BARS}px 0"/>'
        for number, name in enumerate(names)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 -12 {width + 24} {HEIGHT + 24}" '
        f'width="{1.6 * width:.0f}" role="img"><title>{TITLE}</title>'
        f"<style>{STYLE}{moves}{still}{''.join(frames)}</style>"
        f'<rect x="-12" y="-12" width="{width + 24}" height="{HEIGHT + 24}" rx="8" fill="#1b1f33"/>'
        f'<clipPath id="image"><rect width="{side}" height="{side}"/></clipPath>'
        f'<rect width="{side}" height="{side}"/><g fill="#fff">{ink}</g>'
        f'<g clip-path="url(#image)"><rect class="cover" width="{side}" height="{side}"/></g>'
        f'<rect class="head" x="-2" y="-1" width="{side + 4}" height="2"/>{bars}'
        f'<text x="0" y="{side + 20}">one row at a time</text>'
        f'<text x="{LEFT_OF_BARS - 16}" y="{side + 20}">the belief after each row</text></svg>\n'
    )


def keyframes(name: str, transforms: list[str]) -> str:
    """Frames of one movement. A frame that repeats the one before it is left out."""
    share = 100 * SECONDS / (SECONDS + SECONDS_AT_THE_END)
    said, before = [], None
    for number, transform in enumerate(transforms):
        if transform != before:
            said.append(f"{share * number / (len(transforms) - 1):.1f}%{{transform:{transform}}}")
        before = transform
    return f"@keyframes {name} {{ {' '.join(said)} }}"
