"""What is wanted: the grid file, read and checked, every label and parameter known."""
