"""The report: a folder with figures, numbers and a page that shows them."""
