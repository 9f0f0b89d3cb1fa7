"""Figures, the numbers behind them, and their rows of the table."""
