"""A reading: what one time step sees, and in which order the steps are read.

In einops' notation every reading is `b (gh ph) (gw pw) c -> b (gh gw) (ph pw c)`,
followed by one permutation of time.
"""

import dataclasses
from operator import index
from typing import Any

from keras_imgseq._reading import arguments
from keras_imgseq._reading.arguments import shown
from keras_imgseq._reading.orders import ORDERS, Path
from keras_imgseq._reading.reading_arguments import (
    STEPS,
    Size,
    checked_order,
    checked_seed,
    checked_step,
)
from keras_imgseq._reading.routes import PathArguments, Route, path_of, route_of

# Padding below and on the right leaves the order of the other cells as it is.
ORDERS_OF_PADDED_IMAGES = ("raster", "snake", "zigzag", "morton")
# Values of one step. More do not fit into memory.
MOST_FEATURES = 2**31


@dataclasses.dataclass(frozen=True)
class Reading:
    """Step and order together, checked."""

    step: Any = "row"
    order: Any = "raster"
    transpose: bool = False
    reverse: bool = False
    seed: int | None = None
    padding: str | None = None

    def __post_init__(self) -> None:
        def keep(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        keep("step", checked_step(self.step))
        keep("order", checked_order(self.order))
        keep("seed", checked_seed(self.seed, self.order))
        keep("transpose", arguments.flag("transpose", self.transpose))
        keep("reverse", arguments.flag("reverse", self.reverse))
        if self.padding is not None:
            otherwise = ", for zeros at the bottom and the right, or None"
            keep("padding", arguments.choice("padding", self.padding, ["same"], otherwise))

    @property
    def arguments(self) -> dict[str, Any]:
        """What it is made from, by name. A long order stays the object that was checked."""
        return dict(vars(self))

    @property
    def path_arguments(self) -> PathArguments:
        """What a path is made from, besides the size of the grid."""
        return self.order, self.transpose, self.reverse, self.seed

    def patch_size(self, image_size: tuple[Any, Any]) -> tuple[Any, Any]:
        """Height and width of a patch, in pixels, or None where the image's own is unknown."""
        if isinstance(self.step, str):
            patch = STEPS[self.step]
        elif isinstance(self.step, int):
            patch = (self.step, self.step)
        else:
            patch = self.step
        height, width = (
            whole if side is None else side for side, whole in zip(patch, image_size, strict=True)
        )
        return height, width

    def grid_size(self, image_size: Size) -> Size:
        """Patches down and across, or None where it follows from an unknown side."""
        if self.order not in ("raster", "snake"):
            # A path is of one size. torch.compile makes symbols of sizes that change.
            height, width = (None if side is None else index(side) for side in image_size)
            image_size = height, width
        sides = zip(("height", "width"), image_size, self.patch_size(image_size), strict=True)
        down, across = (self._num_patches(name, side, patch) for name, side, patch in sides)
        return down, across

    def num_steps(self, image_size: Size) -> int | None:
        """Number of time steps, or None where it follows from an unknown side."""
        grid = self.grid_size(image_size)
        self.route(grid)
        return None if grid[0] is None or grid[1] is None else grid[0] * grid[1]

    def num_features(self, image_size: Size, num_channels: int) -> int:
        """Values in one time step. An unknown number is an error."""
        height, width = self.patch_size(image_size)
        if height is None or width is None:
            side = "height" if height is None else "width"
            raise ValueError(
                f"step={self.step!r} sees the whole {side} of the image, so the {side} must be "
                f"known: it decides the number of features. Received: image_size={image_size}. "
                f"Write the {side} as a number, or take a step that does not depend on it."
            )
        num_features = index(height * width * num_channels)
        if num_features > MOST_FEATURES:
            raise ValueError(
                f"One step would hold {num_features} values. Received: step={shown(self.step)}. "
                "Write a smaller patch."
            )
        return num_features

    def route(self, grid_size: Size) -> Route:
        """How to read a grid. Computed once for each reading and size."""
        # A named path runs along a single row or column of any length.
        if 1 in grid_size and self.order in ORDERS:
            return Route(backwards=self.reverse)
        is_snake = self.order == "snake" and None in grid_size
        if self.order == "raster" or is_snake:
            return Route(self.transpose, self.reverse, is_snake)
        grid_height, grid_width = grid_size
        if grid_height is None or grid_width is None:
            raise ValueError(
                f"This order needs the size of the grid. Received: order={self._short_order()}, "
                f"grid={grid_size}. Write the height and width of the images as numbers, or take "
                'order="raster" or order="snake".'
            )
        return route_of(index(grid_height), index(grid_width), *self.path_arguments)

    def path(self, grid_height: int, grid_width: int) -> Path:
        """The cells of the grid, numbered in raster order, in the order of reading."""
        return path_of(self.path_arguments, grid_height, grid_width)

    def keeps_its_path_on_padded_images(self, grid_size: Size) -> bool:
        """Whether padding below and on the right leaves the order of the other cells as it is."""
        is_line = 1 in grid_size and self.order in ORDERS
        return is_line or self.order in ORDERS_OF_PADDED_IMAGES

    def _num_patches(self, name: str, side: int | None, patch: int | None) -> int | None:
        if side == patch:
            return 1
        if patch is None or side is None:
            if patch == 1 or self.padding == "same":
                return None
            raise ValueError(
                f"An unknown {name} may not be a multiple of the patch's {name} {patch}. "
                f"Received: step={self.step!r}. Write the {name} of the images as a number, "
                f'or padding="same", or take a step that is one pixel in {name}.'
            )
        if side % patch and self.padding is None:
            whole = side - side % patch
            crop = f"crop the images to {whole} or " if whole else ""
            raise ValueError(
                f"The patch's {name} {patch} does not divide the image's {name} {side}. "
                f'Received: step={self.step!r}. Write padding="same" to add zeros, or a step '
                f"that divides it, or {crop}pad them to {whole + patch} pixels in {name} first."
            )
        return -(-side // patch)

    def _short_order(self) -> str:
        return repr(self.order) if isinstance(self.order, str) else f"{len(self.order)} cells"
