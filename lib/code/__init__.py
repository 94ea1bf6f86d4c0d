"""What code does, whatever it looks like, and which modules it reaches; without torch."""
