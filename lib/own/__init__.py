"""A reader's own networks and pictures."""
