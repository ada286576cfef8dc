"""A ResNet-50 that separates faces, made in a minute in place of a trained one, for benchmarks only.

Where no trained weights are available, these are constructed. Convolutions are random (He et al., 2015) and seeded;
each stage also passes its input on unchanged; batch normalisation gets the statistics of faces. Such a network lacks
positions, because at its end it averages over all places. So the third stage also passes marks that say whether a place
lies right of a column or below a row, which a convolution detects at the border of the image; and each channel of the
fourth stage reads one place only. A linear layer behind it, fitted to the faces, does the rest. Operations and sizes
are those of any other ResNet-50.
"""

import numpy as np

from facetrack_ros.vision.embedding.projection import Projection

SEED = 0
#: Side of the third stage's output map, for crops of 112 pixels.
GRID = 7
#: What a block adds to its input, in standard deviations: a small value keeps positions.
GAMMA = 0.2
#: Value of a mark in the third stage, and what it subtracts from a channel, in standard deviations.
BEYOND, COST = 4.0, 8.0
#: Largest distance of a channel from its mean, in standard deviations: INT8 has one scale for all channels, and rare
#: large values in one would cost all others their precision.
PEAK = 4.0
#: Taps (row, column) of a 3x3 convolution that read the neighbour to the left and above, which is missing at the
#: border.
TAPS = ((1, 0), (0, 1))
STEPS = GRID - 1
MARKS = len(TAPS) * STEPS
#: Inputs of a channel that reads one place.
INPUTS = 32
#: Added to the within-class variance in every direction, as a share of its mean: more means less whitening.
SHRINKAGE = 3.0


def mark(direction: int, steps: int) -> int:
    """The channel of the third stage that is not zero where so many steps to the left, or up, stay within the image."""
    return direction * STEPS + steps - 1


def make_network(crops):
    """The network in eval mode, on the CPU, without its classifier.

    :param crops: ``(n, 3, 112, 112)`` float32 torch tensor, faces as the network takes them.
    """
    import torch
    from torchvision.models import resnet50

    torch.manual_seed(SEED)
    network = resnet50(weights=None)
    network.fc = torch.nn.Identity()
    network.requires_grad_(False).eval()
    identity = {}  # by batch normalisation: channels that it leaves unchanged
    places = {}  # by batch normalisation: its convolution and the place of each channel
    for stage in (network.layer1, network.layer2, network.layer3):
        for block in stage:
            block.bn3.weight.fill_(GAMMA)
        # The input is passed on unchanged, repeated: mixed channels would amplify the noise of INT8.
        convolution, norm = stage[0].downsample
        first = MARKS if stage is network.layer3 else 0
        to = torch.arange(first, convolution.out_channels)
        convolution.weight.zero_()
        convolution.weight[to, (to - first) % convolution.in_channels, 0, 0] = 1.0
        identity[norm] = slice(None)
    _pass_marks(network.layer3, identity)
    _read_places(network.layer4, identity, places)
    _normalise(network, crops, identity, places)
    return network


def _pass_marks(stage, identity: dict) -> None:
    for number, block in enumerate(stage):
        middle, out = slice(0, len(TAPS)), slice(0, MARKS)
        for convolution, channels in ((block.conv1, middle), (block.conv2, middle), (block.conv3, out)):
            convolution.weight[channels] = 0.0
        if number == 0:
            block.downsample[0].weight[out] = 0.0
        identity[block.bn1], identity[block.bn2], identity[block.bn3] = middle, middle, out
        for direction, (row, column) in enumerate(TAPS):
            if number == 0:
                block.bn1.bias[direction] = BEYOND
            else:
                block.conv1.weight[direction, mark(direction, number)] = 1.0
            block.conv2.weight[direction, direction, row, column] = 1.0
            block.conv3.weight[mark(direction, number + 1)] = 0.0
            block.conv3.weight[mark(direction, number + 1), direction] = 1.0


