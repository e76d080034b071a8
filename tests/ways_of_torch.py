"""What people do with a network in PyTorch; each way is a function of the network and images."""

import numpy as np

try:
    import torch
except ImportError:
    torch = None


def tensor_of(x, dtype="float32"):
    return torch.tensor(x, dtype=getattr(torch, dtype))


def numbers(*tensors):
    return [t.detach().to(torch.float32).numpy() for t in tensors]


def gradients_of(model):
    return numbers(*(p.grad for p in model.parameters() if p.grad is not None))


def plain_gradient(model, x):
    x = tensor_of(x).requires_grad_()
    model(x).square().sum().backward()
    return [*numbers(x.grad), *gradients_of(model)]


def gradient_of_the_inputs_alone(model, x):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    x = tensor_of(x).requires_grad_()
    (gradient,) = torch.autograd.grad(model(x).sum(), x)
    return numbers(gradient)


def gradient_penalty(model, x):
    x = tensor_of(x).requires_grad_()
    (gradient,) = torch.autograd.grad(model(x).square().sum(), x, create_graph=True)
    (model(x).mean() + gradient.square().sum()).backward()
    return gradients_of(model)


def gradient_penalty_on_a_sum(model, x):
    x = tensor_of(x).requires_grad_()
    (gradient,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
    gradient.square().sum().backward()
    return [*numbers(x.grad), *gradients_of(model)]


def third_derivative(model, x):
    x = tensor_of(x).requires_grad_()
    value = model(x).pow(3).sum()
    for _ in range(2):
        (gradient,) = torch.autograd.grad(value, x, create_graph=True)
        value = gradient.pow(2).sum()
    value.backward()
    return gradients_of(model)


def hessian(model, x):
    function = torch.autograd.functional.hessian
    return numbers(function(lambda v: model(v).square().sum(), tensor_of(x[:1])))


def hessian_vectorized(model, x):
    function = torch.autograd.functional.hessian
    return numbers(function(lambda v: model(v).square().sum(), tensor_of(x[:1]), vectorize=True))


def jacobian(model, x):
    return numbers(torch.autograd.functional.jacobian(model, tensor_of(x[:2])))


def jacobian_vectorized(model, x):
    return numbers(torch.autograd.functional.jacobian(model, tensor_of(x[:2]), vectorize=True))


def batched_gradients(model, x):
    x = tensor_of(x).requires_grad_()
    outputs = model(x)
    directions = torch.eye(outputs.numel()).reshape(-1, *outputs.shape)
    return numbers(*torch.autograd.grad(outputs, x, directions, is_grads_batched=True))


def func_grad(model, x):
    return numbers(torch.func.grad(lambda v: model(v).square().sum())(tensor_of(x)))


def func_vmap(model, x):
    return numbers(torch.func.vmap(model)(tensor_of(np.stack([x, x[::-1]]))))


def per_sample_gradients(model, x):
    one = torch.func.grad(lambda v: model(v[None]).square().sum())
    return numbers(torch.func.vmap(one)(tensor_of(x)))


def func_jvp(model, x):
    return numbers(*torch.func.jvp(model, (tensor_of(x),), (torch.ones(x.shape),)))


def func_vjp(model, x):
    outputs, back = torch.func.vjp(model, tensor_of(x))
    return numbers(outputs, *back(torch.ones(outputs.shape)))


def func_jacrev(model, x):
    return numbers(torch.func.jacrev(model)(tensor_of(x[:1])))


def func_jacfwd(model, x):
    return numbers(torch.func.jacfwd(model)(tensor_of(x[:1])))


def forward_mode(model, x):
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(tensor_of(x), torch.ones(x.shape))
        return numbers(*torch.autograd.forward_ad.unpack_dual(model(dual)))


def autocast(model, x):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = model(tensor_of(x))
        outputs.float().square().sum().backward()
    return [*numbers(outputs), *gradients_of(model)]


def double(model, x):
    model.double()
    return numbers(model.get_layer("rnn_1")(tensor_of(x, "float64")))


def half(model, x):
    model.half()
    return numbers(model.get_layer("rnn_1")(tensor_of(x, "float16")))


def traced_at_another_batch(model, x):
    traced = torch.jit.trace(model, tensor_of(x[:1]), check_trace=False)
    return numbers(traced(tensor_of(x)))


def exported(model, x):
    program = torch.export.export(model, (tensor_of(x),), strict=False)
    return numbers(program.module()(tensor_of(x[::-1].copy())))


def traced_by_fx(model, x):
    from torch.fx.experimental.proxy_tensor import make_fx

    return numbers(make_fx(model)(tensor_of(x))(tensor_of(x[::-1].copy())))


def compiled_layer(model, x):
    layer = model.get_layer("rnn_1")
    layer(tensor_of(x))
    if is_simple(model):
        # Keras' loop of a SimpleRNN breaks the graph at each step, which takes a minute.
        return numbers(layer(tensor_of(x)))
    torch._dynamo.reset()
    return numbers(torch.compile(layer, backend="eager")(tensor_of(x)))


def outputs_changed_in_place(model, x):
    x = tensor_of(x).requires_grad_()
    outputs = model.get_layer("rnn_1")(x)
    outputs.mul_(2.0)
    model.get_layer("rnn_2")(outputs).add_(1.0).square().sum().backward()
    return [*numbers(x.grad), *gradients_of(model)]


def a_slice_changed_in_place(model, x):
    x = tensor_of(x).requires_grad_()
    outputs = model.get_layer("rnn_1")(x)
    outputs[:, -1] = 0
    outputs.square().sum().backward()
    return numbers(x.grad)


def undefined_gradient(model, x):
    class Silent(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return None

    x = tensor_of(x).requires_grad_()
    outputs = model.get_layer("rnn_1")(x)
    (Silent.apply(outputs).sum() + 0 * x.sum()).backward()
    return numbers(x.grad)


def backwards_twice(model, x):
    x = tensor_of(x).requires_grad_()
    loss = model(x).square().sum()
    loss.backward(retain_graph=True)
    loss.backward()
    return [*numbers(x.grad), *gradients_of(model)]


def checkpointed(model, x):
    from torch.utils.checkpoint import checkpoint

    x = tensor_of(x).requires_grad_()
    checkpoint(model, x, use_reentrant=False).square().sum().backward()
    return [*numbers(x.grad), *gradients_of(model)]


def saved_tensors_elsewhere(model, x):
    x = tensor_of(x).requires_grad_()
    with torch.autograd.graph.save_on_cpu():
        loss = model(x).square().sum()
    loss.backward()
    return [*numbers(x.grad), *gradients_of(model)]


def watched_for_anomalies(model, x):
    with torch.autograd.detect_anomaly(check_nan=True):
        return plain_gradient(model, x)


def hooks_on_gradients(model, x):
    x = tensor_of(x).requires_grad_()
    seen = []
    outputs = model.get_layer("rnn_1")(x)
    outputs.register_hook(lambda gradient: seen.append(gradient) or gradient * 2)
    outputs.square().sum().backward()
    return numbers(x.grad, *seen)


def inference_mode(model, x):
    with torch.inference_mode():
        outputs = model(tensor_of(x))
    return numbers(outputs)


def expanded_and_strided(model, x):
    one = tensor_of(x[:1]).expand(3, -1, -1)
    strided = tensor_of(np.repeat(x, 2, axis=1))[:, ::2]
    turned = tensor_of(x.transpose(1, 0, 2)).transpose(0, 1)
    return numbers(model(one), model(strided), model(turned))


def a_subclass(model, x):
    class Image(torch.Tensor):
        pass

    x = tensor_of(x).as_subclass(Image).requires_grad_()
    outputs = model(x)
    outputs.square().sum().backward()
    grad = x.grad.as_subclass(torch.Tensor)
    return numbers(outputs.as_subclass(torch.Tensor), grad)


def gradients_through_the_states(model, x):
    layer = model.get_layer("rnn_1")
    again = type(layer).from_config({**layer.get_config(), "return_state": True})
    again.build((None, *x.shape[1:]))
    again.set_weights(layer.get_weights())
    _, *states = again(tensor_of(x))
    states = [state.detach().requires_grad_() for state in states]
    _, *last = again(tensor_of(x), initial_state=states)
    sum(state.square().sum() for state in last[-1:]).backward()
    return numbers(*(state.grad for state in states))


def layer_used_twice(model, x):
    layer = again_with(model, return_sequences=True)
    w = layer.cell.kernel.value
    projection = torch.ones(w.shape[1] // gates_of(layer), x.shape[2]) * 0.1
    loss = layer(layer(tensor_of(x)) @ projection).square().sum()
    (gradient,) = torch.autograd.grad(loss, w, create_graph=True)
    gradient.square().sum().backward()
    return numbers(gradient, *(p.grad for p in layer.parameters() if p.grad is not None))


def state_of_the_inputs(model, x):
    layer = again_with(model)
    x = tensor_of(x).requires_grad_()
    units = layer.units
    state = torch.tanh(x.sum((1, 2))[:, None].expand(-1, units)).contiguous()
    states = [state] * len(layer.cell.state_size) if has_two_states(layer) else [state]
    loss = layer(x, initial_state=states).square().sum()
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    gradient.square().sum().backward()
    return numbers(gradient, x.grad)


def vectorized_jacobian_of_a_layer_used_twice(model, x):
    layer = again_with(model, return_sequences=True)
    projection = torch.ones(layer.units, x.shape[2]) * 0.1
    function = torch.autograd.functional.jacobian
    return numbers(
        function(lambda v: layer(layer(v) @ projection).sum(1), tensor_of(x), vectorize=True)
    )


def hooks_under_a_gradient_penalty(model, x):
    x = tensor_of(x).requires_grad_()
    x.register_hook(lambda gradient: gradient * 3)
    weight = model.get_layer("rnn_1").cell.kernel.value
    handle = weight.register_hook(lambda gradient: gradient * 0.5)
    model(x).square().sum().backward(create_graph=True)
    handle.remove()
    return [*numbers(x.grad), *gradients_of(model)]


def slopes_without_a_bound(model, x):
    layer = again_with(model, activation="relu" if is_simple(model) else "tanh")
    x = tensor_of(x).requires_grad_()
    outputs = layer(x)
    (outputs.abs() if not is_simple(model) else outputs).sqrt().sum().backward()
    return numbers(x.grad)


def trained_with_state(model, x):
    import keras

    layer = again_with(model, stateful=True)
    stateful = keras.Sequential([keras.Input(batch_shape=x.shape), layer])
    stateful.compile("sgd", "mse")
    for _ in range(2):
        stateful.train_on_batch(x, np.ones((len(x), layer.units), "float32"))
    return stateful.get_weights()


def broadcast_states(model, x):
    layer = again_with(model)
    states = [torch.full((1, layer.units), 0.3)] * (2 if has_two_states(layer) else 1)
    return numbers(layer(tensor_of(x), initial_state=states))


def called_within_vmap(model, x):
    x = tensor_of(x)
    return numbers(torch.func.vmap(lambda scale: model(x) * scale)(torch.arange(3.0)))


def functionalized(model, x):
    return numbers(torch.func.functionalize(model.get_layer("rnn_1"))(tensor_of(x)))


def states_changed_in_place(model, x):
    layer = again_with(model, return_state=True)
    with torch.no_grad():
        outputs, *states = layer(tensor_of(x))
        outputs.mul_(2.0)
    return numbers(outputs, *states)


def images_overwritten_before_the_gradient(model, x):
    layer = again_with(model)
    buffer = tensor_of(x)
    loss = layer(buffer).sum()
    # As a loader of data fills the same memory again. Keras' SimpleRNN raises an error then.
    if layer.cell.name != "simple_rnn_cell":
        buffer.zero_()
    loss.backward()
    return numbers(layer.cell.kernel.value.grad)


def gradient_of_a_state_changed_in_place(model, x):
    layer = again_with(model)
    states = [torch.ones(len(x), layer.units, requires_grad=True)]
    states = states * (2 if has_two_states(layer) else 1)
    loss = layer(tensor_of(x), initial_state=states).sum()
    (gradient,) = torch.autograd.grad(loss, states[0])
    gradient.mul_(torch.ones_like(gradient).requires_grad_())
    return numbers(gradient)


def hooks_on_the_cell(model, x):
    layer = model.get_layer("rnn_1")
    layer(tensor_of(x))
    calls = []
    handle = layer.cell.register_forward_hook(lambda *arguments: calls.append(1))
    outputs = layer(tensor_of(x))
    handle.remove()
    return [*numbers(outputs), np.array(len(calls) if is_simple(model) else 0)]


def hooks_on_all_modules(model, x):
    layer = model.get_layer("rnn_1")
    layer(tensor_of(x))
    calls = []
    handle = torch.nn.modules.module.register_module_forward_hook(
        lambda module, *arguments: calls.append(type(module).__name__)
    )
    try:
        outputs = layer(tensor_of(x))
    finally:
        handle.remove()
    return [*numbers(outputs), np.array([name == "SimpleRNNCell" for name in calls]).sum()]


def without_its_bias(model, x):
    layer = model.get_layer("rnn_1")
    layer.cell.use_bias = False
    first = layer(tensor_of(x))
    layer.cell.use_bias, layer.cell.bias = True, None
    return numbers(first, layer(tensor_of(x)))


def a_function_mode(model, x):
    class HalfTanh(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            return result * 0.5 if function is torch.tanh else result

    with HalfTanh():
        return numbers(model.get_layer("rnn_1")(tensor_of(x)))


def is_simple(model):
    return "simple" in type(model.get_layer("rnn_1")).__name__.lower()


def has_two_states(layer):
    return isinstance(layer.cell.state_size, (list, tuple)) and len(layer.cell.state_size) == 2


def gates_of(layer):
    return layer.cell.recurrent_kernel.shape[1] // layer.units


def again_with(model, **options):
    """The first recurrent layer with other options."""
    layer = model.get_layer("rnn_1")
    options = {"return_sequences": False, **options}
    again = type(layer).from_config({**layer.get_config(), **options})
    again.build((4, 6, 3))
    again.set_weights(layer.get_weights())
    return again


WAYS = {
    way.__name__: way
    for way in (
        plain_gradient,
        gradient_of_the_inputs_alone,
        gradient_penalty,
        gradient_penalty_on_a_sum,
        third_derivative,
        hessian,
        hessian_vectorized,
        jacobian,
        jacobian_vectorized,
        batched_gradients,
        func_grad,
        func_vmap,
        per_sample_gradients,
        func_jvp,
        func_vjp,
        func_jacrev,
        func_jacfwd,
        forward_mode,
        autocast,
        double,
        half,
        traced_at_another_batch,
        exported,
        traced_by_fx,
        compiled_layer,
        outputs_changed_in_place,
        a_slice_changed_in_place,
        undefined_gradient,
        backwards_twice,
        checkpointed,
        saved_tensors_elsewhere,
        watched_for_anomalies,
        hooks_on_gradients,
        inference_mode,
        expanded_and_strided,
        a_subclass,
        gradients_through_the_states,
        layer_used_twice,
        state_of_the_inputs,
        vectorized_jacobian_of_a_layer_used_twice,
        hooks_under_a_gradient_penalty,
        slopes_without_a_bound,
        trained_with_state,
        broadcast_states,
        called_within_vmap,
        functionalized,
        states_changed_in_place,
        images_overwritten_before_the_gradient,
        gradient_of_a_state_changed_in_place,
        hooks_on_the_cell,
        hooks_on_all_modules,
        without_its_bias,
        a_function_mode,
    )
}
