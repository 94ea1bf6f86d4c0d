"""Intervals of means, differences and tables, over networks and images."""
