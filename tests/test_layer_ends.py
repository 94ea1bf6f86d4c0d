"""A network cut after any of its layers goes on as itself from that layer's output, or is refused with the reason."""

import copy

import pytest
import torch
import torchvision
from small_networks import network, random_images
from torch import nn

from lib import models
from lib.models.cut_networks import LayerEnd
from lib.salience import extraction

IMAGES = random_images(5, 3, (32, 32))[0]


class Several(nn.Module):
    """Returns two things, works in place after its first layer, and lets `use` see the images beside it."""

    def __init__(self, use=lambda images: 0):
        super().__init__()
        self.use, self.first, self.relu = use, nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4))

    def forward(self, images):
        return 0, self.head(self.relu(self.first(images))) + self.use(images)


def second(use=lambda images: 0):
    return models.ClassScores("several", Several(use), lambda output: output[1])


NETWORKS = {
    "resnet": lambda: torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=4),
    "densenet": lambda: torchvision.models.DenseNet(4, (2, 2), 8, num_classes=4),
    "vit": lambda: torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=4),
    "several": second,
}
POINTS = {
    "resnet": ("relu", "layer1", "layer4.0", "avgpool", "fc"),
    "densenet": ("features.denseblock1", "features.transition1", "features.norm5"),
    "vit": ("conv_proj", "encoder.layers.encoder_layer_0", "encoder"),  # the first counts the images
    "several": ("first", "relu", "head.0"),
}


def made(kind):
    torch.manual_seed(0)
    model = NETWORKS[kind]()
    for weight in (weight for weight in model.parameters() if not weight.any()):
        nn.init.normal_(weight)  # torchvision begins with a head of zeros, whose scores tell nothing
    return model.eval()


@pytest.mark.parametrize("kind, point", [(kind, point) for kind, points in POINTS.items() for point in points])
def test_from_a_layer_s_own_output_the_end_gives_the_scores_of_the_network(kind, point):
    model = made(kind)
    whole = getattr(model, "model", model)
    (found,) = models.activations(whole, IMAGES, [point])
    kept, before = found[point].clone(), copy.deepcopy(model.state_dict())
    scores = LayerEnd(model.train(), point, IMAGES)(found[point])
    assert model.training and all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    torch.testing.assert_close(scores, extraction.logits(model, IMAGES), rtol=1e-4, atol=1e-5)
    assert torch.equal(found[point], kept) and not scores.requires_grad


@pytest.mark.parametrize("family", ["resnet-small", "plain-8", "vit"])
def test_maps_that_are_not_its_own_go_on_as_through_the_pieces_of_the_network(family):
    model, images = network(family=family), random_images()[0]
    cut = models.CutNetwork(model)
    for point in cut.points:
        maps = cut.representations(images)[point].roll(1, 1).requires_grad_()
        expected = cut.end(point)(maps)
        found = LayerEnd(model, point, images)(maps)
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(*(torch.autograd.grad(part.sum(), maps)[0] for part in (found, expected)))


@pytest.mark.parametrize(
    "make, point, sentence",
    [
        (lambda: made("resnet"), "layer1.0.bn2", r"ResNet cannot be cut after 'layer1.0.bn2': another way"),
        (lambda: made("densenet"), "features.denseblock1.denselayer1", "another way leads from the images past it"),
        (lambda: second(lambda images: images.mean((1, 2, 3))[:, None]), "relu", "several cannot .* another way"),
        (lambda: second(lambda images: images[:, 0, 0, :4].detach()), "relu", "depends on more of the images than"),
        (lambda: made("resnet"), "layer5", "ResNet has no layer 'layer5'; did you mean"),
        (lambda: made("several").model, "relu", r"the model Several returns 2 things \(a tuple\)"),
    ],
)
def test_where_it_cannot_be_cut_is_told_in_a_sentence(make, point, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        LayerEnd(make(), point, IMAGES)
    assert "\n" not in str(caught.value)
