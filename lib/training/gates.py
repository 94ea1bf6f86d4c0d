"""What networks must have learnt before claims about them are judged.

Trained on true labels, every network of a population classifies the test images at least five times as well as chance,
and at least 0.9 times as well as the authors' networks of its width, where they are known; the test loss is no gate,
because networks that fit their training images raise it.  Trained on shuffled labels or on a shortcut, which the test
images do not have, they are gated by what they learn, the training loss.  The residual networks of
the second paper have fitted their training images.
"""

import math
from dataclasses import dataclass

from lib.models.cifar_resnets import is_cifar_resnet
from lib.training.controls import CONTROLS
from lib.training.specification import Specification
from lib.training.trainer import TrainedNetwork

TIMES_CHANCE, FITTED_TIMES_CHANCE = 5, 3
OF_THE_AUTHORS = 0.9
FITTED_LOSS = 0.05  # nats
DRAWN_LOSS = 0.9  # of the loss of chance: some of the labels or patches that were drawn are learnt
# Test accuracies of the networks that the salience paper's authors released (chapter 10): data, family, width
AUTHORS = {("cifar10", "cnn-small", 8): 0.70, ("cifar10", "cnn-small", 16): 0.79, ("cifar10", "cnn-small", 32): 0.83}


@dataclass(frozen=True)
class Gate:
    """Bounds that every network of a population has to keep; None asks for nothing.

    Attributes:
        accuracy: least test accuracy, from 0 to 1.
        train_loss: greatest mean training loss of the last epoch, in nats.
    """

    accuracy: float | None = None
    train_loss: float | None = None

    def __str__(self) -> str:
        bounds = [("test accuracy of at least", self.accuracy), ("training loss of at most", self.train_loss)]
        return " and ".join(f"{words} {bound:.2f}" for words, bound in bounds if bound is not None)

    def passed(self, network: TrainedNetwork) -> bool:
        """Whether an evaluated network keeps all bounds."""
        accurate = self.accuracy is None or network.test_accuracy[-1] >= self.accuracy
        return accurate and (self.train_loss is None or network.train_loss[-1] <= self.train_loss)


def gate_of(specification: Specification) -> Gate:
    """The gate of a population, whatever its number of epochs."""
    chance = 1 / specification.num_classes
    if CONTROLS[specification.control].drawn:
        return Gate(train_loss=DRAWN_LOSS * math.log(specification.num_classes))
    if is_cifar_resnet(specification.family):
        return Gate(FITTED_TIMES_CHANCE * chance, FITTED_LOSS)
    authors = AUTHORS.get((specification.dataset, specification.family, specification.width), 0)
    return Gate(max(TIMES_CHANCE * chance, OF_THE_AUTHORS * authors))
