"""Tests do not wait for the disk: those of durability say so themselves."""

import os

os.environ.setdefault("SWEEP_FSYNC", "off")
