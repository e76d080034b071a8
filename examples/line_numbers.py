"""Writes numbers of 2 to 8 digits with the digits of MNIST."""

import numpy as np

# As wide as a digit of MNIST with its margins. A gap below 0 lets two digits touch.
SIZE = 28
SMALLEST_GAP, LARGEST_GAP = -10, 6
MOST_SHIFT = 4


def write_numbers(
    digits: np.ndarray, labels: np.ndarray, count: int, seed: int
) -> tuple[list[np.ndarray], list[str]]:
    """Images of numbers, white on black as MNIST is, and their texts.

    Args:
        digits: Images of single digits, `(digits, 28, 28)`, uint8.
        labels: The digit of each image.
        count: How many numbers to write.
        seed: Decides which digits, gaps and shifts.
    """
    generator = np.random.default_rng(seed)
    images, texts = [], []
    for _ in range(count):
        places = generator.integers(0, len(digits), generator.integers(2, 9))
        image = np.zeros((SIZE + 2 * MOST_SHIFT, len(places) * (SIZE + LARGEST_GAP)), "uint8")
        left = end = 0
        for place in places:
            top = generator.integers(0, 2 * MOST_SHIFT + 1)
            part = image[top : top + SIZE, left : left + SIZE]
            np.maximum(part, digits[place], out=part)
            end = left + SIZE
            left = end + generator.integers(SMALLEST_GAP, LARGEST_GAP + 1)
        images.append(image[:, :end])
        texts.append("".join(str(labels[place]) for place in places))
    return images, texts
