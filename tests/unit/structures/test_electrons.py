"""Charge and spin of structures from files: under which names they are read, what is refused."""

import logging

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import read, write

from jobs_of import generate_job
from limbeck.config.sections.sources import StructureFile
from limbeck.datasets.export import write_extxyz
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.frames import charge_and_spin, spin_of
from limbeck.labels import unlabelled
from limbeck.structures import elements_of, generate
from limbeck.structures.shard import group_of

#: molecules with the multiplicities of their ground states, as OMol25's files give them
OMOL = {"H2O": 1, "CH4": 1, "CH3": 2, "NO": 2, "O2": 3}


def load(path, **changed):
    base = {"seed": 1, "source": "mine", "shard": 0, "shards": 1, "count": 100}
    return generate(generate_job("file", base | {"path": str(path)} | changed))


def with_info(atoms, **info):
    atoms = atoms.copy()
    atoms.info = info
    return atoms


@pytest.fixture
def omol(tmp_path):
    path = tmp_path / "omol.extxyz"
    write(path, [with_info(molecule(name), charge=0, spin=spin) for name, spin in OMOL.items()])
    return path


def test_multiplicities_under_spin_are_refused_with_what_helps(omol):
    frames, rejected = load(omol)
    assert len(frames) == 0
    assert {r.reason for r in rejected} == {"charge or spin does not fit"}
    assert "spin is the number of unpaired electrons; 1 does not fit 10 electrons" in (
        rejected[0].value
    )
    assert "`spin_is: multiplicity` in the source" in rejected[0].value
    # before any job runs
    source = {"kind": "file", "name": "mine", "count": 10, "path": str(omol)}
    with pytest.raises(LimbeckError, match="1 does not fit 10 electrons"):
        elements_of(StructureFile(**source))
    assert elements_of(StructureFile(**source, spin_is="multiplicity")) == {"H", "C", "N", "O"}


def test_multiplicities_are_read_where_the_source_says_so(omol):
    frames, rejected = load(omol, spin_is="multiplicity")
    assert rejected == []
    assert frames.spin.tolist() == [spin - 1 for spin in OMOL.values()]


@pytest.mark.parametrize(
    ("info", "charge", "spin"),
    [
        ({"spin": 1}, 0, 1),
        ({"unpaired_electrons": 1.0}, 0, 1),
        ({"multiplicity": 2}, 0, 1),
        ({"charge": "+1", "spin": "2.0"}, 1, 2),
        ({"spin_multiplicity": 4}, 0, 3),
        ({"total_charge": 1, "total_spin": 1}, 1, 0),  # MACE's names; its spin is 2S+1
        ({"charge": -1, "total_charge": -1, "spin": 0, "multiplicity": 1}, -1, 0),
        ({"charge": 1, "spin": 2, "unpaired_electrons": 2, "multiplicity": 3}, 1, 2),
    ],
)
def test_each_name_is_read_for_what_it_is(tmp_path, info, charge, spin):
    write(tmp_path / "x.extxyz", with_info(molecule("CH3"), **info))
    frames, rejected = load(tmp_path / "x.extxyz")
    assert rejected == []
    assert (frames.charge[0], frames.spin[0]) == (charge, spin)


