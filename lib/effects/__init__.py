"""What changes with the batch size, with more images or epochs, with depth and width, and through training.

`paired` trains and measures networks that differ in one setting, `batch_size` and `scale` are such settings; `learning`
looks at networks through training; `errors` and `accuracy_differences` tell on which images and classes two
architectures are right.
"""
