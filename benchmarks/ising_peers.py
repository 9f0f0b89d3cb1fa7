"""Runs in the peers' own environment: reads jobs from standard input, answers with seconds of processor time.

A job is a JSON list ``[package, algorithm, size, temperature, sweeps]``.
"""

import json
import sys
import time
from functools import cache

import mcising
import numpy as np
import peapods


@cache
def mcising_chain(algorithm, size, temperature):
    """Return an equilibrated chain; large lattices get there by Swendsen-Wang."""
    clusters = mcising.IsingSimulation(size, 1.0, 0.0, 0.0, 0.0, time.time_ns() % 2**32, "swendsen_wang")
    clusters.sweep(60, temperature=temperature)
    chain = mcising.IsingSimulation(size, 1.0, 0.0, 0.0, 0.0, time.time_ns() % 2**32, algorithm)
    chain.set_spins(clusters.get_spins())
    return chain


@cache
def peapods_chain(size, temperature):
    """Return a chain that starts from random spins."""
    return peapods.Ising((size, size), temperatures=np.array([temperature]))


def run(package, algorithm, size, temperature, sweeps):
    """Return the seconds of processor time that some sweeps take."""
    if package == "mcising":
        chain = mcising_chain(algorithm, size, temperature)
        begin = time.process_time()
        chain.sweep(sweeps, temperature=temperature)
    else:
        chain = peapods_chain(size, temperature)
        begin = time.process_time()
        chain.sample(sweeps, sequential=True, warmup_ratio=0.0)
    return time.process_time() - begin


for line in sys.stdin:
    print(run(*json.loads(line)), flush=True)
