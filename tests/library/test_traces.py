"""What follows a network by something else than running it: torch.fx, jit.trace, torch.export, ONNX, and the rest."""

import copy
import io
import os
import socket
import warnings

import pytest
import torch
from torch import nn

import constrained as C
from constrained import functional as F
from constrained.model import constrained_resnet18, torchvision

pytestmark = pytest.mark.slow

CONSTRAINTS = {
    **{f"Clamp {g}": C.Clamp(-0.8, 1.3, gradient=g) for g in F.CLAMP_GRADIENTS},
    "Clamp, a class": C.Clamp([-1.0, -0.5, -0.2, -0.1, 0.0], [0.0, 0.1, 0.5, 1.0, torch.inf]),
    "SmoothClamp": C.SmoothClamp(-0.8, 1.3),
    "ScaledSigmoid": C.ScaledSigmoid(-0.8, 1.3),
    "Softplus": C.Softplus(hi=1.3),
    "Softmax": C.Softmax(temperature=0.7),
    "Softmax, learned": C.Softmax(temperature=0.7, learnable=True),
    "Sparsemax": C.Sparsemax(temperature=0.7),
    "Entmax15": C.Entmax15(temperature=0.7),
    "ProxL1": C.ProxL1(0.6),
    "ProxL2": C.ProxL2(0.6),
    "ProjectSimplex": C.ProjectSimplex(1.5),
    "ProjectL1Ball": C.ProjectL1Ball(1.5),
    "ProjectL2Ball": C.ProjectL2Ball(1.5),
}
MANY = {"sparsemax": F.sparsemax, "entmax15": F.entmax15, "simplex": F.project_simplex, "L1": F.project_l1_ball}
every_constraint = pytest.mark.parametrize("constraint", CONSTRAINTS.values(), ids=CONSTRAINTS)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def network(constraint):
    torch.manual_seed(0)
    head = C.ConstrainedLinear(8, 5, constraint=copy.deepcopy(constraint), penalty=C.PenaltyL2(0.1))
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), head)


# torch.fx -----------------------------------------------------------------------------------------------------------


@every_constraint
@pytest.mark.parametrize("training", [True, False])
def test_fx_traces_a_head(constraint, training):
    model = network(constraint).train(training)
    traced = torch.fx.symbolic_trace(model)
    for f in (traced, torch.fx.GraphModule(traced, traced.graph)):
        torch.testing.assert_close(tuple(f(random(4, 6))), tuple(model(random(4, 6))))
    if constraint is CONSTRAINTS["Softmax, learned"]:
        traced(random(4, 6)).constrained.square().sum().backward()
        assert model[2].constraint.log_temperature.grad is not None


def test_torchvisions_feature_extractor_reads_a_constrained_network():
    from torchvision.models.feature_extraction import create_feature_extractor

    model = constrained_resnet18(num_classes=5, constraint=C.Sparsemax(temperature=0.7)).eval()
    pictures = random(2, 3, 32, 32)
    with torch.no_grad():
        features = create_feature_extractor(model, ["avgpool"])(pictures)["avgpool"].flatten(1)
        torch.testing.assert_close(model.fc(features).constrained, model(pictures).constrained)
    with pytest.raises(ValueError, match="temperature"):  # arguments are still checked, where they are given
        F.softmax(features, temperature=-1.0)


# Traces, exports ----------------------------------------------------------------------------------------------------


@every_constraint
def test_a_trace_is_right_for_other_inputs(constraint):
    model = network(constraint).eval()
    traced = torch.jit.trace(model, (random(4, 6),), check_trace=False, strict=False)
    for batch, scale in ((4, 1.0), (9, 30.0), (2, 1e-3)):
        x = scale * random(batch, 6, seed=batch)
        torch.testing.assert_close(traced(x)[1], model(x).constrained)


@pytest.mark.parametrize("f", MANY.values(), ids=MANY)
def test_a_trace_of_many_classes_is_right_for_harder_inputs(f):
    """The trace of a search that stops when it is done has the steps that its example needed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(f, (torch.zeros(2, 1000),), check_trace=False)
    for scale in (0.01, 1.0, 100.0):
        x = scale * random(3, 1000)
        torch.testing.assert_close(traced(x), f(x))


@pytest.mark.parametrize("f", MANY.values(), ids=MANY)
def test_a_trace_of_a_large_batch_is_right_for_another_size(f):
    """In eager mode such a batch is cut into parts, whose number must not stay in the trace."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(f, (random(9000, 20),), check_trace=False)
    for rows in (3, 9001, 20000):
        x = random(rows, 20, seed=1)
        torch.testing.assert_close(traced(x), f(x))


