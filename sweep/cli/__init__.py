"""What people touch: the `sweep` command and what it shows."""
