"""What changes with the size of batches, the scale and choices a paper leaves open; errors of networks."""