@every_constraint
def test_an_export_is_right_for_another_batch(constraint):
    model = network(constraint).eval()
    program = torch.export.export(model, (random(4, 6),), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.testing.assert_close(program.module()(random(9, 6)).constrained, model(random(9, 6)).constrained)


class Outputs(nn.Module):
    """The constrained outputs alone: what the old exporter can write."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x).constrained


@every_constraint
@pytest.mark.parametrize("dynamo", [True, False])
def test_onnx_gives_the_numbers_of_the_library(constraint, dynamo, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = Outputs(network(constraint)).eval()
    path = tmp_path / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dynamo:
            shapes = ({0: torch.export.Dim("batch")},)
            torch.onnx.export(model, (random(4, 6),), path, dynamo=True, dynamic_shapes=shapes, verbose=False)
        else:
            axes = {"x": {0: "batch"}}
            torch.onnx.export(
                model, (random(4, 6),), path, dynamo=False, input_names=["x"], dynamic_axes=axes, opset_version=18
            )
    session = onnxruntime.InferenceSession(path)
    name = session.get_inputs()[0].name
    for rows, scale in ((4, 1.0), (7, 20.0)):
        x = scale * random(rows, 6, seed=rows)
        (got,) = session.run(None, {name: x.numpy()})
        torch.testing.assert_close(torch.from_numpy(got), model(x).detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("f", MANY.values(), ids=MANY)
def test_the_old_onnx_exporter_is_right_for_many_classes(f, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")

    class Map(nn.Module):
        def forward(self, x):
            return f(x)

    path = tmp_path / "map.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(Map(), (torch.zeros(2, 100),), path, dynamo=False, input_names=["x"], opset_version=18)
    x = 3 * random(2, 100)
    (got,) = onnxruntime.InferenceSession(path).run(None, {"x": x.numpy()})
    torch.testing.assert_close(torch.from_numpy(got), f(x), rtol=1e-5, atol=1e-5)


# The rest -----------------------------------------------------------------------------------------------------------


@every_constraint
def test_quantised_copied_and_saved(constraint):
    model = network(constraint).eval()
    expected = model(random(4, 6))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch moves quantisation to a package of its own
        quantised = torch.ao.quantization.quantize_dynamic(copy.deepcopy(model), {nn.Linear}, dtype=torch.qint8)
    torch.testing.assert_close(quantised(random(4, 6)).constrained, expected.constrained, rtol=0.1, atol=0.1)
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    for twin in (copy.deepcopy(model), torch.load(file, weights_only=False)):
        assert torch.equal(twin(random(4, 6)).constrained, expected.constrained)


@every_constraint
def test_functional_call_takes_a_state_and_vmap_a_gradient(constraint):
    model = network(constraint).train()
    parameters = {name: value.detach() for name, value in model.named_parameters()}
    for given in (parameters, dict(model.state_dict())):
        out = torch.func.functional_call(model, given, (random(4, 6),))
        assert torch.equal(out.constrained, model(random(4, 6)).constrained)

    def loss(parameters, row, label):
        out = torch.func.functional_call(model, parameters, (row[None],))
        return model[2].loss(out.logits, label[None]) + out.constrained.square().sum()

    rows, labels = random(5, 6), torch.tensor([0, 1, 2, 3, 4])
    each = torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(parameters, rows, labels)
    for at in range(5):
        one = torch.func.grad(loss)(parameters, rows[at], labels[at])
        torch.testing.assert_close({key: value[at] for key, value in each.items()}, one)


@every_constraint
def test_forward_mode_agrees_with_backward_mode(constraint):
    f = copy.deepcopy(constraint).double()
    x, tangent = random(3, 5).double(), random(3, 5, seed=1).double()
    _, forward = torch.func.jvp(f, (x,), (tangent,))
    if getattr(constraint, "gradient", "") == "inward":  # of a step, not of a loss
        inside = (x >= -0.8) & (x <= 1.3)
        assert torch.equal(forward[inside], tangent[inside])
        return
    _, pull = torch.func.vjp(f, x)
    weight = random(3, 5, seed=2).double()
    torch.testing.assert_close((forward * weight).sum(), (pull(weight)[0] * tangent).sum())
    _, linear = torch.func.linearize(f, x)
    torch.testing.assert_close(linear(tangent), forward)


def _train(rank, port, constraint, results):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    model = nn.parallel.DistributedDataParallel(network(constraint))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, labels = random(8, 6)[rank * 4 :][:4], torch.tensor([0, 1, 2, 3, 4, 0, 1, 2])[rank * 4 :][:4]
    for _ in range(3):
        loss = model.module[2].loss(model(x).logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.save(model.module.state_dict(), results.format(rank))
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("name", ["Clamp inward", "Softmax, learned", "Sparsemax"])
def test_two_processes_train_as_one(name, tmp_path):
    constraint = C.Sparsemax(learnable=True) if name == "Sparsemax" else CONSTRAINTS[name]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    results = str(tmp_path / "{}.pt")
    torch.multiprocessing.spawn(_train, (port, constraint, results), nprocs=2)
    alone = network(constraint)
    optimizer = torch.optim.SGD(alone.parameters(), lr=0.1)
    labels = torch.tensor([0, 1, 2, 3, 4, 0, 1, 2])
    before = copy.deepcopy(dict(alone.named_parameters()))
    for _ in range(3):
        loss = alone[2].loss(alone(random(8, 6)).logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for rank in (0, 1):
        torch.testing.assert_close(torch.load(results.format(rank)), alone.state_dict())
    assert all(not torch.equal(value, before[key]) for key, value in alone.named_parameters())


def test_importing_the_library_declares_nothing_for_torchvision():
    """What torchvision lacks is declared when it is first needed, and says so when it is called."""
    import subprocess
    import sys

    code = (
        "import torch, constrained\n"
        "constrained.ConstrainedLinear(2, 2, constraint=constrained.Clamp(-1, 1))\n"
        "assert not hasattr(torch.ops.torchvision, 'nms')\n"
        "from constrained.model import torchvision\n"
        "try:\n"
        "    torch.ops.torchvision.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)\n"
        "except RuntimeError as error:\n"
        "    assert 'belong together' in str(error), error\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    assert torchvision.models is not None
