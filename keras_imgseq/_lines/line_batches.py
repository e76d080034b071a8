"""Batches of text lines for training."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt

from keras_imgseq._lines.alphabet import encoded, listed, padded
from keras_imgseq._lines.decoding import RULE_OF_STEPS, steps_needed
from keras_imgseq._lines.line_image import Line, all_prepared, end_of_ink
from keras_imgseq._lines.line_reader import LineReader
from keras_imgseq._lines.widths import WIDTH_UNIT, stacked, widths_of_set
from keras_imgseq._reading import arguments

# How much wider an augmented line may be.
ROOM = 1.1
Augment = Callable[[Line, np.random.Generator], Line]


class LineBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Puts images of text lines and their texts into batches for `LineReader.fit`.

    Lines of similar width come into one batch, in few distinct widths, because each width is
    compiled once. Each line has its turn, and at most one batch of an epoch holds fewer lines than
    the others. The first two batches have different widths, where there are two.

    Args:
        images: A list of arrays of one line each, as `LineReader.prepare` takes them.
        texts: A list of strings, the text of each image. Empty texts are allowed.
        reader: The `LineReader` that prepares the images and encodes the texts.
        batch_size: Number of lines of a batch.
        shuffle: Whether lines and batches are mixed anew in each epoch.
        seed: The seed of the mixing and of `augment`, a whole number from 0.
        too_long: What to do with a text that needs more steps than its image has: `"error"`, or
            `"skip"` to leave such lines out and print how many.
        devices: Number of devices that share each batch. All batches then hold a multiple of
            `devices` lines. Lines that are left over are taken in another epoch, and counted in a
            printed sentence.
        augment: A function of one prepared line and a `numpy.random.Generator` that returns a
            changed line, `(height, width)`, ink 1, paper 0. The generator depends on the seed,
            the epoch and the line alone. A line that becomes too short for its text, or more than
            a tenth wider, is taken as it was.
        **kwargs: Arguments of `keras.utils.PyDataset`, such as `workers`.

    Raises:
        ValueError: If an argument is none of the above, if the numbers of images and texts
            differ, if an image or a text cannot be used, or if a text needs more steps than its
            image has. The line is named.

    Examples:
        >>> import numpy as np
        >>> from keras_imgseq import LineBatches, LineReader
        >>> reader = LineReader("abc", height=16, units=4)
        >>> noise = np.random.default_rng(0)
        >>> images = [noise.integers(0, 256, (16, width), "uint8") for width in (60, 40, 100)]
        >>> batches = LineBatches(images, ["ab", "c", "abba"], reader, batch_size=2)
        >>> sorted((lines.shape, labels.shape) for lines, labels in (batches[0], batches[1]))
        [((1, 16, 128), (1, 4)), ((2, 16, 64), (2, 4))]
    """

    def __init__(
        self,
        images: Sequence[Any],
        texts: Sequence[str],
        reader: LineReader,
        batch_size: int = 16,
        *,
        shuffle: bool = True,
        seed: int = 0,
        too_long: Literal["error", "skip"] = "error",
        augment: Augment | None = None,
        devices: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        meaning = "the number of lines of a batch. Write batch_size=16"
        self.batch_size = arguments.count("batch_size", batch_size, meaning)
        meaning = "the number of devices that share each batch. Write devices=1"
        devices = arguments.count("devices", devices, meaning)
        if self.batch_size % devices:
            raise ValueError(
                "Each device takes the same number of lines of a batch. Received: "
                f"batch_size={self.batch_size}, devices={devices}. Write a batch_size that "
                f"{devices} divides."
            )
        self._shuffle = arguments.flag("shuffle", shuffle)
        if not arguments.is_whole_number(seed) or seed < 0:
            raise ValueError(
                f"`seed` is a whole number from 0. Received: seed={arguments.shown(seed)}."
            )
        self._seed = int(seed)
        if not isinstance(reader, LineReader):
            raise ValueError(
                "`reader` is the LineReader that reads the lines. Received: "
                f"reader={arguments.shown(reader)}. Write LineReader(alphabet)."
            )
        skips = arguments.choice("too_long", too_long, ("error", "skip")) == "skip"
        if augment is not None and (isinstance(augment, type) or not callable(augment)):
            raise ValueError(
                "`augment` is a function of one line and a numpy.random.Generator. Received: "
                f"augment={arguments.shown(augment)}."
            )
        self._augment = augment
        self._step_width: int = reader.step_width
        # The reader that is trained with them compares it.
        self.made_for = reader.alphabet, reader.height, reader.step_width
        texts = listed(texts)
        lines = all_prepared(images, reader.height)
        if len(lines) != len(texts) or not lines:
            raise ValueError(
                "Each image has one text. Received: "
                f"{len(lines)} images and {len(texts)} texts. Write two lists of equal length, "
                "with at least one line."
            )
        labels = encoded(texts, reader.alphabet)
        kept = []
        for number, (line, label) in enumerate(zip(lines, labels, strict=True)):
            if steps_needed(label) <= self._steps_of(line):
                kept.append(number)
            elif not skips:
                raise ValueError(self._too_long(number, texts[number], line, label))
        if not kept:
            raise ValueError(
                f"No line is left: the images of all {len(lines)} have too few steps for their "
                "texts, or no ink. Write images of one line each, and the text of that line."
            )
        if len(kept) < len(lines):
            left = sorted(set(range(len(lines))) - set(kept))
            named = ", ".join(
                f"{number} ({arguments.shown(texts[number])}"
                f"{'' if lines[number].any() else ', no ink'})"
                for number in left[:3]
            )
            print(
                f"{len(left)} of {len(lines)} lines are left out: their images have too few steps "
                f"for their texts, or no ink. Number {named}{', ...' if len(left) > 3 else ''}."
            )
        self._num_taken = len(kept) - len(kept) % devices
        if not self._num_taken:
            raise ValueError(
                f"There are fewer lines than devices. Received: {len(kept)} lines, "
                f"devices={devices}. Write fewer devices, or give more lines."
            )
        if self._num_taken < len(kept):
            print(
                f"{len(kept) - self._num_taken} of {len(kept)} lines are left out of each epoch, "
                f"so that each of {devices} devices takes the same number."
            )
        self._lines = [lines[number] for number in kept]
        self._needed = [steps_needed(labels[number]) for number in kept]
        self._labels = padded([labels[number] for number in kept])
        # Room for an augmented line that is wider.
        room = 1.0 if augment is None else ROOM
        widths = [int(line.shape[1] * room) for line in self._lines]
        self._widths_of_set = widths_of_set(widths)
        self._widths = [self._held(width) for width in widths]
        is_shaped = keras.backend.backend() == "tensorflow"
        self._can_differ = is_shaped and (augment is not None or len(set(self._widths)) > 1)
        self.begin_at(0)

    def begin_at(self, epoch: int) -> None:
        """Takes the order and the changes of an epoch, which depend on the seed and on it alone.

        Keras' `fit` ends an epoch before its first one. To go on with a training, call this in
        `on_epoch_begin` of a callback.

        Args:
            epoch: Number of the epoch, from 0.
        """
        self._epoch = epoch
        self._batches = self._mixed()

    def on_epoch_end(self) -> None:
        self.begin_at(self._epoch + 1)

    @property
    def num_batches(self) -> int:
        """Number of batches of an epoch."""
        return -(-self._num_taken // self.batch_size)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
        places = self._batches[index]
        # TensorFlow keeps the shapes of a single batch, and another epoch may leave others out.
        held = self._widths if self.num_batches == 1 else [self._widths[place] for place in places]
        most = max(held)
        lines = [self._line(place, most) for place in places]
        # TensorFlow takes the shapes from the first two: those keep their different widths.
        width = most if index < 2 else max(self._held(line.shape[1]) for line in lines)
        if index == 1 and self._can_differ:
            first = max(self._widths[place] for place in self._batches[0])
            width += WIDTH_UNIT * (width == first)
        return stacked(lines, width), self._labels[places]

    def _held(self, width: int) -> int:
        """The smallest width of the set that holds a line."""
        return next(held for held in self._widths_of_set if held >= width)

    def _line(self, place: int, most: int) -> Line:
        line = self._lines[place]
        if self._augment is None:
            return line
        generator = np.random.default_rng((self._seed, self._epoch, place))
        changed = np.asarray(self._augment(line.copy(), generator), "float32")
        if changed.ndim != 2 or len(changed) != len(line):
            raise ValueError(
                f"`augment` returns a line of {len(line)} pixels of height. Received: "
                f"shape={changed.shape}. Write a function that keeps the height."
            )
        if not changed.size or not (changed.min() >= 0 and changed.max() <= 1):
            raise ValueError(
                "`augment` returns a line with ink 1 and paper 0, and what lies between. Received: "
                f"shape={changed.shape}, {_range_of(changed)}. Write np.clip(line, 0, 1)."
            )
        most = min(most, int(line.shape[1] * ROOM))
        fits = changed.shape[1] <= most and self._steps_of(changed) >= self._needed[place]
        return changed if fits else line

    def _mixed(self) -> list[list[int]]:
        """The places of the lines of each batch."""
        generator = np.random.default_rng((self._seed, self._epoch))
        order = np.arange(len(self._lines))
        if self._shuffle:
            order = generator.permutation(order)
        else:
            # Other lines are left over each time.
            order = np.roll(order, self._epoch * (len(order) - self._num_taken))
        order = order[: self._num_taken]
        widths = np.array(self._widths)
        order = order[np.argsort(widths[order], kind="stable")]
        batches = [
            order[start : start + self.batch_size].tolist()
            for start in range(0, len(order), self.batch_size)
        ]
        if self._shuffle:
            batches = [batches[number] for number in generator.permutation(len(batches))]
        # TensorFlow takes the shapes of a dataset from its first two batches.
        wide = [max(widths[batch]) for batch in batches]
        other = next((number for number, width in enumerate(wide) if width != wide[0]), None)
        if other is not None:
            batches[1], batches[other] = batches[other], batches[1]
        return batches

    def _steps_of(self, line: Line) -> int:
        """The steps up to the last ink: paper at the end of a line is padding to the reader."""
        return -(-end_of_ink(line) // self._step_width)

    def _too_long(self, number: int, text: str, line: Line, label: list[int]) -> str:
        needed = steps_needed(label)
        received = (
            f"{RULE_OF_STEPS} Received: texts[{number}]={arguments.shown(text)}, which "
            f"needs {needed} steps. Its image has"
        )
        if not line.any():
            return (
                f"{received} no ink: nothing in it differs from its border by 1/16 of the range "
                "from black to white. Check that image and text belong together, give the image "
                'more contrast, or write too_long="skip".'
            )
        return (
            f"{received} {self._steps_of(line)}: at the reader's height "
            f"it is {line.shape[1]} pixels wide, and its ink ends after {end_of_ink(line)}. The "
            f"ink must end after {(needed - 1) * self._step_width + 1} pixels or more. Check that "
            "image and text belong together, write smaller pool widths, or "
            'too_long="skip".'
        )


def _range_of(line: npt.NDArray[Any]) -> str:
    return f"with values from {line.min():g} to {line.max():g}" if line.size else "with no values"
