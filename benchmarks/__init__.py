"""How fast the book's computations are, beside what people use and beside the limit of this machine: `make bench`.

Every row of `ROWS` is a module with `cases`; `measuring` checks that all ways of a case give the same and times them in
turns.  `growth` measures how cost grows, `forecast` what the whole study of the paper would take.  `python -m benchmarks`
writes results.json beside this file, from which book/speed.py makes a page.

`training.py` and `training_step.py` are studies of their own: which stacks are fastest, and where a step's time goes.
"""

ROWS = ("populations", "gradients", "similarity", "cka", "stitching", "layers", "decoding")
STUDIES = ("book", "streams", "growth", "forecast")