@pytest.mark.parametrize(
    ("info", "why"),
    [
        ({"spin": 2}, "2 does not fit 9 electrons"),
        ({"spin": 11}, "11 does not fit 9 electrons"),  # more than there are
        ({"multiplicity": 1}, "0 does not fit 9 electrons"),
        ({"multiplicity": 0}, "-1 unpaired electrons"),
        ({"spin": 1, "multiplicity": 3}, "contradict each other: spin 1, multiplicity 3"),
        ({"charge": 1, "total_charge": 0}, "contradict each other: charge 1, total_charge 0"),
        ({"charge": 10}, "charge 10 is more than there are electrons"),
        ({"spin": 0.5}, "spin is not a small integer: 0.5"),
        ({"charge": True}, "charge is not a small integer: True"),
        ({"charge": "one"}, "charge is not a small integer: one"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, info, why):
    write(tmp_path / "x.extxyz", [with_info(molecule("CH3"), **info), molecule("H2O")])
    frames, rejected = load(tmp_path / "x.extxyz")
    assert len(frames) == 1
    assert why in rejected[0].value


def test_an_odd_number_of_electrons_without_a_spin_is_a_doublet_and_the_log_says_so(
    tmp_path, caplog
):
    write(tmp_path / "x.extxyz", [molecule("CH3"), molecule("NO"), molecule("H2O")])
    with caplog.at_level(logging.INFO):
        frames, _ = load(tmp_path / "x.extxyz")
    assert frames.spin.tolist() == [1, 1, 0]
    assert "mine: 2 with an odd number of electrons and no spin given" in caplog.text


def test_a_cell_of_a_metal_has_no_parity(tmp_path):
    """Thirteen electrons in the primitive cell of aluminium; a spin that is given has to fit."""
    metal = bulk("Al")
    infos = [{}, {"spin": 0}, {"multiplicity": 1}, {"spin": 1}, {"spin": 2}]
    write(tmp_path / "x.extxyz", [with_info(metal, **info) for info in infos])
    frames, rejected = load(tmp_path / "x.extxyz")
    assert frames.spin.tolist() == [0, 0, 0, 1]
    assert [r.frame for r in rejected] == ["mine/4"]


def test_initial_charges_and_moments_are_told_and_not_read(tmp_path, caplog):
    """Programs start from them; of the total they say nothing that is sure."""
    ion = molecule("H2O")
    ion.set_initial_charges([1.0, 0.0, 0.0])
    write(tmp_path / "x.extxyz", [ion, molecule("H2O")])
    with caplog.at_level(logging.INFO):
        frames, _ = load(tmp_path / "x.extxyz")
    assert frames.charge.tolist() == [0, 0]
    assert "mine: 1 with initial charges or magnetic moments" in caplog.text


def test_what_is_written_is_read_as_it_was(tmp_path):
    """Under names that say which, so that no program takes 2S for 2S+1."""
    structures = [
        with_info(molecule("CH3"), charge=-1, spin=2),
        with_info(molecule("O2"), multiplicity=3),
        with_info(molecule("H2O"), group=0),
        bulk("Al"),
    ]
    write(tmp_path / "in.extxyz", structures)
    frames, rejected = load(tmp_path / "in.extxyz")
    assert rejected == []
    write_extxyz(tmp_path / "out.extxyz", Dataset(frames, unlabelled(frames)))
    infos = [atoms.info for atoms in read(tmp_path / "out.extxyz", index=":")]
    assert [i["charge"] for i in infos] == [-1, 0, 0, 0]
    # nothing is said of the odd number of electrons in the cell of a metal
    assert [i.get("unpaired_electrons") for i in infos] == [2, 2, 0, None]
    assert [i.get("multiplicity") for i in infos] == [3, 3, 1, None]
    assert not any("spin" in i for i in infos)
    again, _ = load(tmp_path / "out.extxyz")
    for name in ("charge", "spin", "group"):
        np.testing.assert_array_equal(getattr(again, name), getattr(frames, name))


def test_spin_of_a_bare_proton_and_of_nothing_said():
    assert spin_of(np.array([1]), 1, None, periodic=False) == 0
    assert charge_and_spin({}) == (0, None)
    assert charge_and_spin({"charge": None, "spin": None}) == (0, None)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (0, "0"),
        (0.0, "0"),
        (1.0, "1"),
        (1.5, "1.5"),
        (False, "False"),
        (True, "True"),
        ("run-7", "run-7"),
        (np.int64(0), "0"),
        (np.array([0, 1]), "0 1"),
        (None, None),
        ("", None),
        (float("nan"), None),
    ],
)
def test_a_group_is_there_or_not_whatever_its_value(given, name):
    assert group_of({"group": given}) == name
    assert group_of({}) is None


def test_group_zero_is_a_group(tmp_path):
    """As trajectories are numbered; two cells of one compound would be two groups otherwise."""
    nacl = bulk("NaCl", "rocksalt", a=5.64)
    frames = [with_info(nacl, group=n) for n in (0, 0, 1, 1)]
    write(tmp_path / "x.extxyz", [*frames, nacl, Atoms("He2", [[0, 0, 0], [0, 0, 3]])])
    groups = load(tmp_path / "x.extxyz", polymorphs="apart")[0].group.tolist()
    assert groups == [b"0", b"0", b"1", b"1", b"NaCl-1", b"cluster-He2"]


def test_a_cluster_of_odd_electrons_can_be_read_again(tmp_path):
    """Nobody knows the spin of a metal cluster, and the source does not say one."""
    fields = {"seed": 1, "source": "c", "shard": 0, "shards": 1, "count": 2, "sizes": [3, 4]}
    made, _ = generate(generate_job("clusters", fields | {"elements": ["Cu"]}))
    write_extxyz(tmp_path / "x.extxyz", Dataset(made, unlabelled(made)))
    again, rejected = load(tmp_path / "x.extxyz")
    assert rejected == []
    assert again.spin.tolist() == [1, 0]  # Cu3 has 87 electrons
