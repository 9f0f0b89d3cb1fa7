"""Trainings in PyTorch: those in numpy where nothing is drawn, exact expectations where units are."""

from dataclasses import replace

import numpy as np
import pytest
from trainings import drawn_from, exact_ising, trained

from sweep.kernels.rbm import RBM, RBMParams
from sweep.kernels.rbm.machine import Machine, all_spins, exact_divergence, exact_log_probabilities, mean_h_from_v, pack
from sweep.kernels.rbm.optimiser import Descent
from sweep.laws import LAWS, check_kernel
from sweep.run.executors.base import limit_threads

torch = pytest.importorskip("torch")
from sweep.kernels.rbm.torch_trainer import TorchTrainer  # noqa: E402 - after it is known to be there

ROWS = 400_000
GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
PLACES = [
    {"device": "cpu"},
    {"device": "cpu", "precision": "bfloat16"},
    pytest.param({"device": "cuda"}, marks=GPU, id="cuda"),
    pytest.param({"device": "cuda", "precision": "bfloat16"}, marks=GPU, id="cuda-bfloat16"),
]


@pytest.fixture(autouse=True)
def one_thread():
    """As in a launch; threads that share busy cores wait for each other at every small product."""
    with limit_threads(1):
        yield


@pytest.fixture(scope="module")
def exact():
    return exact_ising()


@pytest.fixture(scope="module")
def ising(exact):
    return drawn_from(exact)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=GPU)])
@pytest.mark.parametrize(
    "options",
    [
        {"optimiser": "adam"},
        {"optimiser": "adam", "epsilon": 1e-3, "epsilon_hat": True, "l1": 1e-3, "l2": 1e-2},
        {"optimiser": "momentum", "k": 3, "l2": 0.1},
        {"optimiser": "sgd", "learning_rate": 0.05, "biases": False},
        {"optimiser": "sgd", "learning_rate": 0.05, "gradient": "centred", "k": 2, "l1": 0.01},
    ],
)
def test_what_draws_nothing_is_the_training_in_numpy(ising, options, device):
    # Batches are the same, and tanh means stand for units: only rounding differs, 1e-7 in each of 60 steps. A wrong
    # sign, share, decay, order of penalties or number of Gibbs steps shows at 1e-3 or more.
    params = RBMParams(size=3, hidden=5, steps=60, block=20, preset="text", initial_scale=0.3, **options)
    ours, theirs = (trained(one, ising) for one in (params, replace(params, backend="torch", device=device)))
    start = params.machine(RBM.init(params, np.random.default_rng([1, 0]), ising).position).weights
    assert np.abs(ours[-1]["weights"] - start).max() > 0.01
    for one, other in zip(ours, theirs, strict=True):
        for name in (*Machine._fields, "gradient_norm", "kl"):
            np.testing.assert_allclose(other[name], one[name], rtol=2e-4, atol=2e-5, err_msg=name)


def transition(machine):
    """T[v, v'] = sum_h p(h|v) p(v'|h), from eqs 11-12."""
    weights, visible_bias, hidden_bias = machine
    v, h = all_spins(len(visible_bias)), all_spins(len(hidden_bias))
    h_from_v = np.prod((1 + h[None] * np.tanh(v @ weights + hidden_bias)[:, None]) / 2, axis=2)
    return h_from_v @ np.prod((1 + v[None] * np.tanh(h @ weights.T + visible_bias)[:, None]) / 2, axis=2)


def frequencies(v):
    return np.bincount((v > 0) @ (1 << np.arange(v.shape[1])), minlength=2 ** v.shape[1]) / len(v)


def expected_gradient(machine, data, model):
    """<v h>_model - <v h>_data and so on, for distributions over visible configurations."""
    v = all_spins(len(machine.visible_bias))
    h, surplus = mean_h_from_v(machine, v), model - data
    return pack(Machine((surplus[:, None] * v).T @ h, surplus @ v, surplus @ h))


@pytest.fixture(scope="module")
def machine():
    """Of 4 and 3 units; its numbers are exact in bfloat16."""
    rng = np.random.default_rng(7)
    parts = rng.normal(0, 0.9, (4, 3)), rng.normal(0, 0.3, 4), rng.normal(0, 0.3, 3)
    return Machine(*((np.round(part * 128) / 128).astype(np.float32) for part in parts))


