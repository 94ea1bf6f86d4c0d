"""The pictures of the book: one look, readable without colour vision, captions that say how many of what."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from matplotlib.figure import Figure

# Okabe and Ito's palette, told apart with every kind of colour vision; markers repeat the distinction.
COLOURS = {"cnn-small": "#0072B2", "cnn-large": "#56B4E9", "resnet-small": "#D55E00", "resnet-large": "#E69F00"}
MARKERS = {"cnn-small": "o", "cnn-large": "s", "resnet-small": "^", "resnet-large": "D"}
STYLE = {"figure.dpi": 110, "font.size": 11, "axes.spines.top": False, "axes.spines.right": False,
         "axes.grid": True, "grid.alpha": 0.3, "legend.frameon": False, "figure.constrained_layout.use": True,
         "image.cmap": "viridis"}


def show(figure: Figure, caption: str) -> None:
    """Display a figure with its caption below, and close it.  Captions name the numbers behind the figure."""
    display(figure)
    display(Markdown(caption))
    plt.close(figure)


def subplots(rows: int = 1, columns: int = 1, *, width: float = 6.4, height: float = 4.2, **options):
    """`matplotlib.pyplot.subplots` in the book's style; sizes in inches for one panel."""
    plt.rcParams.update(STYLE)
    return plt.subplots(rows, columns, figsize=(width * columns, height * rows), **options)