def _read_places(stage, identity: dict, places: dict) -> None:
    import torch

    width, passed = stage[0].conv1.out_channels, slice(3 * stage[0].conv1.out_channels, None)
    for number, block in enumerate(stage):
        weight = block.conv1.weight
        weight.zero_()
        first = MARKS if number == 0 else passed.start + MARKS
        last = weight.shape[1]
        for channel in range(width):
            chosen = first + torch.randperm(last - first)[:INPUTS]
            weight[channel, chosen, 0, 0] = torch.randn(len(chosen))
        side, step = (GRID, 1) if number == 0 else ((GRID + 1) // 2, 2)
        places[block.bn1] = (
            block.conv1,
            [(channel % side**2 // side, channel % side) for channel in range(width)],
            step,
            0 if number == 0 else passed.start,
        )
        block.conv2.weight.zero_()
        block.conv3.weight.zero_()
        each = torch.arange(width)
        for row in (1, 2) if number == 0 else (1,):
            for column in (1, 2) if number == 0 else (1,):
                block.conv2.weight[each, each, row, column] = 1.0
        block.conv3.weight[number * width + each, each, 0, 0] = 1.0
        identity[block.bn2], identity[block.bn3] = slice(None), slice(None)
    down = stage[0].downsample
    down[0].weight.zero_()
    count = stage[0].conv3.out_channels - passed.start
    others = MARKS + torch.randperm(down[0].in_channels - MARKS)[: count - MARKS]
    down[0].weight[passed.start + torch.arange(count), torch.cat([torch.arange(MARKS), others]), 0, 0] = 1.0
    identity[down[1]] = slice(None)
    stage[-1].bn3.bias[passed] = -2 * BEYOND  # the passed channels end here


def peaked(rows, mean, variance):
    """Factors of 1 or less that keep the largest values of channels within :data:`PEAK`."""
    return (PEAK * (variance + 1e-5).sqrt() / (rows.amax(0) - mean).clamp(min=1e-5)).clamp(max=1.0)


def _normalise(network, crops, identity: dict, places: dict) -> None:
    import torch

    seen = {}

    def before(convolution, arguments):
        seen[convolution] = arguments[0]

    def statistics(norm, arguments):
        rows = arguments[0]
        if norm in places:
            convolution, where, step, first = places[norm]
            at = torch.stack([rows[:, channel, row, column] for channel, (row, column) in enumerate(where)], 1)
            mean, variance = at.mean(0), at.var(0)
            norm.weight.mul_(peaked(at, mean, variance))
            for channel, place in enumerate(where):
                for direction, steps in enumerate((place[1] * step, place[0] * step)):
                    cost = COST / BEYOND * (variance[channel] + norm.eps).sqrt()
                    if steps < STEPS:  # places beyond it pay
                        convolution.weight[channel, first + mark(direction, steps + 1)] = -cost
                    if steps > 0:  # all pay, and places here or beyond get it back
                        convolution.weight[channel, first + mark(direction, steps)] = cost
                        norm.bias[channel] -= COST * norm.weight[channel]
            rows = convolution(seen[convolution])
        else:
            mean, variance = rows.mean((0, 2, 3)), rows.var((0, 2, 3))
            norm.weight.mul_(peaked(rows.amax((2, 3)), mean, variance))
        if norm in identity:
            mean[identity[norm]], variance[identity[norm]] = 0.0, 1.0 - norm.eps
            norm.weight[identity[norm]] = 1.0
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        return (rows,)

    hooks = [convolution.register_forward_pre_hook(before) for convolution, *_ in places.values()]
    hooks += [
        module.register_forward_pre_hook(statistics)
        for module in network.modules()
        if isinstance(module, torch.nn.BatchNorm2d)
    ]
    with torch.no_grad():
        network(crops)
    for hook in hooks:
        hook.remove()


def fit_head(rows: np.ndarray, people: np.ndarray) -> Projection:
    """Projection that removes the mean and normalises the within-class covariance (Hatch et al., 2006).

    :param rows: ``(n, 2048)`` unit rows of the network.
    :param people: ``(n,)`` the person of each.
    """
    rows = rows.astype(np.float64)
    classes = [rows[people == person] for person in np.unique(people)]
    within = np.concatenate([own - own.mean(0) for own in classes])
    covariance = within.T @ within / len(within)
    variances, directions = np.linalg.eigh(covariance)
    spread = SHRINKAGE * np.trace(covariance) / np.count_nonzero(rows.std(0) > 0)
    components = (directions / np.sqrt(variances + spread)) @ directions.T
    return Projection(components.astype(np.float32), rows.mean(0).astype(np.float32))
