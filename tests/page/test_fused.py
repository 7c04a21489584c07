"""The form of the network that answers: torchvision's numbers, in fewer passes."""

import pytest
import torch

from constrained.model import torchvision
from constrained.models import fused
from constrained.models.cifar10 import checkpoint as bundled


def random_model():
    """A ResNet18 of 1,000 classes, as for ImageNet, whose BatchNorm does something."""
    torch.manual_seed(0)
    model = torchvision.models.resnet18()
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1)
            torch.nn.init.normal_(layer.bias, std=0.1)
            torch.nn.init.normal_(layer.running_mean, std=0.1)
            torch.nn.init.uniform_(layer.running_var, 0.5, 2)
    return model.eval()


@pytest.fixture(scope="module", params=["bundled", "random"])
def case(request):
    """A model, its features and logits of seven pictures, and the pictures."""
    model, size = (bundled().model(), bundled().size) if request.param == "bundled" else (random_model(), 224)
    pictures = torch.randn(7, 3, size, size, generator=torch.Generator().manual_seed(1))
    seen = []
    hook = model.fc.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        logits = model(pictures)
    hook.remove()
    return model, seen[0], logits, pictures


@pytest.mark.parametrize("mkldnn", [True, False])
def test_features_and_logits_are_torchvisions(case, mkldnn, monkeypatch):
    if mkldnn and not torch.backends.mkldnn.is_available():
        pytest.skip("torch without oneDNN: only the other form is used here")
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: mkldnn)
    model, features, logits, pictures = case
    form = fused.fused(model.state_dict())
    assert form[0]._weight.is_mkldnn == mkldnn
    before = pictures.clone()
    for memory_format in (torch.contiguous_format, torch.channels_last):
        for count in (1, 2, 7):  # the weights' layout was chosen without knowing it
            with torch.inference_mode():
                got = form(pictures[:count].to(memory_format=memory_format))
                torch.testing.assert_close(got, features[:count], rtol=0, atol=1e-4)
                torch.testing.assert_close(model.fc(got), logits[:count], rtol=0, atol=1e-4)
    torch.testing.assert_close(pictures, before, rtol=0, atol=0)  # blocks overwrite what is theirs alone


def test_the_weights_are_copied(case):
    model, features, _, pictures = case
    state = {key: value.clone() for key, value in model.state_dict().items()}
    form = fused.fused(state)
    for value in state.values():
        value.zero_()
    with torch.inference_mode():
        torch.testing.assert_close(form(pictures), features, rtol=0, atol=1e-4)
