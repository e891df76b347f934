"""Monodepth2's training step and disparity network in PyTorch, for comparison only.

Written from the paper (Godard et al. 2019) and from the names and shapes of its published weights.
"""

import torch
from torch import nn
from torch.nn import functional as F

from tests.benchmarks.torch_sfm import (
    DecoderBlock,
    PhotometricLoss,
    ResidualBlock,
    arranged,
    reprojection,
    smoothness,
)
from tests.golden_weights import det

CHANNELS = (16, 32, 64, 128, 256)  # of the decoder's levels 0 to 4
SKIPS = (64, 64, 128, 256, 512)  # of the encoder's five maps


class Encoder(nn.Module):
    """A ResNet-18 of one image or of two that are stacked."""

    def __init__(self, images=1):
        super().__init__()
        net = nn.Module()
        net.conv1 = nn.Conv2d(3 * images, 64, 7, 2, 3, bias=False)
        net.bn1 = nn.BatchNorm2d(64)
        widths = (64, 64, 128, 256, 512)
        for number, (width, out) in enumerate(zip(widths, widths[1:]), 1):
            blocks = nn.Sequential(ResidualBlock(width, out), ResidualBlock(out, out))
            net.add_module(f"layer{number}", blocks)
        self.encoder = net

    def forward(self, image):
        """(B, 3 images, H, W), 0..1 -> five maps."""
        net = self.encoder
        maps = [F.relu(net.bn1(net.conv1((image - 0.45) / 0.225)))]
        maps.append(net.layer1(F.max_pool2d(maps[-1], 3, 2, 1)))
        for layer in (net.layer2, net.layer3, net.layer4):
            maps.append(layer(maps[-1]))
        return maps


class Reflected(nn.Module):
    """A 3x3 convolution with reflected borders."""

    def __init__(self, channels, out):
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3)

    def forward(self, x):
        return self.conv(F.pad(x, (1, 1, 1, 1), mode="reflect"))


class Decoder(nn.Module):
    """Disparities at some scales."""

    def __init__(self, scales=(0, 1, 2, 3)):
        super().__init__()
        self.scales = scales
        cells, below = [], SKIPS[4]
        for level in range(4, -1, -1):
            channels = CHANNELS[level]
            cells.append(Reflected(below, channels))
            cells.append(DecoderBlock(channels, SKIPS[level - 1] if level else 0, channels))
            below = channels
        self.decoder = nn.ModuleList(cells + [Reflected(CHANNELS[scale], 1) for scale in scales])

    def forward(self, maps):
        """Five maps -> (B, 1, H / 2^s, W / 2^s), 0..1, for each scale."""
        x, levels = maps[4], []
        for number in range(5):
            x = F.elu(self.decoder[2 * number](x))
            x = self.decoder[2 * number + 1](x, *([maps[3 - number]] if number < 4 else []))
            levels.append(x)
        heads = self.decoder[10:]
        return [torch.sigmoid(head(levels[4 - s])) for head, s in zip(heads, self.scales)]


class Disparity(nn.Module):
    """The network of prediction, (B, 3, H, W) -> (B, 1, H, W), with the goldens' weights."""

    def __init__(self):
        super().__init__()
        self.encoder, self.depth = filled(Encoder(), "encoder"), filled(Decoder((0,)), "depth")

    def forward(self, image):
        """Disparity of scale 0."""
        return self.depth(self.encoder(image))[0]


class Pose(nn.Module):
    """Two predicted motions; the first is used."""

    def __init__(self):
        super().__init__()
        convs = [nn.Conv2d(512, 256, 1), nn.Conv2d(256, 256, 3, padding=1)]
        convs += [nn.Conv2d(256, 256, 3, padding=1), nn.Conv2d(256, 12, 1)]
        self.net = nn.ModuleList(convs)

    def forward(self, x):
        """(B, 512, h, w) -> axis-angle (B, 3), translation (B, 3)."""
        for conv in self.net[:3]:
            x = F.relu(conv(x))
        motion = 0.01 * self.net[3](x).mean((2, 3))
        return motion[:, :3], motion[:, 3:6]


