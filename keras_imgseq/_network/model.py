"""The model that the factory returns."""

from collections.abc import Iterator
from typing import Any

import keras

from keras_imgseq._network.given_images import check_images, check_shape
from keras_imgseq._reading.masks import is_of_pixels

# By their names: not every version of Keras has all of them.
PROBABILITIES = ("softmax", "sigmoid", "hard_sigmoid", "sparse_sigmoid", "sparsemax")


@keras.saving.register_keras_serializable(package="keras_imgseq")
class ImageRNN(keras.Model):  # type: ignore[misc]
    """A functional model that names the cure where Keras' own words would not help."""

    # In another model its layers read the mask of the images. Without this method, Keras would
    # say that the mask is lost.
    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """None: answers at every step have the mask of their layers."""

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Answers as `keras.Model`. Images of another size are refused."""
        if not isinstance(inputs, keras.KerasTensor):
            check_shape(self, getattr(inputs, "shape", None))
        return super().__call__(inputs, *args, **kwargs)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Answers as `keras.Model`. A mask of frames, as TimeDistributed has, is not of pixels."""
        is_of_images = all(map(is_of_pixels, keras.tree.flatten(mask)))
        return super().call(inputs, training=training, mask=mask if is_of_images else None)

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Trains as `keras.Model`. Images of another form are refused."""
        check_images(self, x)
        return super().fit(x, *args, **kwargs)

    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Evaluates as `keras.Model`. Images of another form are refused."""
        check_images(self, x)
        return super().evaluate(x, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Predicts as `keras.Model`. Images of another form are refused."""
        check_images(self, x)
        return super().predict(x, *args, **kwargs)

    def train_on_batch(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Trains as `keras.Model`. Images of another form are refused."""
        check_images(self, x)
        return super().train_on_batch(x, *args, **kwargs)

    def test_on_batch(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Evaluates as `keras.Model`. Images of another form are refused."""
        check_images(self, x)
        return super().test_on_batch(x, *args, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        """Predicts as `keras.Model`. Images of another form are refused."""
        check_images(self, x)
        return super().predict_on_batch(x)

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        """Compiles as `keras.Model`, which knows the other arguments."""
        if gives_probabilities(self.layers[-1]) and any(map(is_ctc, keras.tree.flatten(loss))):
            raise ValueError(
                "CTC takes logits and makes probabilities of them itself. Received: "
                f"loss={loss!r} for a network that ends in probabilities. Write "
                "build_image_rnn(..., classifier_activation=None)."
            )
        has_mask = any(getattr(layer, "mask_value", None) is not None for layer in self.layers)
        if has_mask and len(self.output_shape) == 3 and any(map(is_ctc, keras.tree.flatten(loss))):
            raise ValueError(
                "CTC knows no mask: it would count padding, and Keras would multiply its loss with "
                f"the mask. Received: loss={loss!r} for a network with `mask_value`. Write "
                "keras.Model(model.input, BlankPadding()(model.output)) and compile that."
            )
        super().compile(optimizer, loss, *args, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a loaded model, which Keras does only where `compile` is its own."""
        compile_as_saved(self, config)

    def export(
        self, filepath: Any, format: str = "tf_saved_model", *args: Any, **kwargs: Any
    ) -> None:
        """Exports as `keras.Model`. Images of unknown size are refused on PyTorch."""
        check_steps_of_export(self, format, *args, **kwargs)
        super().export(filepath, format, *args, **kwargs)


def compile_as_saved(model: keras.Model, config: dict[str, Any]) -> None:
    """Compiles a loaded model whose class has a `compile` of its own."""
    # Not `model.compile`, which may refuse today what was saved once.
    keras.Model.compile(model, **keras.saving.deserialize_keras_object(config))
    if model.optimizer is not None and model.built:
        model.optimizer.build(model.trainable_variables)


def check_steps_of_export(
    model: keras.Model,
    format: str,
    verbose: Any = None,
    input_signature: Any = None,
    **kwargs: Any,
) -> None:
    """Refuses images of unknown size on PyTorch, whose file would be right for one size alone."""
    if keras.backend.backend() != "torch":
        return
    specs = keras.tree.flatten(model.inputs if input_signature is None else input_signature)
    for spec in specs:
        shape = tuple(getattr(spec, "shape", None) or ())
        if None in shape[1:]:
            known = (shape[0], *(size or 100 for size in shape[1:]))
            elsewhere = ", or save the model, load it with KERAS_BACKEND=tensorflow, and export it"
            raise ValueError(
                "From PyTorch, a file holds a fixed number of steps. Received: "
                f"format={format!r} for images of {shape}. Write their size, as in "
                f'input_signature=[keras.InputSpec(shape={known}, dtype="{spec.dtype}")]'
                f"{elsewhere if format == 'onnx' else ''}."
            )


def gives_probabilities(layer: Any) -> bool:
    """Whether a last layer answers in probabilities, as far as its activation has a name."""
    if isinstance(layer, (keras.layers.RNN, keras.layers.Bidirectional)):
        return False
    activation = layer
    # An activation may be a layer with an activation.
    while isinstance(activation, keras.layers.Layer) and hasattr(activation, "activation"):
        activation = activation.activation
    is_softmax = isinstance(activation, keras.layers.Softmax)
    return is_softmax or getattr(activation, "__name__", None) in PROBABILITIES


def is_ctc(loss: Any) -> bool:
    """Whether a loss, by its name or as an object, is Keras' CTC."""
    is_name = isinstance(loss, str) and loss.lower() == "ctc"
    return is_name or loss is keras.losses.ctc or isinstance(loss, keras.losses.CTC)


def all_layers(model: keras.Model) -> Iterator[Any]:
    """The layers of a model and of the networks in it, in their order."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)
        else:
            yield layer
