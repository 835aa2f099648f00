"""Energies of atoms: what data say of them, and what is said where data say nothing."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.data import chemical_symbols

from limbeck.averaging.views import Views
from limbeck.datasets.atom_energies import complain, fit_atoms
from limbeck.datasets.split import Dataset
from limbeck.frames import from_atoms
from limbeck.geometry import composition
from limbeck.labelling.isolated_atoms import known_energies
from limbeck.labelling.label import label
from limbeck.labels import ISOLATED_ATOMS, concatenate_labels, select_labels
from limbeck.potentials import open_potential
from limbeck.potentials.models.toys import EffectiveMedium
from planted import labels_for

#: all-electron energies of isolated atoms, eV
ISOLATED = {"H": -13.6, "C": -1029.0, "O": -2042.0, "Na": -4419.0, "Cl": -12520.0, "Cu": -45000.0}
#: what binds an atom in each compound, eV
BOUND = 4.0


def rattled(atoms, count, known=True, seed=0):
    """Copies of structures with energies of their atoms, bound, and moved by heat."""
    rng = np.random.default_rng(seed)
    structures = [a.copy() for a in atoms for _ in range(count)]
    for i, a in enumerate(structures):
        a.rattle(0.05, seed=i)
    frames = from_atoms(structures, groups=["g"] * len(structures), source="s")
    of_atoms = np.array([sum(ISOLATED[s] for s in a.symbols) for a in structures])
    heat = rng.normal(0.1, 0.02, len(frames))  # eV of an atom
    labels = replace(
        labels_for(frames), energy=of_atoms + frames.n_atoms * (heat - BOUND), attrs={}
    )
    return Dataset(frames, replace(labels, attrs={ISOLATED_ATOMS: ISOLATED} if known else {}))


@pytest.mark.parametrize(
    ("compound", "others"),
    [
        (molecule("CH4"), ["C2H6", "C6H6", "C2H2"]),
        (molecule("H2O"), ["H2O2", "O2", "H2"]),
        (bulk("NaCl", "rocksalt", a=5.64, cubic=True), ["Na2", "Cl2"]),
    ],
)
def test_one_compound_extrapolates_where_isolated_atoms_are_known(compound, others):
    """To within what chemistry is, some eV an atom, where least squares are off by a thousand."""
    data = rattled([compound], 40)
    fit = fit_atoms(data)
    assert fit.undetermined == list(fit.energies) != []
    assert fit.start == "isolated atoms"
    for symbol, energy in fit.energies.items():
        # bound as all atoms of the compound are: the mean of 40 draws of 0.02 eV beside 3.9
        assert energy == pytest.approx(ISOLATED[symbol] - BOUND + 0.1, abs=0.02)
    for name in others:
        true = sum(ISOLATED[s] - BOUND for s in molecule(name).symbols)
        guess = sum(fit.energies[s] for s in molecule(name).symbols)
        assert guess == pytest.approx(true, abs=0.2 * len(molecule(name)))
    # negative control: least squares of least norm, which once were used
    elements = np.unique(data.frames.numbers)
    counts = composition(data.frames, elements)
    norm = np.linalg.lstsq(counts, data.labels.energy, rcond=None)[0]
    far = [abs(norm[i] - ISOLATED[chemical_symbols[z]]) for i, z in enumerate(elements)]
    assert max(far) > 100


def test_one_compound_has_one_energy_for_all_where_atoms_are_not_known():
    data = rattled([molecule("CH4")], 40, known=False)
    fit = fit_atoms(data)
    mean = (data.labels.energy / data.frames.n_atoms).mean()
    assert fit.energies == pytest.approx({"H": mean, "C": mean}, abs=1e-6)
    assert (fit.undetermined, fit.start) == (["H", "C"], "one energy for all")
    # of the compound itself the energies are right
    assert fit.energies["C"] + 4 * fit.energies["H"] == pytest.approx(data.labels.energy.mean())


def test_only_what_is_undetermined_is_flagged():
    """Salt says nothing of sodium and chlorine apart; copper beside it is known by itself."""
    salt, copper = bulk("NaCl", "rocksalt", a=5.64), bulk("Cu")
    fit = fit_atoms(rattled([salt, copper], 20))
    assert fit.undetermined == ["Na", "Cl"]
    assert fit.energies["Cu"] == pytest.approx(ISOLATED["Cu"] - BOUND + 0.1, abs=0.03)
    pair = Atoms("NaCl", [[0, 0, 0], [0, 0, 2.4]])
    assert fit_atoms(rattled([salt, pair, copper], 20)).undetermined == ["Na", "Cl"]
    more = Atoms("Na2Cl", [[0, 0, 0], [0, 0, 2.4], [2.4, 0, 0]])
    assert fit_atoms(rattled([salt, more, copper], 20)).undetermined == []


@pytest.mark.parametrize("known", [True, False])
def test_data_decide_wherever_they_say_something(known):
    """Isolated atoms that are wrong by 500 eV move a determined fit by less than its noise."""
    compounds = [molecule(n) for n in ("CH4", "C2H2", "CO2", "H2O", "CH3OH")]
    data = rattled(compounds, 20, known=known)
    if known:
        wrong = {s: e + 500.0 for s, e in ISOLATED.items()} | {"C": 0.0}
        data = Dataset(data.frames, replace(data.labels, attrs={ISOLATED_ATOMS: wrong}))
    fit = fit_atoms(data)
    assert fit.undetermined == []
    for symbol, energy in fit.energies.items():
        # heat of 0.02 eV an atom, over 100 frames, told apart by shares that differ by a fifth
        assert energy == pytest.approx(ISOLATED[symbol] - BOUND + 0.1, abs=0.05)


def test_differences_start_from_differences():
    data = rattled([molecule("CH4")], 10)
    attrs = {
        "baseline": {ISOLATED_ATOMS: {"H": 1.0, "C": 2.0}},
        "target": {ISOLATED_ATOMS: {"H": 2.0, "C": 6.0}},
    }
    energy = data.frames.n_atoms * 1.0
    fit = fit_atoms(Dataset(data.frames, replace(data.labels, energy=energy, attrs=attrs)))
    # the difference of atoms is 1 and 4 eV, which has to be moved by -0.6 to give 5 eV in all
    assert fit.energies == pytest.approx({"H": 0.4, "C": 3.4})


def test_what_is_undetermined_is_said(caplog):
    with caplog.at_level(logging.WARNING):
        complain(fit_atoms(rattled([molecule("CH4")], 5)))
    assert "do not tell H, C apart" in caplog.text
    assert "isolated atoms" in caplog.text
    caplog.clear()
    complain(fit_atoms(rattled([molecule("CH4"), molecule("C2H2")], 5)))
    assert not caplog.text


def test_potentials_say_which_atoms_they_know():
    xtb = open_potential({"name": "x", "model": "xtb"})
    assert known_energies(xtb, np.array([1, 6]))["H"] == pytest.approx(-10.7072, abs=1e-3)
    assert known_energies(EffectiveMedium(), np.array([29, 54])).keys() == {"Cu"}


def test_each_slice_adds_the_atoms_it_has():
    frames = from_atoms([bulk("Cu"), bulk("Al")], groups=["a", "b"], source="s")
    labels = label(EffectiveMedium(), frames, Views())
    parts = [select_labels(labels, np.array([i])) for i in (0, 1)]
    parts = [
        replace(part, attrs={"k": i, ISOLATED_ATOMS: {s: float(i)}})
        for i, (part, s) in enumerate(zip(parts, ("Cu", "Al"), strict=True))
    ]
    assert concatenate_labels(parts).attrs == {"k": 0, ISOLATED_ATOMS: {"Al": 1.0, "Cu": 0.0}}
