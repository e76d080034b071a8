"""The calls of the layers of a functional model, in an order in which they can run."""

from typing import Any, NamedTuple

import keras

# The name of a layer and the number of its call, and which of the results.
Call = tuple[str, int]
Place = tuple[str, int, int]


class Graph(NamedTuple):
    """Where the inputs and outputs stand, and each call with its layer and what it is given."""

    inputs: list[Place]
    calls: list[tuple[Call, Any, list[Place]]]
    outputs: list[Place]


def graph_of(model: keras.Model) -> Graph:
    """The calls as the configuration names them, those of a model in a model too."""
    config = keras.Model(model.inputs, model.outputs).get_config()
    inputs, outputs = _places(config["input_layers"]), _places(config["output_layers"])
    calls = [
        (layer["name"], _places(node))
        for layer in config["layers"]
        for node in layer["inbound_nodes"]
    ]
    # Keras counts the calls of a model from 1, and those of other layers from 0.
    results = [place for _, places in calls for place in places]
    named = sorted({place[:2] for place in [*results, *outputs]})
    numbers = {name: [number for other, number in named if other == name] for name, _ in calls}
    layers = {layer.name: layer for layer in model.operations}
    waiting = [((name, numbers[name].pop(0)), layers[name], places) for name, places in calls]
    known, ordered = {place[:2] for place in inputs}, []
    while waiting:
        ready = [one for one in waiting if all(place[:2] in known for place in one[2])]
        ordered += ready
        known |= {call for call, *_ in ready}
        waiting = [one for one in waiting if one[0] not in known]
    return Graph(inputs, ordered, outputs)


def _places(config: Any) -> list[Place]:
    """The places of tensors in a configuration."""
    if isinstance(config, dict):
        if config.get("class_name") == "__keras_tensor__":
            return [tuple(config["config"]["keras_history"])]
        # In the order in which Keras flattens dicts.
        config = [config[key] for key in sorted(config)]
    if not isinstance(config, (list, tuple)):
        return []
    if len(config) == 3 and isinstance(config[0], str) and isinstance(config[1], int):
        return [tuple(config)]
    return [place for part in config for place in _places(part)]
