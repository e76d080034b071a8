"""The layer that makes CTC exact on padded sequences."""

from typing import Any

import keras
from keras import ops

from keras_imgseq._reading.array_libraries import static_shape
from keras_imgseq._reading.given_arrays import layer_input

BLANK_LOGIT = 0.0
OTHER_LOGITS = -10_000.0


@keras.saving.register_keras_serializable(package="keras_imgseq")
class BlankPadding(keras.layers.Layer):  # type: ignore[misc]
    """Turns masked steps into a certain blank, so that CTC does not count padding.

    `keras.losses.CTC` and `keras.ops.ctc_decode` know no mask and no lengths: they take every
    padded step as real. A step that is certain to be blank changes neither the loss nor the text.
    Put this layer behind the logits of any CTC network. Where the mask says padding, the logit of
    the blank, class 0, becomes 0 and all others become -10,000. The mask ends here, because
    Keras would apply it to the loss.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Input shape:
        Logits, `(batch, steps, classes)`, floats. Class 0 is the blank.

    Output shape:
        The same shape and dtype.

    Raises:
        ValueError: If the input is not of three axes, or has less than two classes.

    References:
        Alex Graves et al., "Connectionist Temporal Classification" (ICML 2006)

    Examples:
        >>> import keras
        >>> import numpy as np
        >>> from keras_imgseq import BlankPadding
        >>> logits = np.ones((1, 3, 2), "float32")
        >>> padded = BlankPadding()(logits, mask=np.array([[True, True, False]]))
        >>> keras.ops.convert_to_numpy(padded)[0].tolist()
        [[1.0, 1.0], [1.0, 1.0], [0.0, -10000.0]]
    """

    def __init__(self, **kwargs: Any) -> None:
        # Autocasting would change the logits.
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True

    def __call__(self, logits: Any, *args: Any, **kwargs: Any) -> Any:
        logits = layer_input(logits, "logits")
        dtype = keras.backend.standardize_dtype(logits.dtype)
        if "float" not in dtype:
            raise ValueError(
                f"Logits are floats. Received: {dtype}. Write this layer behind a Dense "
                "layer that answers at every step."
            )
        return super().__call__(logits, *args, **kwargs)

    def build(self, input_shape: Any) -> None:
        if len(input_shape) != 3 or (input_shape[-1] or 2) < 2:
            raise ValueError(
                "Logits are (batch, steps, classes), with the blank and at least one other class. "
                f"Received: shape={tuple(input_shape)}. Write this layer behind a Dense layer that "
                "answers at every step."
            )

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, logits: Any, mask: Any = None) -> Any:
        return keras.KerasTensor(logits.shape, logits.dtype)

    def call(self, logits: Any, mask: Any = None) -> Any:
        if mask is None:
            return logits
        if isinstance(mask, (list, tuple)):
            mask = ops.convert_to_tensor(mask, "bool")
        self._check_mask(static_shape(mask), static_shape(logits))
        is_other = ops.cast(ops.arange(0, ops.shape(logits)[-1]) > 0, logits.dtype)
        blank = BLANK_LOGIT + is_other * (OTHER_LOGITS - BLANK_LOGIT)
        return ops.where(ops.cast(mask, "bool")[..., None], logits, blank)

    def _check_mask(self, received: Any, of_logits: Any) -> None:
        sides = zip(received, of_logits[:2], strict=False)
        if len(received) != 2 or any(None not in pair and pair[0] != pair[1] for pair in sides):
            raise ValueError(
                "The mask of logits tells which steps are real, (batch, steps). Received: a mask "
                f"of shape {received} for logits of shape {of_logits}. Write a mask of shape "
                f"{of_logits[:2]}."
            )

    def compute_mask(self, logits: Any, previous_mask: Any = None) -> None:
        return None
