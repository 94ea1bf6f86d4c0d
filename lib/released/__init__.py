"""Networks that other authors released."""

from lib.released.networks import checkpoint_files, load, load_folder, one_family

__all__ = ["checkpoint_files", "load", "load_folder", "one_family"]
