"""Finds defects in a web of material while it goes by under a line camera, row by row.

Without arguments it makes its own material, trains, and reads a new web. --help lists the options.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from command_line import Parser, in_epochs, run
from kept_file import KeptFile
from scan_report import OnnxStream, scan
from scanned_web import WIDTH, make_web

# Each web has threads and light of its own.
NUM_TRAINING_WEBS, NUM_VALIDATION_WEBS, ROWS_OF_A_WEB = 80, 4, 3000
# Rows that the network is trained on at once.
NUM_ROWS = 300
BATCH_SIZE, LEARNING_RATE = 16, 0.003
EXAMPLES = """examples:
  python examples/line_scan.py --save step.onnx
  python examples/line_scan.py --onnx step.onnx

The first trains and writes the step of its network. The second reads the same web with that file,
without Keras. In a terminal each row is shown as it is read. The first takes about a minute on two
CPU cores with TensorFlow, its start included."""


def main(arguments: list[str] | None = None) -> None:
    """Trains and reads a web, or only reads one with an exported step."""
    options = parsed(arguments)
    web = make_web(options.rows, (options.seed, 2))
    if options.onnx:
        scan(web, OnnxStream(options.onnx, WIDTH).feed)
        return
    saved = options.save and KeptFile(options.save)
    network = built(options)
    from keras_imgseq import Stream, build_step_model

    def export(path: Path) -> None:
        build_step_model(network).export(path, format="onnx", verbose=False)

    if saved:
        saved.try_out(export)
    trained = train(network, options)
    if saved and not saved.stays(trained.num_epochs):
        saved.write(export)
        print(f"Saved the step as {saved.path}")
    if trained.was_stopped:
        print("Stopped.")
        trained.end()
    print(f"Reading a new web of {len(web.rows):,} rows.", flush=True)
    stream = Stream(network)
    # The first call compiles.
    stream.feed(web.rows[0])
    stream.reset()
    scan(web, stream.feed)


def built(options: argparse.Namespace) -> Any:
    """A network that says for each row whether a defect is in it."""
    import keras

    from keras_imgseq import build_image_rnn

    keras.utils.set_random_seed(options.seed)
    network = build_image_rnn(
        (NUM_ROWS, WIDTH),
        1,
        units=options.units,
        cell="gru",
        return_sequences=True,
        classifier_activation="sigmoid",
    )
    network.compile(keras.optimizers.Adam(LEARNING_RATE), "binary_crossentropy")
    return network


def train(network: Any, options: argparse.Namespace) -> Any:
    """Trains the network, and says how that went."""
    import keras
    from training_run import Shuffled
    from training_run import train as train_network

    training = windows(NUM_TRAINING_WEBS, (options.seed, 0))
    validation = windows(NUM_VALIDATION_WEBS, (options.seed, 1))
    print(
        f"Training {network.count_params():,} weights on {NUM_TRAINING_WEBS} webs of "
        f"{ROWS_OF_A_WEB:,} rows for {in_epochs(options.epochs)}, with "
        f"{keras.backend.backend()}. The first epoch begins with some seconds of set-up.",
        flush=True,
    )
    return train_network(
        network,
        Shuffled(*training, BATCH_SIZE, options.seed),
        epochs=options.epochs,
        validation_data=validation,
    )


def windows(num_webs: int, seed: tuple[int, int]) -> tuple[Any, Any]:
    """Pieces of webs, `(pieces, 300, 64)`, and the label of each row, `(pieces, 300, 1)`."""
    webs = [make_web(ROWS_OF_A_WEB, (*seed, number)) for number in range(num_webs)]
    rows = np.concatenate([web.rows for web in webs])
    labels = np.concatenate([web.labels() for web in webs])
    return rows.reshape(-1, NUM_ROWS, WIDTH), labels.reshape(-1, NUM_ROWS, 1)


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The options, with what can be wrong in them found at once."""
    parser = Parser(
        description="Finds defects in a web of material while it goes by under a line camera.",
        epilog=EXAMPLES,
    )
    parser.add_numbers(
        ("--rows", 1, 10**6, 3000, "the rows of the web that is read"),
        ("--epochs", 1, 10**6, 12, "how often all training rows are trained on"),
        ("--units", 1, 4096, 64, "the size of the network's state"),
        ("--seed", 0, 2**31, 0, "the seed of the webs and of the first weights"),
    )
    parser.add_backend()
    parser.add_argument(
        "--onnx",
        type=Path,
        metavar="FILE.onnx",
        help="read with this exported step, and do not train (default: train)",
    )
    parser.add_file("save", (".onnx",), "export the step of the trained network")
    options = parser.parse_args(arguments)
    if options.onnx:
        if options.save:
            parser.error("--onnx reads an exported step, and --save writes one: give one of them")
        if not options.onnx.is_file():
            parser.error(f"--onnx: there is no file {options.onnx}. Write one with --save")
        parser.need("onnxruntime", extra="export")
        return options
    parser.start_keras(options.backend)
    if options.save:
        import keras

        exporter = {"tensorflow": "tf2onnx", "jax": "jax2onnx", "torch": "onnxscript"}
        parser.need(exporter[keras.backend.backend()], extra="export")
    return options


if __name__ == "__main__":
    run(main)
