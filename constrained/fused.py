"""A trained ResNet18 for inference alone: the same features, in fewer passes over memory.

torchvision's network writes and reads every activation once more for BatchNorm, for ReLU, and for the sum at the end
of a block. oneDNN, with which torch convolves on a CPU, does all three while a result is still in its registers, if
asked, and would rather have the weights in a layout of its own. `torch.compile` with frozen weights asks through the
same operators, but it needs a C++ compiler, and half a minute before the first picture. Only rounding differs.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from .model import torchvision


class Convolution(nn.Module):
    """``relu(norm(conv(x)) + skip)``, of which ReLU and the sum are optional, in one pass."""

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d, relu: bool = True) -> None:
        super().__init__()
        scale = (norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias)
        weight, bias = fuse_conv_bn_weights(conv.weight, conv.bias, *scale)
        self._place = (conv.padding, conv.stride, conv.dilation, conv.groups)
        self._weight = torch.ops.mkldnn._reorder_convolution_weight(weight.detach(), *self._place)
        self._bias = bias.detach()
        self._last = ("relu" if relu else "none", [], "")

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """``x`` (B, C, H, W) to (B, D, H', W'), the shape of ``skip``, which is overwritten."""
        if skip is None:
            return torch.ops.mkldnn._convolution_pointwise(x, self._weight, self._bias, *self._place, *self._last)
        return torch.ops.mkldnn._convolution_pointwise_.binary(
            skip, x, self._weight, self._bias, *self._place, "add", 1.0, *self._last
        )


class Block(nn.Module):
    """A `BasicBlock` of such convolutions. It may overwrite its input."""

    def __init__(self, block: "torchvision.models.resnet.BasicBlock") -> None:
        super().__init__()
        self.first = Convolution(block.conv1, block.bn1)
        self.second = Convolution(block.conv2, block.bn2)
        self.skip = nn.Identity() if block.downsample is None else Convolution(*block.downsample, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.first(x)  # before the sum overwrites x
        return self.second(inner, self.skip(x))


def fused(model: "torchvision.models.ResNet") -> nn.Module:
    """What comes before the last layer of a ResNet18 in evaluation mode: (B, 3, H, W) to features (B, 512).

    The weights are copied. Without oneDNN in torch (on some Macs), the layers are torchvision's own.
    """
    layers = [model.conv1, model.bn1, model.relu]
    blocks = [block for layer in (model.layer1, model.layer2, model.layer3, model.layer4) for block in layer]
    if torch.backends.mkldnn.is_available():
        layers = [Convolution(model.conv1, model.bn1)]
        blocks = [Block(block) for block in blocks]
    return nn.Sequential(*layers, model.maxpool, *blocks, model.avgpool, nn.Flatten()).eval()
