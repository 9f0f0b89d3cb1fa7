"""Metropolis on 512 replicas of an Ising lattice at once: bit i of a word is replica i, 8 words are one vector.

Replica r = 64 w + i is bit i of word w. A lattice of 512 replicas is uint64[size^2, 8]; a bit that is set is a spin -1.

    program = metropolis.program(thresholds)            # uint64[2, 8]: 2^64 exp(-4/T) and 2^64 exp(-8/T)
    state = generator.new_state(rng)
    metropolis.sweep(spins, size, sweeps, program, state)  # changes spins and state
"""
