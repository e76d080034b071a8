"""Feeds a network with an image that is still being taken."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from keras_imgseq._network.step_model import StepGraph
from keras_imgseq._reading import arguments

OF_A_STREAM = "Write the `states` of a stream of the same network and the same number of cameras."


class Stream:
    """Answers after each row of an image that is still being taken, for one camera or several.

    The states of the network are kept between the calls, for each camera its own. After the last
    part of an image the answer is that of `model.predict`.

    Args:
        model: A network of `build_image_rnn`, as `build_step_model` takes it, or what that makes.
        cameras: Number of cameras.

    Raises:
        ValueError: If the network cannot be streamed, as in `build_step_model`, or if `cameras`
            is no positive int.

    Examples:
        >>> import numpy as np
        >>> import keras_imgseq
        >>> model = keras_imgseq.build_image_rnn((28, 28), 10)
        >>> stream = keras_imgseq.Stream(model)
        >>> image = np.zeros((28, 28), "float32")
        >>> for row in image:
        ...     answer = stream.feed(row)
        >>> answer.shape
        (10,)
        >>> bool(np.allclose(answer, model.predict(image[None], verbose=0)[0], atol=1e-5))
        True
    """

    def __init__(self, model: keras.Model, cameras: int = 1) -> None:
        meaning = "the number of cameras. Write cameras=1"
        self.cameras = arguments.count("cameras", cameras, meaning)
        self._step = model if hasattr(model, "step_graph") else StepGraph(model).built()
        graph = self._step.step_graph
        self._num_lines = graph.parts.num_lines
        part = self._step.inputs[0]
        self._line_shape = tuple(part.shape[1:] if self._num_lines == 1 else part.shape[2:])
        self._dtype = part.dtype
        self._states = graph.initial_states(self.cameras)

    @property
    def states(self) -> list[npt.NDArray[Any]]:
        """The states of all cameras: NumPy arrays, `(cameras, units)`, that can be saved."""
        # NumPy's files know no bfloat16.
        return [
            state.astype("float32" if state.dtype.name == "bfloat16" else state.dtype)
            for state in self._states
        ]

    @states.setter
    def states(self, states: Any) -> None:
        # What np.load opens of a file that np.savez wrote.
        if isinstance(states, Mapping):
            states = list(states.values())
        is_list = isinstance(states, (list, tuple))
        given = [_as_numbers(state, "A state", OF_A_STREAM) for state in states] if is_list else []
        expected = [state.shape for state in self._states]
        if [state.shape for state in given] != expected:
            found = [state.shape for state in given] if is_list else arguments.shown(states)
            raise ValueError(
                f"The states of this network are a list of arrays of {expected}. Received: "
                f"{found}. {OF_A_STREAM}"
            )
        self._states = [
            state.astype(kept.dtype) for state, kept in zip(given, self._states, strict=True)
        ]

    def reset(self, camera: int | None = None) -> None:
        """Begins a new image.

        Args:
            camera: Number of the camera, from 0, or `None` for all.
        """
        places: Any = slice(None) if camera is None else self._checked_camera(camera)
        # Made anew: a cell may begin with a state that was trained since.
        begun = self._step.step_graph.initial_states(self.cameras)
        for state, initial in zip(self._states, begun, strict=True):
            state[places] = initial[places]

    def feed(self, part: Any, camera: int | None = None) -> npt.NDArray[Any]:
        """Takes the next part of each camera's image, and returns the answers so far.

        Args:
            part: An array of the next line of each camera, `(cameras, width)` for rows and
                `(cameras, height)` for columns, with the channels where they stand in the image.
                Several lines lie along axis 1, `(cameras, lines, width)`. Patches of `p` lines
                take a multiple of `p`. With one camera the first axis may be left out.
            camera: Number of the only camera that the part is of, from 0, or `None` for all. Then
                the axis of cameras is left out.

        Returns:
            `(cameras, classes)`, without the first axis where the part has none. For several
            parts, `(cameras, parts, classes)`. A network with `return_sequences=True` answers at
            each step of a part.

        Raises:
            ValueError: If the array has another shape, or lines that are no whole part.
        """
        lines, has_cameras, is_line = self._checked_lines(part, camera)
        answers = []
        for start in range(0, lines.shape[1], self._num_lines):
            answers.append(self._answer(lines[:, start : start + self._num_lines], camera))
        is_stepwise = answers[0].ndim == 3
        is_one = is_line or (self._num_lines > 1 and len(answers) == 1)
        if is_stepwise:
            answer = np.concatenate(answers, axis=1)
        else:
            answer = answers[0] if is_one else np.stack(answers, axis=1)
        return answer if has_cameras else answer[0]

    def _answer(self, lines: npt.NDArray[Any], camera: int | None) -> npt.NDArray[Any]:
        """The answer after one part, of one camera or all. Its states are kept."""
        if camera is not None:
            # As many cameras as always, so that one step is compiled.
            lines = np.repeat(lines, self.cameras, axis=0)
        part = lines[:, 0] if self._num_lines == 1 else lines
        answer, *states = self._step.predict_on_batch([part, *self._states])
        places: Any = slice(None) if camera is None else slice(camera, camera + 1)
        for kept, new in zip(self._states, states, strict=True):
            kept[places] = new[places]
        return np.asarray(answer[places])

    def _checked_camera(self, camera: Any) -> int:
        if not arguments.is_whole_number(camera) or not 0 <= camera < self.cameras:
            raise ValueError(
                f"`camera` is the number of a camera, from 0 to {self.cameras - 1}, or None for "
                f"all. Received: camera={arguments.shown(camera)}."
            )
        return int(camera)

    def _checked_lines(self, part: Any, camera: Any) -> tuple[npt.NDArray[Any], bool, bool]:
        """`(cameras, lines, ...)`, whether it had an axis of cameras, and whether none of lines."""
        if camera is not None:
            self._checked_camera(camera)
        array = _as_numbers(part, "A part", "For example, write stream.feed(image[0]).")
        line = self._line_shape
        num_axes = array.ndim - len(line)
        is_alone = camera is not None or self.cameras == 1
        fits = array.shape[num_axes:] == line if num_axes >= 0 else False
        has_cameras = num_axes == 2 or (
            num_axes == 1 and self._num_lines == 1 and camera is None and len(array) == self.cameras
        )
        has_lines = num_axes == 2 or (num_axes == 1 and not has_cameras)
        if has_cameras:
            fits = fits and camera is None and len(array) == self.cameras
        else:
            fits = fits and is_alone and num_axes in (0, 1)
        lines = array if has_cameras else array[None]
        lines = lines if has_lines else lines[:, None]
        if not fits or lines.shape[1] % self._num_lines or not lines.shape[1]:
            raise ValueError(self._expected(array.shape, camera))
        return lines.astype(self._dtype), has_cameras, not has_lines

    def _expected(self, shape: tuple[int, ...], camera: Any) -> str:
        is_of_all = camera is None and self.cameras > 1
        cameras = (self.cameras,) if is_of_all else ()
        lines = (self._num_lines,) if self._num_lines > 1 else ()
        one = _as_text((*cameras, *lines, *self._line_shape))
        several = _as_text((*cameras, "lines", *self._line_shape))
        whose = "all cameras" if is_of_all else "one camera"
        multiple = f", a multiple of {self._num_lines} lines" if lines else ""
        received = "" if camera is None else f", camera={camera}"
        values = " x ".join(map(str, self._line_shape))
        cure = " For one camera alone, write feed(part, camera=0)." if is_of_all else ""
        return (
            f"A part of {whose} has the shape {one}, and several lines {several}{multiple}. "
            f"Received: shape={shape}{received}. Write lines of {values} values.{cure}"
        )


def _as_text(shape: tuple[Any, ...]) -> str:
    """A shape as it is written in code. An axis may be a word."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _as_numbers(part: Any, what: str, cure: str) -> npt.NDArray[Any]:
    if np.ma.is_masked(part):
        raise ValueError(
            f"{what} is an array of numbers, of which no place is masked. Received: a "
            f"{type(part).__name__}. Write {what.rsplit(maxsplit=1)[-1]}.filled(0), or another "
            "value for what is masked."
        )
    try:
        array = np.asarray(keras.ops.convert_to_numpy(part))
    except Exception as error:
        if hasattr(part, "detach"):
            cure = f"Write {what.rsplit(maxsplit=1)[-1]}.detach().cpu().float().numpy()."
        raise ValueError(
            f"{what} is an array of numbers. Received: {arguments.shown(part)}. {cure}"
        ) from error
    if array.dtype.name == "bfloat16":
        array = array.astype("float32")
    if array.dtype.kind not in "iufb":
        raise ValueError(
            f"{what} is an array of numbers. Received: an array of {array.dtype}. {cure}"
        )
    return array