def one_step(machine, data, chains, **options):
    """Return the gradient that one step of plain descent goes down, and the chains moved on."""
    params = RBMParams(
        size=2, hidden=3, backend="torch", optimiser="sgd", learning_rate=1, batch=ROWS, block=1, steps=1, **options
    )
    start = Descent.start(pack(machine))
    trainer = TorchTrainer(params, start, chains, np.zeros(0, np.float32), data[None], np.random.default_rng(30))
    trainer.step()
    return start.position - trainer.descent.position, trainer.chains


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("k", [1, 3])
def test_drawn_contrastive_divergence_has_the_exact_expectation(machine, place, k):
    # Every entry is a difference of two means over ROWS products of +-1: a standard error of at most sqrt(2 / ROWS).
    # 19 entries, |z| < 5: a false alarm with p < 1.2e-5. bfloat16 rounds fields and sums by 0.4 % at most, which is
    # less than 2 of those errors; a gradient whose averages are weighed unequally by that much is seen no less.
    data = np.random.default_rng(8).choice([-1, 1], (50, 4), p=[0.3, 0.7]).astype(np.int8)
    gradient, _ = one_step(machine, data, np.zeros((1, 4), np.float32), method="cd", k=k, **place)
    moved = [frequencies(data) @ np.linalg.matrix_power(transition(machine), steps) for steps in (k, k + 1)]
    right, wrong = (np.abs(gradient - expected_gradient(machine, frequencies(data), one)).max() for one in moved)
    assert right < 5 * np.sqrt(2 / ROWS)
    assert wrong > 9 * np.sqrt(2 / ROWS)  # k is counted right


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("statistics", ["sampled", "mean_field"])
def test_persistent_chains_in_equilibrium_stay_there_and_give_the_exact_gradient(machine, place, statistics):
    equilibrium = np.exp(exact_log_probabilities(machine))
    rng = np.random.default_rng(34)
    chains = all_spins(4)[rng.choice(16, ROWS // 2, p=equilibrium / equilibrium.sum())].astype(np.float32)
    data = rng.choice([-1, 1], (50, 4), p=[0.3, 0.7]).astype(np.int8)
    gradient, moved = one_step(machine, data, chains, method="pcd", k=2, statistics=statistics, **place)
    expected = expected_gradient(machine, frequencies(data), equilibrium)
    assert np.abs(gradient - expected).max() < 5 * np.sqrt(3 / ROWS)  # as above, with half as many chains
    # chi^2 of 15 degrees of freedom: above 60 by chance with p = 2e-7; chains 2 % off in one mean exceed it.
    assert len(moved) * ((frequencies(moved) - equilibrium) ** 2 / equilibrium).sum() < 60
    assert (moved != chains).any(axis=1).mean() > 0.3


@pytest.mark.parametrize("place", PLACES)
def test_a_training_reaches_the_ising_distribution(ising, exact, place):
    # An untrained machine is at 2.5 nats; of either precision three seeds came to 0.10 to 0.14 in these 400 steps.
    options = {"preset": "equilibrium", "chains": 200, "learning_rate": 0.05, "tracks": "short"}
    params = RBMParams(size=3, hidden=18, steps=400, block=100, backend="torch", **options, **place)
    machines = [Machine(*(one[name] for name in Machine._fields)) for one in trained(params, ising)]
    assert min(exact_divergence(one, exact) for one in machines) < 0.2


def test_a_gpu_that_is_not_there_is_missed_by_name(ising, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    params = RBMParams(size=3, hidden=2, steps=1, block=1, backend="torch", device="cuda")
    with pytest.raises(ValueError, match=r"^device: found cuda, but PyTorch \S+ sees no GPU on \S+; wanted one"):
        trained(params, ising)


@pytest.mark.parametrize("place", [PLACES[0], *PLACES[2:]])
def test_it_keeps_every_law_of_a_kernel(place):
    example = replace(RBM.example, backend="torch", preset="equilibrium", chains=7, **place)
    results = check_kernel(replace(RBM, example=example))
    assert [result.law for result in results] == list(LAWS)
    assert not [f"{result.law}: {result.why}" for result in results if not result.holds]
