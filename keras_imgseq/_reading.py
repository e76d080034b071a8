"""A reading: what one time step sees, and in which order the steps are read.

In einops' notation every reading is `b (gh ph) (gw pw) c -> b (gh gw) (ph pw c)`,
followed by one permutation of time.
"""

import dataclasses
import operator
from typing import Any

from keras_imgseq._orders import ORDERS

Size = tuple[int | None, int | None]
Step = str | int | tuple[int, int]

# The patch that each named step sees; None stands for the whole side of the image.
STEPS: dict[str, Size] = {
    "row": (1, None),
    "column": (None, 1),
    "pixel": (1, 1),
}


@dataclasses.dataclass(frozen=True)
class Reading:
    """Step and order together, checked."""

    step: Step = "row"
    order: str = "raster"
    transpose: bool = False
    reverse: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "step", _checked_step(self.step))
        if not isinstance(self.order, str) or self.order not in ORDERS:
            raise ValueError(
                f"Unknown order. Write one of {listed(ORDERS)}. Received: order={self.order!r}"
            )
        for name in ("transpose", "reverse"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise ValueError(f"`{name}` is True or False. Received: {name}={value!r}")

    def patch_size(self, image_size: Size) -> Size:
        """Height and width of a patch, in pixels; None where the image's own is unknown."""
        if isinstance(self.step, str):
            patch: Size = STEPS[self.step]
        elif isinstance(self.step, int):
            patch = (self.step, self.step)
        else:
            patch = self.step
        height, width = (side or whole for side, whole in zip(patch, image_size, strict=True))
        return height, width

    def grid_size(self, image_size: Size) -> Size:
        """Patches down and across; None where it follows from an unknown side."""
        sides = zip(("height", "width"), image_size, self.patch_size(image_size), strict=True)
        down, across = (self._num_patches(name, side, patch) for name, side, patch in sides)
        return down, across

    def num_steps(self, image_size: Size) -> int | None:
        """Number of time steps; None where it follows from an unknown side."""
        down, across = self.grid_size(image_size)
        return None if down is None or across is None else down * across

    def num_features(self, image_size: Size, num_channels: int) -> int:
        """Values in one time step; an unknown number is an error."""
        height, width = self.patch_size(image_size)
        if height is None or width is None:
            side = "height" if height is None else "width"
            raise ValueError(
                f"step={self.step!r} sees the whole {side} of the image, so the {side} must be "
                f"known: it decides the number of features. Received: image_size={image_size}. "
                f"Write the {side} as a number, or take a step that does not depend on it."
            )
        return height * width * num_channels

    def _num_patches(self, name: str, side: int | None, patch: int | None) -> int | None:
        if side == patch:
            return 1
        if patch is None or side is None:
            if patch == 1:
                return None
            raise ValueError(
                f"An unknown {name} may not be a multiple of the patch's {name} {patch}. "
                f"Received: step={self.step!r}. Write the {name} of the images as a number, "
                f"or take a step that is one pixel in {name}."
            )
        if side % patch:
            whole = side - side % patch
            crop = f"crop the images to {whole} or " if whole else ""
            raise ValueError(
                f"The patch's {name} {patch} does not divide the image's {name} {side}. "
                f"Received: step={self.step!r}. Write a step that divides it, or {crop}"
                f"pad them to {whole + patch} pixels in {name} first."
            )
        return side // patch


def listed(names: Any) -> str:
    return ", ".join(repr(name) for name in names)


def _checked_step(step: Any) -> Step:
    known = f"{listed(STEPS)}, an int or a pair of ints (patch_height, patch_width)"
    if isinstance(step, str):
        if step not in STEPS:
            raise ValueError(f"Unknown step. Write one of {known}. Received: step={step!r}")
        return step
    try:
        sides = [_whole_number(side) for side in (step if _is_pair(step) else (step, step))]
    except TypeError:
        raise ValueError(
            f"`step` is what one time step sees: {known}. Received: step={step!r}"
        ) from None
    if min(sides) < 1:
        raise ValueError(
            f"A patch has at least one pixel on each side. Received: step={step!r}. "
            f"Write positive numbers, such as step=4 or step=(1, 7)."
        )
    return (sides[0], sides[1]) if _is_pair(step) else sides[0]


def _whole_number(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    return operator.index(value)


def _is_pair(step: Any) -> bool:
    return isinstance(step, (tuple, list)) and len(step) == 2
