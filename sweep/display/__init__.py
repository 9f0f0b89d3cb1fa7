"""What people see of plans, launches and stores, in a terminal, a notebook or a log."""
