"""Datasets in, numbers with errors out."""
