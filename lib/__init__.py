"""The science of the book: models, training, input gradients, similarity and the judgement of claims."""
