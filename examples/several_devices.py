"""Trains networks on several devices or processes, by what each backend has for that.

It prints the losses of ten steps, which are those of a single device. --help lists the options.
"""

import argparse
import os
import socket
from typing import Any

from command_line import Parser, run, share_cpu

ENGINES = {
    "jax": "jax",
    "jax-processes": "jax",
    "tensorflow": "tensorflow",
    "torch": "torch",
}
NETWORKS = ("book", "gru", "reader", "keras")
LEARNING_RATE = 0.05
EXAMPLES = """examples:
  python examples/several_devices.py --engine jax --devices 4
  python examples/several_devices.py --engine torch --devices 2 --network gru

Here the devices are parts of one CPU, or processes. In your own code they are GPUs."""


def main(arguments: list[str] | None = None) -> None:
    """Trains as the command line says."""
    options = parsed(arguments)
    if options.engine in ("jax-processes", "torch") and options.devices > 1:
        in_processes(options)
        return
    strategy = mirrored_strategy(options.devices) if options.engine == "tensorflow" else None
    for name in options.network:
        if options.engine == "torch":
            with_torch(0, 1, name)
        elif options.engine == "tensorflow":
            with_tensorflow(strategy, name)
        else:
            with_jax(name)


def with_jax(name: str) -> None:
    """One process with several devices, on JAX."""
    # --8<-- [start:jax]
    import keras
    from devices_networks import network

    keras.distribution.set_distribution(keras.distribution.DataParallel())

    model, images, labels, loss = network(name)
    model.compile(keras.optimizers.SGD(LEARNING_RATE), loss)
    history = model.fit(images, labels, batch_size=32, epochs=10, shuffle=False, verbose=0)
    # --8<-- [end:jax]
    print_losses(history.history["loss"], shared_by())


def join_jax(rank: int, processes: int, port: int) -> None:
    """Makes this process one of several, on JAX."""
    # --8<-- [start:jax-processes]
    import jax
    import keras

    # On CPUs. GPUs need no such line.
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    keras.distribution.initialize(f"127.0.0.1:{port}", processes, rank)
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    # --8<-- [end:jax-processes]


def with_jax_processes(rank: int, processes: int, name: str) -> None:
    """One of several processes, on JAX. Each is given its own part of each batch."""
    # --8<-- [start:jax-part]
    import keras
    from devices_networks import network

    model, images, labels, loss = network(name)
    images, labels = images[rank::processes], labels[rank::processes]
    model.compile(keras.optimizers.SGD(LEARNING_RATE), loss)
    history = model.fit(images, labels, batch_size=len(images), epochs=10, shuffle=False, verbose=0)
    # --8<-- [end:jax-part]
    if rank == 0:
        print_losses(history.history["loss"], shared_by())


def mirrored_strategy(devices: int) -> Any:
    """Makes several devices of one CPU, on TensorFlow, and what trains on all of them."""
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    parts = [tf.config.LogicalDeviceConfiguration()] * devices
    tf.config.set_logical_device_configuration(cpu, parts)
    # --8<-- [start:tensorflow-strategy]
    strategy = tf.distribute.MirroredStrategy([f"CPU:{place}" for place in range(devices)])
    # --8<-- [end:tensorflow-strategy]
    return strategy


def with_tensorflow(strategy: Any, name: str) -> None:
    """One process with several devices, on TensorFlow."""
    # --8<-- [start:tensorflow]
    import keras
    from devices_networks import network

    with strategy.scope():
        model, images, labels, loss = network(name)
        model.compile(keras.optimizers.SGD(LEARNING_RATE), loss)
    history = model.fit(images, labels, batch_size=32, epochs=10, shuffle=False, verbose=0)
    # --8<-- [end:tensorflow]
    print_losses(history.history["loss"], strategy.num_replicas_in_sync)


def with_torch(rank: int, processes: int, name: str) -> None:
    """One of several processes, on PyTorch. Each takes its own part of each batch."""
    # --8<-- [start:torch]
    import torch
    from devices_networks import network

    model, images, labels, loss = network(name)
    images = torch.from_numpy(images[rank::processes])
    labels = torch.from_numpy(labels[rank::processes])
    parallel = torch.nn.parallel.DistributedDataParallel(model) if processes > 1 else model
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        value = loss(labels, parallel(images, training=True))
        value.backward()
        optimizer.step()
        losses.append(value.detach())
    # --8<-- [end:torch]
    means = torch.stack(losses)
    if processes > 1:
        torch.distributed.all_reduce(means)
    if rank == 0:
        print_losses((means / processes).tolist(), processes)


def shared_by() -> int:
    """The devices that share each batch, on JAX."""
    import keras

    distribution: Any = keras.distribution.distribution()
    return int(distribution.device_mesh.devices.size)


def print_losses(losses: list[float], devices: int) -> None:
    """One line, for people and for the tests."""
    shown = " ".join(f"{loss:.6f}" for loss in losses)
    print(f"{devices} devices: {shown}", flush=True)


def in_processes(options: argparse.Namespace) -> None:
    """Starts the processes of one machine, and waits for them."""
    import multiprocessing

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    started = [
        context.Process(target=guarded, args=(rank, port, options))
        for rank in range(options.devices)
    ]
    for process in started:
        process.start()
    wait_for(started)


def wait_for(started: list[Any]) -> None:
    """Waits until all processes have ended, and ends the others where one has failed."""
    from multiprocessing.connection import wait

    while alive := [process for process in started if process.is_alive()]:
        if any(process.exitcode for process in started):
            # The others would wait for its gradients for ever.
            for process in alive:
                process.terminate()
        wait([process.sentinel for process in alive])
    if any(process.exitcode for process in started):
        raise RuntimeError("one of the processes has failed. See its error above")


def guarded(rank: int, port: int, options: Any) -> None:
    """One of the processes, which ends in one line whatever stops it."""
    run(lambda: one_process(rank, port, options))


def one_process(rank: int, port: int, options: Any) -> None:
    """What one of the processes does."""
    if options.engine == "jax-processes":
        join_jax(rank, options.devices, port)
        for name in options.network:
            with_jax_processes(rank, options.devices, name)
        return
    # --8<-- [start:torch-processes]
    import torch

    torch.distributed.init_process_group(
        "gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=options.devices
    )
    # --8<-- [end:torch-processes]
    for name in options.network:
        with_torch(rank, options.devices, name)
    torch.distributed.destroy_process_group()


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = Parser(description="Trains networks on several devices or processes.", epilog=EXAMPLES)
    parser.add_argument(
        "--engine", choices=list(ENGINES), default="jax", help="what trains (default: jax)"
    )
    parser.add_numbers(("--devices", 1, 32, 2, "the number of devices or processes"))
    parser.add_argument(
        "--network",
        choices=NETWORKS,
        nargs="+",
        default=["book"],
        help="the book's, a GRU with a mask, a line reader, or that GRU as typed in plain Keras. "
        "Several are trained one after the other (default: book)",
    )
    options = parser.parse_args(arguments)
    if 32 % options.devices:
        parser.error("--devices takes 1, 2, 4, 8, 16 or 32: each takes an equal part of 32 images")
    os.environ["KERAS_BACKEND"] = ENGINES[options.engine]
    if options.engine == "jax":
        share_cpu(options.devices)
    parser.need(ENGINES[options.engine], extra=ENGINES[options.engine])
    return options


if __name__ == "__main__":
    run(main)
