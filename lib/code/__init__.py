"""What code does, whatever it looks like (`form`), and which modules it reaches (`closure`); without torch."""
