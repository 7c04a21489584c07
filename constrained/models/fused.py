"""A trained ResNet18 for inference alone: torchvision's features, in fewer passes over memory.

torchvision's network writes and reads every activation once more for BatchNorm, for ReLU, and for the sum at the end
of a block. oneDNN, with which torch convolves on a CPU, does all three while a result is still in its registers, if
asked, and would rather have the weights in a layout of its own. `torch.compile` with frozen weights asks through the
same operators, but it needs a C++ compiler, and half a minute before the first picture. Only rounding differs.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

EPSILON = 1e-5  # of torchvision's BatchNorm


class Convolution(nn.Module):
    """``relu(norm(conv(x)) + skip)``, of which ReLU and the sum are optional, in one pass.

    Args:
        state: the network's weights.
        conv, norm: names of the convolution and the BatchNorm in it.
        stride: of the convolution; its output is otherwise as large as its input.
        relu: whether to end with one.
    """

    def __init__(self, state: dict[str, Tensor], conv: str, norm: str, stride: int = 1, relu: bool = True) -> None:
        super().__init__()
        mean, variance, scale, shift = (
            state[f"{norm}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")
        )
        kernel = state[f"{conv}.weight"]
        weight, bias = fuse_conv_bn_weights(kernel, None, mean, variance, EPSILON, scale, shift)
        self._weight, self._bias, self._relu = weight.detach(), bias.detach(), relu
        self._place = [kernel.shape[-1] // 2] * 2, [stride] * 2, [1, 1], 1  # padding, stride, dilation, groups
        self._onednn = torch.backends.mkldnn.is_available()
        if self._onednn:
            self._weight = torch.ops.mkldnn._reorder_convolution_weight(self._weight, *self._place)

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """``x`` (B, C, H, W) to (B, D, H', W'), the shape of ``skip``, which may be overwritten."""
        weights, last = (self._weight, self._bias, *self._place), ("relu" if self._relu else "none", [], "")
        if self._onednn and skip is None:
            return torch.ops.mkldnn._convolution_pointwise(x, *weights, *last)
        if self._onednn:
            return torch.ops.mkldnn._convolution_pointwise_.binary(skip, x, *weights, "add", 1.0, *last)
        padding, stride, *_ = self._place
        y = nn.functional.conv2d(x, self._weight, self._bias, stride, padding)
        if skip is not None:
            y += skip
        return y.relu_() if self._relu else y


class Block(nn.Module):
    """Two of them, and what goes around them: torchvision's `BasicBlock`. It may overwrite its input."""

    def __init__(self, state: dict[str, Tensor], name: str) -> None:
        super().__init__()
        around = f"{name}.downsample"
        halves = f"{around}.0.weight" in state
        stride = 2 if halves else 1
        self.first = Convolution(state, f"{name}.conv1", f"{name}.bn1", stride)
        self.second = Convolution(state, f"{name}.conv2", f"{name}.bn2")
        self.skip = Convolution(state, f"{around}.0", f"{around}.1", stride, relu=False) if halves else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        inner = self.first(x)  # before the sum overwrites x
        return self.second(inner, self.skip(x))


def fused(state: dict[str, Tensor]) -> nn.Module:
    """All but the last layer: pictures (B, 3, H, W), best with channels last, to features (B, F).

    Args:
        state: the ``state_dict`` of a torchvision ResNet18, float32; it is copied.
    """
    blocks = [Block(state, f"layer{layer}.{block}") for layer in (1, 2, 3, 4) for block in (0, 1)]
    first = Convolution(state, "conv1", "bn1", stride=2)
    return nn.Sequential(first, nn.MaxPool2d(3, 2, 1), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())
