"""The framework in Python: what `import sweep` gives. The command is a thin layer over it."""
