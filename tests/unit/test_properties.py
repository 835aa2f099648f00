"""The table of properties: one that no one has heard of goes all the way, through a row alone."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read

from limbeck.averaging.views import Views
from limbeck.datasets.delta import difference
from limbeck.datasets.export import write_extxyz
from limbeck.datasets.split import build
from limbeck.errors import LimbeckError
from limbeck.frames import concatenate, from_atoms
from limbeck.labelling.label import label
from limbeck.labelling.store import LabelStore
from limbeck.labels import concatenate_labels, select_labels
from limbeck.properties import PROPERTIES, Predictions, Property, property_of, turned_back
from limbeck.storage import read_labels, write_frames, write_labels
from limbeck.symmetry.rotation import haar_rotations
from limbeck.warrant.gaps import measure_gaps
from planted import Planted, labels_for, same_bits, trajectories

POLE = Property(
    per="frame",
    rank=1,
    unit="e Angstrom",
    shown="e A",
    factor=1.0,
    largest=1e3,
    ordinary=10.0,
    extensive=True,
)
NEW = ("pole", "pull")
PULL = replace(POLE, per="atom", extensive=False)
RIGID = np.array([0.1, -0.4, 0.7])


@pytest.fixture
def made_up(monkeypatch):
    """Two properties that exist in these tests alone: one of frames, one of atoms."""
    monkeypatch.setitem(PROPERTIES, "pole", POLE)
    monkeypatch.setitem(PROPERTIES, "pull", PULL)


class Polar(Planted):
    """Answers that turn with the frame, and ``scale`` along the laboratory's z beside them.

    The pole of a frame is as long as its number of atoms, along its first edge; the pull on an atom
    is its own number, along the same.
    """

    def __init__(self, scale=0.0):
        super().__init__(scale)
        properties = (*self.about.properties, "pole", "pull")
        self.about = replace(self.about, properties=properties)

    def evaluate(self, batch):
        first = batch.cell[:, 0]
        along = first / np.linalg.norm(first, axis=1)[:, None]
        of_atoms = along[batch.frame_of_atom]
        field = np.array([0.0, 0.0, self.scale])
        return Predictions(
            np.zeros(len(batch)),
            np.zeros((len(batch.numbers), 3)),
            np.zeros((len(batch), 6)),
            pole=batch.n_atoms[:, None] * along + field,
            pull=batch.numbers[:, None] * of_atoms + field,
        )


def crystals():
    """Rock salt, a metal and an alloy, turned: 2, 1 and 4 atoms."""
    structures = [bulk("NaCl", "rocksalt", a=5.6), bulk("Cu"), bulk("Ni", cubic=True)]
    structures[2].numbers[0] = 13
    turn = haar_rotations(1, np.random.default_rng(1))[0]
    for atoms in structures:
        atoms.set_cell(atoms.cell.array @ turn.T, scale_atoms=True)
    return from_atoms(structures, groups=list("abc"), source="s")


def labelled(frames, scale=1.0, views=4, **options):
    return label(Polar(scale), frames, Views(views), max_force=9.0, **options)


def test_the_mean_over_views_turns_back_and_the_spread_is_that_of_a_vector(made_up):
    frames = crystals()
    own = Polar(0.0).predict(frames)
    exact = label(Polar(2.0), frames, Views(quadrature="octahedral"), max_force=9.0)
    # a vector has l = 1, which the grid integrates: nothing of the field is left but rounding
    np.testing.assert_allclose(exact.values["pole"], own.values["pole"], atol=1e-12)
    np.testing.assert_allclose(exact.values["pull"], own.values["pull"], atol=1e-12)
    # one component of a vector of length 2 in any direction has a variance of 4 / 3
    np.testing.assert_allclose(exact.spreads["pole"], np.sqrt(4 / 3), rtol=1e-12)
    np.testing.assert_allclose(exact.spreads["pull"], np.sqrt(4 / 3), rtol=1e-12)
    # negative control: as it is given, the field stays
    given = label(Polar(2.0), frames, Views(), max_force=9.0)
    away = given.values["pole"] - own.values["pole"]
    np.testing.assert_allclose(away, np.tile([0, 0, 2.0], (3, 1)), atol=1e-12)


def test_labels_are_kept_selected_split_and_put_together(made_up, tmp_path):
    frames = crystals()
    made = labelled(frames)
    assert made.values.keys() == made.spreads.keys() == {"energy", "forces", "stress", *NEW}
    store = LabelStore(tmp_path / "store", Polar(1.0), Views(4), 1)
    for _ in range(2):  # written, then read
        assert same_bits(labelled(frames, store=store), made)
    write_frames(tmp_path / "a.h5", frames, stage="x", labels={"polar": made})
    write_labels(tmp_path / "b.h5", "polar", made)
    for name in ("a.h5", "b.h5"):
        assert same_bits(read_labels(tmp_path / name, "polar"), made)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["labels/polar/pole"].attrs["unit"] == b"e Angstrom"
        assert file["labels/polar/pull_spread"].attrs["unit"] == b"e Angstrom"
    parts = [select_labels(made, np.array([b])) for b in range(3)]
    assert [len(p.values["pull"]) for p in parts] == [2, 1, 4]
    assert same_bits(concatenate_labels(parts), made)
    split = build(frames, made, {"train": np.array([2, 0]), "test": np.array([1])})
    assert same_bits(split["test"].labels, parts[1])
    assert same_bits(split["train"].labels, concatenate_labels([parts[2], parts[0]]))


def test_a_property_that_a_part_lacks_is_left_out_and_named(made_up, caplog):
    frames = crystals()
    found = concatenate_labels([labelled(frames), labels_for(frames)])
    assert found.values.keys() == {"energy", "forces", "stress"}
    assert "left out, since not all labels have them: pole, pull" in caplog.text


def test_a_file_of_a_property_that_is_not_known_is_refused(tmp_path, monkeypatch):
    with monkeypatch.context() as while_known:
        while_known.setitem(PROPERTIES, "pole", POLE)
        while_known.setitem(PROPERTIES, "pull", PULL)
        write_labels(tmp_path / "a.h5", "polar", labelled(crystals()))
    with pytest.raises(LimbeckError, match=r"a\.h5: property 'pole': expected one of energy, "):
        read_labels(tmp_path / "a.h5", "polar")


def test_differences_and_files_of_other_programs_have_it(made_up, tmp_path):
    frames = crystals()
    made, exact = labelled(frames), labelled(frames, scale=0.0)
    found = difference(exact, made)
    away = made.values["pull"] - exact.values["pull"]
    assert np.abs(away).max() > 0.1
    assert np.array_equal(found.values["pull"], away)
    assert np.array_equal(
        found.spreads["pole"], np.hypot(made.spreads["pole"], exact.spreads["pole"])
    )
    data = build(frames, made, {"train": np.arange(3)})["train"]
    write_extxyz(tmp_path / "a.extxyz", data)
    for prefix in ("", "REF_"):
        for b, atoms in enumerate(read(tmp_path / "a.extxyz", ":")):
            # the format writes eight decimals
            pole, pull = made.values["pole"][b], made.values["pull"][frames.atoms_of(b)]
            np.testing.assert_allclose(atoms.info[f"{prefix}pole"], pole, atol=1e-8)
            np.testing.assert_allclose(atoms.arrays[f"{prefix}pull"], pull, atol=1e-8)


def test_every_gap_has_it_and_none_where_it_turns_repeats_and_permutes(made_up):
    for gap in measure_gaps([Polar()], crystals(), ["rotation", "permutation", "supercell"], 6):
        for name in ("pole", "pull"):
            # sums of a few numbers of order 10
            assert gap[name]["value"] < 1e-13, (gap["symmetry"], name)


def test_the_space_group_turns_it(made_up):
    """A vector along an edge of a cubic crystal has no mean over the 48 turns of its class."""
    (gap,) = measure_gaps([Polar()], crystals(), ["space_group"], 2)
    n_atoms = np.array([2, 1, 4])  # and as long is the vector: a third of its square a component
    assert gap["pole"]["value"] == pytest.approx(np.sqrt((n_atoms**2).mean() / 3), rel=1e-9)


def test_a_field_of_the_laboratory_is_seen_in_it(made_up):
    frames = concatenate([replace(trajectories(0), extra={}), crystals()])
    (gap,) = measure_gaps([Polar(3.0)], frames, ["rotation"], 6)
    # each frame has five independent directions; its own mean is taken off without bias
    expected = 3.0 / np.sqrt(3)
    for name in ("pole", "pull"):
        assert gap[name]["ci95"][0] < expected < gap[name]["ci95"][1]
        assert gap[name]["relative"]["value"] > 0.01


@pytest.mark.parametrize(("row", "symmetry"), [("extensive", "supercell"), ("rank", "rotation")])
def test_a_wrong_row_is_a_gap(monkeypatch, row, symmetry):
    """Negative control: each entry of the row is used."""
    wrong = {"extensive": False} if row == "extensive" else {"rank": 0}
    monkeypatch.setitem(PROPERTIES, "pole", replace(POLE, **wrong))
    monkeypatch.setitem(PROPERTIES, "pull", PULL)
    polar = Scalar() if row == "rank" else Polar(0.0)
    (gap,) = measure_gaps([polar], crystals(), [symmetry], 6)
    assert gap["pole"]["value"] > 0.5


class Scalar(Polar):
    """The first component alone, said to be a number that no rotation changes."""

    def evaluate(self, batch):
        answer = super().evaluate(batch)
        pole = answer.values["pole"][:, 0]
        return Predictions(values=answer.values | {"pole": pole})


@pytest.mark.parametrize("parity", [1, -1])
def test_an_axial_vector_keeps_its_sense_in_a_mirror(monkeypatch, parity):
    monkeypatch.setitem(PROPERTIES, "pole", replace(POLE, parity=parity))
    mirror = np.diag([1.0, 1.0, -1.0])[None]
    back = turned_back({"pole": np.array([[1.0, 2.0, 3.0]])}, mirror, np.array([1]))["pole"]
    assert back.tolist() == [[parity * 1.0, parity * 2.0, parity * -3.0]]


def test_an_unknown_property_is_named():
    with pytest.raises(LimbeckError, match="property 'spin': expected one of energy, forces, str"):
        property_of("spin")


OF_ELEMENTS = np.zeros(120)
OF_ELEMENTS[[1, 8, 11, 17]] = [0.4, -0.8, 0.9, -0.9]  # e


class Ionic(Planted):
    """Charges and a dipole by charges of the elements, and ``scale`` z in each charge."""

    def __init__(self, scale=0.0):
        super().__init__(scale)
        properties = (*self.about.properties, "charges", "dipole")
        self.about = replace(self.about, properties=properties)

    def evaluate(self, batch):
        charges = OF_ELEMENTS[batch.numbers] + self.scale * batch.positions[:, 2]
        moments = charges[:, None] * batch.positions
        dipole = np.stack(
            [np.bincount(batch.frame_of_atom, weights=moments[:, i]) for i in range(3)], axis=1
        )
        nothing = np.zeros((len(batch.numbers), 3))
        unknown = np.full((len(batch), 6), np.nan)
        return Predictions(np.zeros(len(batch)), nothing, unknown, charges=charges, dipole=dipole)


def molecules(first="OH2"):
    water = Atoms(first, [[0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])
    salt = Atoms("NaCl", [[0, 0, 0], RIGID * 3])
    return from_atoms([water, salt], groups=["w", "s"], source="s")


def test_a_dipole_turns_and_a_charge_does_not():
    frames = molecules()
    own = Ionic().predict(frames).values
    assert np.linalg.norm(own["dipole"], axis=1) == pytest.approx(
        [0.8 * 0.59, 2.7 * np.linalg.norm(RIGID)]
    )
    found = label(Ionic(), frames, Views(5), max_force=1.0)
    np.testing.assert_allclose(found.values["dipole"], own["dipole"], atol=1e-12)
    np.testing.assert_allclose(found.values["charges"], own["charges"], atol=1e-12)
    for gap in measure_gaps([Ionic()], frames, ["rotation", "translation", "permutation"], 6):
        assert gap["dipole"]["value"] < 1e-9  # D: rounding
        assert gap["charges"]["value"] < 1e-9


def test_charges_that_see_the_laboratory_have_a_gap():
    """Negative control, and what a frame's charges are worth then."""
    (gap,) = measure_gaps([Ionic(0.01)], molecules(), ["rotation"], 8)
    assert gap["charges"]["value"] > 1e-3  # e
    assert gap["dipole"]["value"] > 1e-2  # D


def test_the_dipole_of_an_ion_depends_on_the_origin():
    """By definition, and so a translation gap of it is no fault of the model."""
    (gap,) = measure_gaps([Ionic()], molecules("HH2"), ["translation"], 8)
    assert gap["charges"]["value"] < 1e-9
    assert gap["dipole"]["value"] > 1  # D; of frames that are brought near the origin before
