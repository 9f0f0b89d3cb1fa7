"""How results get there: the launch, its schedule, the work at every point, and who does it."""
