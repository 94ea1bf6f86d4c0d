"""What networks must have learnt: to be stored as finished (`lib.training.plan`), and for a claim about them (`lib.gates`)."""

TIMES_CHANCE = 5.0
FITTED_TIMES_CHANCE = 3.0  # few images: such networks learn less than others, and are large beside them
FITTED_LOSS = 0.05  # nats
DRAWN_LOSS = 0.9  # of the loss of chance: some of the labels or patches that were drawn are learnt
SHARE_OF_AUTHORS = 0.9
# (data set, family) -> width -> test accuracy of the networks that the salience paper's authors released (chapter 10)
AUTHORS = {("cifar10", "cnn-small"): {8: 0.70, 16: 0.79, 32: 0.83}}
