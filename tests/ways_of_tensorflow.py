"""What people do with a network in TensorFlow; each way is a function of the network and images."""

import tempfile

try:
    import tensorflow as tf
except ImportError:
    tf = None


def in_a_function(model, x):
    return [tf.function(model)(tf.constant(x))]


def of_unknown_shape(model, x):
    read = tf.function(model, input_signature=[tf.TensorSpec((None, None, 3))])
    return [read(x), read(x[:1])]


def of_unknown_batch(model, x):
    read = tf.function(model, input_signature=[tf.TensorSpec((None, 6, 3))])
    return [read(x), read(x[:1])]


def with_xla(model, x):
    return [tf.function(model, jit_compile=True)(tf.constant(x))]


def gradients(model, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(model(x) ** 2)
    return tape.gradient(loss, [x, *(v.value for v in model.trainable_variables)])


def gradient_penalty(model, x):
    x = tf.constant(x)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(x)
            loss = tf.reduce_sum(model(x) ** 2)
        penalty = tf.reduce_sum(inner.gradient(loss, x) ** 2)
    return outer.gradient(penalty, [v.value for v in model.trainable_variables[:3]])


def jacobian(model, x):
    x = tf.constant(x[:2])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        outputs = model(x)
    return [tape.jacobian(outputs, x, experimental_use_pfor=False)]


def forward_mode(model, x):
    x = tf.constant(x)
    with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as accumulator:
        outputs = model(x)
    return [outputs, accumulator.jvp(outputs)]


def exported(model, x):
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        served = tf.saved_model.load(folder)
        return [served.serve(tf.constant(x)), served.serve(tf.constant(x[:1]))]


def recomputed(model, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.recompute_grad(model)(x))
    return [tape.gradient(loss, x)]


WAYS = {
    way.__name__: way
    for way in (
        in_a_function,
        of_unknown_shape,
        of_unknown_batch,
        with_xla,
        gradients,
        gradient_penalty,
        jacobian,
        forward_mode,
        exported,
        recomputed,
    )
}