def pose_matrix(axis_angle, translation, is_inverted):
    """(B, 4, 4), by Rodrigues' formula."""
    angle = axis_angle.norm(dim=1, keepdim=True)
    x, y, z = (axis_angle / (angle + 1e-7)).unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), 1).reshape(-1, 3, 3)
    angle = angle[..., None]
    rotation = torch.sin(angle) * cross + (1 - torch.cos(angle)) * cross @ cross
    rotation, translation = rotation + torch.eye(3), translation[..., None]
    if is_inverted:
        rotation = rotation.transpose(1, 2)
        translation = -rotation @ translation
    last = torch.tensor([0.0, 0, 0, 1]).expand(len(x), 1, 4)
    return torch.cat((torch.cat((rotation, translation), 2), last), 1)


class Training(nn.Module):
    """Networks and loss; a batch of `bench_monodepth2.batch` -> a scalar.

    Args:
        networks: {name: module}.
        sources: names of the compared images, of m1, p1 and s.
        camera: K and its inverse, (B, 3, 3) arrays.
        noise: (B, S, H, W) array.
    """

    def __init__(self, networks, sources, camera, noise):
        super().__init__()
        self.networks, self.sources = nn.ModuleDict(networks), sources
        self.warp = PhotometricLoss(*camera, *noise.shape[2:]).warp
        self.noise = torch.from_numpy(noise)

    def forward(self, batch):
        """{field: tensor} -> the loss."""
        networks = self.networks
        disparities = networks["depth"](networks["encoder"](batch["color_aug_0"]))
        poses = [self.pose(batch, source) for source in self.sources]
        target = batch["color_0_0"]
        images = [batch[f"color_{source}_0"] for source in self.sources]
        still = torch.cat([reprojection(target, image) for image in images], 1) + self.noise
        total = 0
        for scale, disparity in enumerate(disparities):
            size = target.shape[2:]
            full = F.interpolate(disparity, size, mode="bilinear", align_corners=False)
            depth = 1 / (0.01 + 9.99 * full)
            views = [self.warp(depth, pose, image) for pose, image in zip(poses, images)]
            errors = torch.cat([still, *(reprojection(target, view) for view in views)], 1)
            total = total + errors.min(1)[0].mean()
            uneven = smoothness(disparity, batch[f"color_0_{scale}"])
            total = total + 1e-3 / 2**scale * uneven
        return total / len(disparities)

    def pose(self, batch, source):
        """(B, 4, 4) of a source from the target."""
        if source == "s":
            return batch["stereo_T"]
        pair = [batch["color_aug_0"], batch[f"color_aug_{source}"]]
        pair = pair[::-1] if source == "m1" else pair
        features = self.networks["pose_encoder"](torch.cat(pair, 1))[4]
        return pose_matrix(*self.networks["pose"](features), source == "m1")


def filled(net, prefix):
    """The network with the goldens' weights."""
    values = {}
    norms = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "var"}
    for name, value in net.state_dict().items():
        head, _, last = name.rpartition(".")
        if last == "num_batches_tracked":
            continue
        is_norm = isinstance(net.get_submodule(head), nn.BatchNorm2d)
        words = head.replace(".down.", ".downsample.").split(".")
        if words[0] == "decoder" and int(words[1]) < 10:
            words.append("conv")  # the published networks wrap these twice
        key = ".".join([prefix, *words, last]).replace(".", "/", 1)
        values[name] = torch.from_numpy(det(key, value.shape, norms[last] if is_norm else last))
    net.load_state_dict(values, strict=False)
    return net


def training_step(sources, arrays, noise, form):
    """A function: forward, loss, backward, Adam; returns the loss."""
    networks = {"encoder": Encoder(), "depth": Decoder()}
    networks |= {"pose_encoder": Encoder(2), "pose": Pose()}
    networks = {name: filled(net, name) for name, net in networks.items()}
    net = Training(networks, sources, (arrays["K"], arrays["inv_K"]), noise).train()
    if form == "channels_last":
        net = net.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
    batch = {
        name: arranged(a.astype("float32") / (255 if a.dtype == "uint8" else 1), form)
        for name, a in arrays.items()
    }
    run = torch.compile(net) if form == "compile" else net

    def step():
        loss = run(batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return step


def inference(image, form):
    """A function: disparity of scale 0, as an array."""
    net = Disparity().eval()
    if form == "channels_last":
        net = net.to(memory_format=torch.channels_last)
    net = torch.compile(net) if form == "compile" else net
    image = arranged(image, form)

    def run():
        with torch.inference_mode():
            return net(image).numpy()

    return run
