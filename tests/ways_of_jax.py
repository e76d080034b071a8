"""What people do with a network in JAX; each way is a function of the network and images."""

try:
    import jax
    from jax import numpy as jnp
except ImportError:
    jax = None


def function_of(model):
    """The network as a pure function of its weights and images."""
    others = [v.value for v in model.non_trainable_variables]
    return lambda weights, x: model.stateless_call(weights, others, x)[0]


def weights_of(model):
    return [v.value for v in model.trainable_variables]


def in_jit(model, x):
    return [jax.jit(function_of(model))(weights_of(model), x)]


def gradients(model, x):
    function = function_of(model)
    loss = jax.grad(lambda w, v: (function(w, v) ** 2).sum(), argnums=(0, 1))
    by_weights, by_images = loss(weights_of(model), x)
    return [*by_weights, by_images]


def gradient_penalty(model, x):
    function = function_of(model)

    def penalty(w):
        return (jax.grad(lambda v: (function(w, v) ** 2).sum())(x) ** 2).sum()

    return jax.grad(penalty)(weights_of(model))


def hessian(model, x):
    function, weights = function_of(model), weights_of(model)
    return [jax.hessian(lambda v: (function(weights, v) ** 2).sum())(x[:1])]


def jacobians(model, x):
    function, weights = function_of(model), weights_of(model)
    return [way(lambda v: function(weights, v))(x[:1]) for way in (jax.jacfwd, jax.jacrev)]


def per_sample_gradients(model, x):
    function, weights = function_of(model), weights_of(model)
    return [jax.vmap(jax.grad(lambda v: (function(weights, v[None]) ** 2).sum()))(x)]


def forward_mode(model, x):
    function, weights = function_of(model), weights_of(model)
    return list(jax.jvp(lambda v: function(weights, v), (x,), (jnp.ones_like(x),)))


def many_weights(model, x):
    stacked = [jnp.stack([w, w * 0.5]) for w in weights_of(model)]
    return [jax.vmap(function_of(model), in_axes=(0, None))(stacked, x)]


def recomputed(model, x):
    function, weights = function_of(model), weights_of(model)
    return [jax.grad(lambda v: jax.checkpoint(function)(weights, v).sum())(x)]


def scanned(model, x):
    function, weights = function_of(model), weights_of(model)
    batches = jnp.stack([x, x * 0.5])
    return [jax.lax.scan(lambda c, v: (c, function(weights, v)), 0, batches)[1]]


def exported_with_any_batch(model, x):
    (batch,) = jax.export.symbolic_shape("batch")
    function, weights = function_of(model), weights_of(model)
    spec = jax.ShapeDtypeStruct((batch, *x.shape[1:]), x.dtype)
    exported = jax.export.export(jax.jit(lambda v: function(weights, v)))(spec)
    return [exported.call(x), exported.call(x[:1])]


WAYS = {
    way.__name__: way
    for way in (
        in_jit,
        gradients,
        gradient_penalty,
        hessian,
        jacobians,
        per_sample_gradients,
        forward_mode,
        many_weights,
        recomputed,
        scanned,
        exported_with_any_batch,
    )
}
