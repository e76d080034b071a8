"""What a network can read of an image that is still being taken: parts, one after the other.

A part is as many lines as the patch is high, where a line is a row, or a column where columns are
read. `along` is the axis that lines arrive along: 0 for rows, 1 for columns.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.image_as_sequence import ImageAsSequence
from keras_imgseq._reading.orders import ORDERS
from keras_imgseq._reading.reading import Reading

LINES = ("row", "column")


@dataclasses.dataclass(frozen=True)
class Parts:
    """The parts that a network reads.

    Args:
        along: 0 where a line is a row, 1 where it is a column.
        line_length: Pixels of a line.
        num_lines: Lines of a part.
    """

    along: int
    line_length: int
    num_lines: int

    @property
    def image_size(self) -> tuple[int, int]:
        """`(height, width)` of a part as an image."""
        size = (self.num_lines, self.line_length)
        return size if self.along == 0 else (size[1], size[0])


def parts_of(layers: Sequence[ImageAsSequence], image_size: Any) -> Parts:
    """The parts that all readings of a network can read.

    Raises:
        ValueError: If a reading needs more of the image than a part. The message says why.
    """
    axes = [_streamed_axis(layer, image_size) for layer in layers]
    if len(set(axes)) > 1:
        ways = [f"{layer.name!r} by {LINES[n]}s" for layer, n in zip(layers, axes, strict=True)]
        raise ValueError(
            "A stream gives rows or columns, and not both. Received: the readings "
            f"{', '.join(ways)}. Train a network with readings of one direction."
        )
    along = axes[0]
    line_length = image_size[1 - along]
    if line_length is None:
        side = ("width", "height")[along]
        raise ValueError(
            f"A line of the image has a known length. Received: images of unknown {side}. Write "
            f"the {side} as a number in build_image_rnn."
        )
    patches = [layer.reading.patch_size(image_size)[along] for layer in layers]
    return Parts(along, line_length, math.lcm(*(patch or 1 for patch in patches)))


def turns(reading: Reading, parts: Parts) -> bool:
    """Whether the next part is read the other way round, as in a snake."""
    down, across = reading.grid_size(parts.image_size)
    lines = (down, across)[parts.along] or 1
    cells = (down, across)[1 - parts.along] or 1
    return reading.order == "snake" and cells > 1 and lines % 2 == 1


def _streamed_axis(layer: ImageAsSequence, image_size: Any) -> int:
    """The axis along which a reading takes lines in the order in which they arrive."""
    reading = layer.reading
    if reading.reverse:
        raise ValueError(
            "A stream cannot be read backwards: the end of the image comes last. Received: the "
            f"reading {layer.name!r} with reverse=True. Train a network with "
            'reverse=False in all its readings, and not "cross".'
        )
    if layer.mask_value is not None:
        raise ValueError(
            "A stream has no padding: which rows are padding is known at the end of the image. "
            f"Received: the reading {layer.name!r} with mask_value={layer.mask_value}. Train a "
            "network without `mask_value`."
        )
    grid = reading.grid_size(image_size)
    is_line = 1 in grid and reading.order in ORDERS
    if reading.order not in ("raster", "snake") and not is_line:
        which = "this order needs" if isinstance(reading.order, str) else "a list of cells may need"
        raise ValueError(
            f"A stream sends one line after the other, and {which} later lines first. "
            f"Received: the reading {layer.name!r} with order={shown(reading.order)}. Train a "
            'network with order="raster" or "snake".'
        )
    along = int(grid[1] != 1) if is_line else int(reading.transpose)
    side, patch = image_size[along], reading.patch_size(image_size)[along]
    if side is not None and patch is not None and side % patch:
        name = ("height", "width")[along]
        raise ValueError(
            'padding="same" adds zeros at the end of the image, which a stream never sends. '
            f"Received: the reading {layer.name!r} with patches of {patch} pixels in {name}, for "
            f"images of {side}. Train a network on images whose {name} is a multiple of {patch}."
        )
    return along
