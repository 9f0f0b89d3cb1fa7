"""Analysis: labelled datasets in, numbers and figures out."""
