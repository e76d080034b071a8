"""Changes a line of text as printing and scanning do, so that a reader learns from more lines."""

import numpy as np
from PIL import Image, ImageFilter


def changed(line: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A line, ink 1 and paper 0, that is stretched, slanted, turned, and of other ink.

    Args:
        line: `(height, width)`, float32, from 0 to 1.
        generator: Decides about each change.

    Returns:
        A line of the same height, float32, from 0 to 1.
    """
    height, width = line.shape
    new_width = max(1, round(width * generator.uniform(0.92, 1.08)))
    slant = generator.uniform(-0.15, 0.15)
    # The ends of a line move by at most two pixels, whatever its length.
    slope = generator.uniform(-2, 2) / max(width / 2, 1)
    shift = generator.uniform(-1.5, 1.5)
    middle = height / 2, new_width / 2
    across, down = width / new_width, generator.uniform(0.95, 1.12)
    # Pillow asks where each new pixel comes from: x' = a x + b y + c, y' = d x + e y + f.
    top = shift - slope * middle[1] + (1 - down) * middle[0]
    places = (across, slant, -slant * middle[0], slope, down, top)
    image = Image.fromarray((line * 255).astype("uint8"))
    image = image.transform((new_width, height), Image.Transform.AFFINE, places, Image.BILINEAR)
    if generator.random() < 0.4:
        wider = ImageFilter.MaxFilter(3) if generator.random() < 0.5 else ImageFilter.MinFilter(3)
        image = Image.blend(image, image.filter(wider), generator.uniform(0, 0.6))
    pixels = np.asarray(image).astype("float32") / 255
    pixels = pixels ** np.exp(generator.uniform(-0.4, 0.4))
    noise = generator.normal(0, generator.uniform(0, 0.06), pixels.shape)
    # Behind the ink all is padding to a reader: noise there would teach it to answer late.
    noise[:, 1 + np.flatnonzero(pixels.any(axis=0)).max(initial=-1) :] = 0
    return np.clip(pixels + noise, 0, 1).astype("float32")
