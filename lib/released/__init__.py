"""What the authors released: `networks` reads their checkpoints, `heatmaps` has the numbers of their two pictures."""

from lib.released.networks import checkpoint_files, load, load_folder, one_family
