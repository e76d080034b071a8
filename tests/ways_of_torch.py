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
    )
}
