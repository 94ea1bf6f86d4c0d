"""What changes with the batch size, with more images or epochs, with depth and width, and with choices left open.

`paired` trains and measures networks that differ in one setting, `batch_size` and `scale` are such settings; `errors`
and `accuracy_differences` tell on which images and classes two architectures are right; `open_choices` takes the same
gradients otherwise.
"""
