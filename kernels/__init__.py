"""Models: numbers in, numbers out. Nothing here knows of files, labels, processes or the framework."""
