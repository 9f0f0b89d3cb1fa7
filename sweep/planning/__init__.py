"""The complete dataset, empty: where every result goes, and the tasks that fill it."""
