"""What a store holds of layers: chains are followed by what stages read, not by their names."""

import numpy as np
from toy_layers import as_tree, layer_stages, stage, trainings, with_spins

from sweep.analysis.estimators.layers import layer_correlations, layers


def correlation(data, layer, **node):
    return {"": stage("layer_correlation", inputs={"data": data, "layer": layer}, **node)}


def by_stage(tree):
    return {layer.stage: layer for layer in layers(tree)}


def test_chains_in_words_with_their_sides_and_depths():
    found = by_stage(as_tree(layer_stages()))
    told = {name: (layer.label, layer.side, layer.units, layer.depth) for name, layer in found.items()}
    assert told == {
        "rg_half": ("RG 8→4", 4, 16, 1),
        "rg_quarter": ("RG 8→4→2", 2, 4, 2),
        "layer_half": ("RBM 64→16", 4, 16, 1),
        "layer_quarter": ("RBM 64→16→4", 2, 4, 2),
        "layer_single": ("RBM 64→4", 2, 4, 1),
        "untrained": ("RBM 64→16, untrained", 4, 16, 1),
        "layer_permuted": ("RBM 64→16, site-permuted", 4, 16, 1),
    }
    assert [layer.depth for layer in layers(as_tree(layer_stages()))] == [1, 1, 1, 1, 1, 2, 2]
    deep = found["layer_quarter"]
    assert (deep.kind, deep.machine.preset, deep.machine.trained_on, deep.realisations) == (
        "RBM",
        "code",
        "layer_half",
        3,
    )
    assert found["untrained"].machine.stage == "machine_half"
    assert [layer.stage for layer in deep.chain] == ["data", "layer_half", "layer_quarter"]


def test_other_rules_mixed_chains_and_hidden_units_that_make_no_square():
    stages = layer_stages()
    stages["rg_half"][""].attrs["params"] = '{"rule": "majority"}'
    reads = {"machine": "machine_half", "data": "rg_half"}
    hidden = {"hidden": (("temperature", "configuration", "hidden_unit"), np.ones((1, 2, 5)))}
    stages["five"] = {"": stage("encode", hidden, reads, {"statistics": "mean_field"})}
    warm = {"temperature": [2.2, 2.4]}
    stages["warm8"] = with_spins(8, kernel="ising", axes=warm)
    stages["warm_4"] = with_spins(4, kernel="block_spin", inputs={"data": "warm8"}, axes=warm)
    found = by_stage(as_tree(stages))
    assert (found["five"].label, found["five"].side, found["five"].units) == (
        "RG by majority 8→4, then RBM means 16→5",
        None,
        5,
    )
    labels = [layer.label for layer in layers(as_tree(stages)) if layer.stage == "warm_4"]
    assert labels == ["RG 8→4, T = 2.2", "RG 8→4, T = 2.4"]


def test_correlations_know_their_two_layers():
    stages = layer_stages()
    stages["direct"] = correlation("layer_half", "layer_quarter", axes=trainings())
    stages["through"] = correlation("data", "layer_quarter", axes=trainings())
    stages["control"] = correlation("data", "layer_permuted", axes=trainings())
    stages["rg"] = correlation("rg_half", "rg_quarter")
    found = {case.stage: (case.label, case.adjacent, case.control) for case in layer_correlations(as_tree(stages))}
    assert found == {
        "direct": ("RBM 16→4", True, ""),
        "through": ("RBM 64→16→4", False, ""),
        "control": ("RBM 64→16, site-permuted", True, "site-permuted"),
        "rg": ("RG 4→2", True, ""),
    }


def test_only_what_is_complete_is_there():
    stages = layer_stages()
    done = np.array([[[True, False, True]]])
    reads = {"machine": "machine_half", "data": "data"}
    stages["layer_half"] = with_spins(4, kernel="encode", inputs=reads, axes=trainings(), done=done)
    stages["rg_half"][""]["done"][:] = False
    found = by_stage(as_tree(stages))
    assert "rg_half" not in found
    assert found["layer_half"].data["realisation"].values.tolist() == [0, 2]
