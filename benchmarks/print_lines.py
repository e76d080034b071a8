"""Prints the texts of a folder of lines once more in roman type, as lines to train on.

Old books in Fraktur set foreign words and whole quotations in roman type, too few for a reader to
learn the letters. Run `python -m benchmarks.print_lines TRAIN_FOLDER NEW_FOLDER FONT...`.
"""

import argparse
import unicodedata
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

HEIGHT = 40
# Roman type of the time has no long s, no double hyphen, and dots on its umlauts.
ROMAN = str.maketrans({"\u017f": "s", "\u2e17": "-", "\u0364": "\u0308"})


def main() -> None:
    """Writes pairs `x.png` and `x.gt.txt`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.print_lines", description=__doc__)
    parser.add_argument("folder", type=Path, help="pairs x.png and x.gt.txt")
    parser.add_argument("new_folder", type=Path, help="a folder that is made")
    parser.add_argument("fonts", nargs="+", help="TrueType or OpenType files")
    parser.add_argument("--count", type=int, default=500, help="number of lines (default: 500)")
    options = parser.parse_args()
    fonts = [ImageFont.truetype(name, 2 * HEIGHT) for name in options.fonts]
    texts = [path.read_text().strip() for path in sorted(options.folder.rglob("*.gt.txt"))]
    generator = np.random.default_rng(0)
    options.new_folder.mkdir(parents=True)
    for number in range(options.count):
        text = texts[generator.integers(len(texts))].translate(ROMAN)
        text = unicodedata.normalize("NFC", text)
        image = printed(text, fonts[generator.integers(len(fonts))], generator)
        stem = options.new_folder / f"printed_{number:04}"
        image.save(stem.with_suffix(".png"))
        stem.with_suffix(".gt.txt").write_text(text + "\n")


def printed(text: str, font: ImageFont.FreeTypeFont, generator: np.random.Generator) -> Image.Image:
    """A line of black type on white, cut to its ink. Spaces, ink and width of letters differ."""
    letter_space, word_space = generator.uniform(0, 4), generator.uniform(-4, 14)
    spread = int(generator.integers(0, 4))
    image = Image.new("L", (150 * len(text), 4 * HEIGHT), 255)
    draw = ImageDraw.Draw(image)
    left = float(HEIGHT)
    for character in text:
        draw.text((left, HEIGHT), character, fill=0, font=font, stroke_width=spread)
        left += font.getlength(character) + letter_space + word_space * (character == " ")
    image = image.crop(Image.eval(image, lambda light: 255 - light).getbbox())
    width = image.width * generator.uniform(0.7, 1) * HEIGHT / image.height
    image = image.resize((max(2, round(width)), HEIGHT))
    # Scans of old prints are nearly black and white.
    contrast = generator.uniform(1.5, 4)
    return Image.eval(image, lambda light: round(np.clip((light - 128) * contrast + 128, 0, 255)))


if __name__ == "__main__":
    main()
