"""What the exhibit of Appendix B argues, as the paper does, with the numbers that it is argued by."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.enumerated_machines import MachineCase
from sweep.analysis.exact import small_machines
from sweep.analysis.exact.counterexample import Operator, machine_and_product
from sweep.analysis.exact.enumeration import Floats, free_energy, ising_hamiltonian
from sweep.analysis.exact.perfect_machines import best_machine, ising_machine

SEEDS = (1, 2, 3)  # of the starts from which the best machine is looked for


@dataclass(frozen=True)
class Findings:
    """What the argument says of one setting of the training.

    Parameters
    ----------
    start, end : Dataset
        Means over trainings of the quantities of `Mapping`, at the first and the last snapshot.
    best : tuple of Mapping
        Of the machines where exact descent ends, the best first: what perfect training of so many units could reach.
    machine, product : Operator
        The first training at its end, and the product of its marginals.
    identity : float
        The largest |KL + ΔF + ⟨ln Tr_h e^T⟩| of all trainings and snapshots.
    """

    start: xr.Dataset
    end: xr.Dataset
    best: tuple[small_machines.Mapping, ...]
    machine: Operator
    product: Operator
    identity: float


def findings(case: MachineCase, table: xr.Dataset) -> Findings:
    """Return what the argument says of a case, whose `mappings` are `table`."""
    means = table.mean(REALISATION)
    total = table["divergence"] + table["free_energy_difference"] + table["mean_log_trace"]
    return Findings(
        means.isel(snapshot=0),
        means.isel(snapshot=-1),
        _best(case.size, case.temperature, case.hidden),
        *machine_and_product(case.machine(0, -1), case.hamiltonian),
        float(np.abs(total).max()),
    )


@functools.lru_cache(maxsize=64)
def _best(size: int, temperature: float, hidden: int) -> tuple[small_machines.Mapping, ...]:
    hamiltonian = ising_hamiltonian(size, temperature)
    found = [small_machines.mapping_of(best_machine(hamiltonian, hidden, seed), hamiltonian) for seed in SEEDS]
    return tuple(sorted(found, key=lambda one: one.divergence))


def perfect_free_energy_difference(size: int, temperature: float) -> float:
    """Return ΔF of the machine with one hidden unit per bond, whose p(v) is the Ising model's."""
    of_v = small_machines.visible_hamiltonian(ising_machine(size, temperature))
    return free_energy(of_v) - free_energy(ising_hamiltonian(size, temperature))


def argument(case: MachineCase, found: Findings, curves: Mapping[str, Floats]) -> tuple[str, ...]:
    """Return the paragraphs of the argument.

    Parameters
    ----------
    case, found
        The setting that training has brought closest to perfect, and what is known of it.
    curves : mapping
        As `kadanoff_curves` gives them, up to majority.
    """
    return (
        _what_holds_always(found),
        _what_holds_when_perfect(case, found),
        _what_perfection_leaves_open(case, found),
        _what_marginals_leave_open(found),
        _what_cannot_be_minimised(curves),
    )


def _what_holds_always(found: Findings) -> str:
    return (
        "The mapping. Mehta and Schwab write a machine as the operator T(v,h) = −E(v,h) + H[v] of a variational "
        "renormalization (eqs 46-53). Its coarse Hamiltonian is exp(−H^RG[h]) = Tr_v exp(T − H) = Tr_v exp(−E) = "
        "exp(−H^RBM[h]): H[v] drops out. So H^RG = H^RBM for any couplings, trained or not, and whatever the data "
        f"are (here to {found.machine.beyond_marginals:.0e}). That is how T is defined; it says nothing of training."
    )


def _what_holds_when_perfect(case: MachineCase, found: Findings) -> str:
    start, end = float(found.start["spread"]), float(found.end["spread"])
    best = found.best[0]
    return (
        "What only perfect training gives. On the other side, Tr_h exp(T) = exp(H[v] − H^RBM[v]), the same for all v "
        "only where the machine's p(v) is that of the data. With X = ln Tr_h exp(T) and averages over the data, "
        "KL + ΔF + ⟨X⟩ = 0 is an identity (panel b), and KL = ln⟨exp X⟩ − ⟨X⟩: training brings down how much X varies. "
        f"In {case.label}, the setting that comes closest, its standard deviation goes from {start:.2f} to {end:.2f}; "
        f"that of the best machine of as many units is {best.spread:.2g} (KL {best.divergence:.2g}). As long as it is "
        "not 0 the machine is no exact step of the renormalization group; panel a shows how far trainings are from one."
    )


def _what_perfection_leaves_open(case: MachineCase, found: Findings) -> str:
    bonds = perfect_free_energy_difference(case.size, case.temperature)
    starts = ", ".join(f"{one.free_energy_difference:.1f}" for one in found.best)
    known = ", ".join(f"{one.information:.2f}" for one in found.best)
    return (
        "What even perfect training leaves open. X is then the same for all v, but not 0, since E has no constant. The "
        f"machine with one hidden unit per bond is perfect, and its ΔF is −2L²(ln 2 + 1/T) = {bonds:.2f}. Descent of "
        f"the exact KL from {len(found.best)} starts, {case.hidden} units, ends at KL = "
        f"{found.best[0].divergence:.1g} to {found.best[-1].divergence:.1g}, ΔF = {starts}, I(v;h) = {known} nats: "
        "machines that are equally good, with other hidden units each. How good p(v) is does not say what h is."
    )


def _what_marginals_leave_open(found: Findings) -> str:
    machine, product = found.machine, found.product
    return (
        "The paper's counterexample (eqs 54-59). The mapping speaks of the marginals p(v) and p(h) alone. p̃(v,h) = "
        "p(v)p(h) has the same, and with them the same H^RG[h], Tr_h exp(T), KL and ΔF "
        f"({machine.free_energy_difference:.4f} in both; 0 in both where T has the constant that makes Tr exp(T − H) "
        "the Z of the data). But in the machine ⟨vh⟩ − ⟨v⟩⟨h⟩ is as large as "
        f"{machine.correlation:.2f}, and h knows {machine.information:.2f} nats of v; in p̃ these are "
        f"{product.correlation:.0e} and {abs(product.information):.0e}. Nobody would call p̃ a coarse graining. So that "
        "the equations hold is no evidence of one, as the paper says, and correlations ⟨vh⟩ are what to look at."
    )


def _what_cannot_be_minimised(curves: Mapping[str, Floats]) -> str:
    largest = float(np.abs(curves["free energy difference"]).max())
    return (
        "What minimising ΔF cannot do (eqs 74-80). The paper chooses λ of T_λ by the least ΔF = F^h − F^v. With exact "
        "sums this is ill-posed: T + c has ΔF − c, below 0 too, and every operator with Tr_h exp(T) = 1 has ΔF = 0. "
        f"Kadanoff's is normalised at any λ: in panel d the largest |ΔF| is {largest:.0e}, while I(v;h) grows from 0 "
        f"at λ = 0, where h is tossed like a coin, to {curves['information'][-1]:.3f} nats for majority, and the "
        "couplings with it. ΔF prefers none of them. (Kadanoff's own principle bounds F where the sum over v is "
        "approximated, and has something to choose there.) Signs: panel d has the coefficients of H^RG; the paper's K̃ "
        "(eq 76) are minus these."
    )
