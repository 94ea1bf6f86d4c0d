"""What speaks of one chapter: its claims, findings and figures."""
