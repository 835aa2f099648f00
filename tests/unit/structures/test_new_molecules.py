"""Molecules put together, stereoisomers, ions, radicals and conformers: known sets of each."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
from rdkit import Chem

from jobs_of import generate_job
from limbeck.config.sections.sources import MoleculeSource
from limbeck.errors import LimbeckError
from limbeck.structures import elements_of, generate, groups_of
from limbeck.structures.building.molecules.brics import from_fragments
from limbeck.structures.building.molecules.species import Limits, ions, radicals, stereoisomers
from limbeck.structures.building.molecules.templates import (
    CHAINS,
    GROUPS,
    RINGS,
    SMALL,
    from_templates,
)

NO_MORE = "no more molecules can be put together: how many there are"


@pytest.fixture
def settings(tmp_path):
    """Settings of one shard; ``lines`` become the SMILES file, where there are any."""

    def build(*lines: str, **changed):
        base = {"seed": 1, "source": "mols", "shard": 0, "shards": 1, "count": 10}
        if lines:
            path = tmp_path / "list.smi"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            base["smiles"] = str(path)
        return generate_job("molecules", base | changed)

    return build


def smiles_of(frames):
    return [frames.info_of(b)["smiles"] for b in range(len(frames))]


def templates(seed=0, **limits):
    return from_templates(Limits(**limits), np.random.default_rng(seed))


def test_every_line_of_the_tables_is_a_molecule_or_a_group():
    for text in (*SMALL, *CHAINS, *RINGS, *GROUPS):
        mol = Chem.MolFromSmiles(text)
        assert mol is not None, text
        assert text.count("*") == (text in GROUPS), text
        assert Chem.GetFormalCharge(mol) == 0, text


def test_templates_find_all_hydrocarbons_of_two_and_three_carbon_atoms():
    found = set(templates(elements=frozenset("CH"), n_heavy=(2, 3)))
    assert found == {"CC", "C=C", "C#C", "CCC", "C=CC", "C#CC", "C=C=C", "C1CC1", "C1=CC1"}


def test_new_molecules_are_within_what_is_asked_for_and_all_different():
    limits = Limits(frozenset("HCNO"), n_heavy=(4, 7), n_atoms=(8, 16), charges=(0, 0))
    found = list(islice(from_templates(limits, np.random.default_rng(0)), 300))
    assert len(set(found)) == 300
    assert all(limits.allow_molecule(Chem.MolFromSmiles(s)) for s in found)
    # negative control
    assert not limits.allow_molecule(Chem.MolFromSmiles("CCCCF"))
    assert list(islice(from_templates(limits, np.random.default_rng(1)), 300)) != found


def test_products_of_brics_are_those_of_its_rules():
    """Esters and ethers of two molecules; by hand, from fragments C2H5, OCH3, O, CH3CO, C6H5."""
    parents = ["CCOC(C)=O", "COc1ccccc1"]
    found = set(from_fragments(parents, Limits(n_heavy=(1, 8)), np.random.default_rng(0)))
    assert {"CCOC", "COC(C)=O", "CCOCC", "CC(=O)OC(C)=O"} <= found
    assert not set(parents) & found
    # an oxygen is bonded to no oxygen, and methyl stays on its oxygen
    assert not any(Chem.MolFromSmiles(s).HasSubstructMatch(Chem.MolFromSmarts("OO")) for s in found)


def test_what_cannot_be_cut_gives_a_clear_error(settings):
    with pytest.raises(LimbeckError, match=r"large enough for a bond that BRICS cuts\?"):
        elements_of(settings("CC", "CCO", assemble="brics").source)


def test_fewer_molecules_than_asked_for_are_counted_and_not_repeated(settings):
    job = settings(assemble="templates", elements=["H", "C"], n_heavy=[2, 2], count=5)
    frames, rejected = generate(job)
    assert sorted(smiles_of(frames)) == ["C#C", "C=C", "CC"]
    assert [(r.frame, r.reason, r.value) for r in rejected] == [
        ("mols/3", NO_MORE, 3),
        ("mols/4", NO_MORE, 3),
    ]
    assert len(list(groups_of(job.source))) == 3
    assert elements_of(job.source) == {"C", "H"}


@pytest.mark.parametrize(("element", "smiles"), [("H", "[H][H]"), ("N", "N#N"), ("F", "FF")])
def test_one_element_alone(settings, element, smiles):
    job = settings(assemble="templates", elements=[element], count=1)
    assert elements_of(job.source) == {element}
    assert smiles_of(generate(job)[0]) == [smiles]


def test_one_element_of_which_there_is_none_is_told(settings):
    text = "no molecule of the templates is of C .*hydrogen has to be named as well"
    with pytest.raises(LimbeckError, match=text):
        elements_of(settings(assemble="templates", elements=["C"]).source)


@pytest.mark.parametrize("conformers", [None, 2])
def test_shards_move_no_new_molecule(settings, conformers):
    fields = {"assemble": "templates", "count": 12, "n_heavy": [2, 5], "conformers": conformers}
    whole, _ = generate(settings(**fields))
    parts = [generate(settings(**fields, shard=s, shards=3))[0] for s in range(3)]
    assert sorted(i for part in parts for i in part.id.tolist()) == sorted(whole.id.tolist())
    if conformers:  # those of one molecule are in one shard
        found = [set(smiles_of(part)) for part in parts]
        assert not found[0] & found[1]
        assert not found[0] & found[2]


def test_another_assembly_seed_makes_other_molecules_and_the_seed_of_the_run_does_not(settings):
    def first(**changed):
        return smiles_of(generate(settings(assemble="templates", count=3, **changed))[0])

    assert first() == first(seed=2)
    assert first() != first(assembly_seed=1)


def test_stereoisomers_are_those_that_are_left_open(settings):
    def of(smiles):
        return len(stereoisomers(Chem.MolFromSmiles(smiles)))

    # butane, 2-butene, 2-butanol, tartaric acid with its meso form, and one that says what it is
    known = {"CCCC": 1, "CC=CC": 2, "CCC(C)O": 2, "OC(=O)C(O)C(O)C(=O)O": 3, "C/C=C/C": 1}
    assert {smiles: of(smiles) for smiles in known} == known
    frames, _ = generate(settings("CC=CC butene", count=2, stereo="enumerate"))
    assert smiles_of(frames) == ["C/C=C/C", "C/C=C\\C"]
    ends = [0, 3]
    near = [np.linalg.norm(np.diff(a.positions[ends], axis=0)) for a in frames.to_atoms()]
    assert near[0] > 3.8 > 3.3 > near[1]  # trans 3.9, cis 3.1 A between the methyl groups


def test_radicals_and_ions_of_named_molecules():
    def texts(mols):
        return sorted(Chem.MolToSmiles(m) for m in mols)

    assert texts(radicals(Chem.MolFromSmiles("CCC"))) == ["C[CH]C", "[CH2]CC"]
    assert texts(ions(Chem.MolFromSmiles("CCO"), (-1, 1))) == ["CC[O-]", "CC[OH2+]"]
    # an amide takes its proton at oxygen
    assert texts(ions(Chem.MolFromSmiles("CC(N)=O"), (0, 1))) == ["CC(N)=[OH+]"]
    assert texts(ions(Chem.MolFromSmiles("O=C(O)C(=O)O"), (-2, 0)))[-1] == "O=C([O-])C(=O)[O-]"
    assert ions(Chem.MolFromSmiles("CCC"), (-1, 1)) == []
    assert radicals(Chem.MolFromSmiles("[CH3]")) == []


def test_charge_and_spin_of_radicals_and_ions_are_right(settings):
    frames, rejected = generate(settings("CO methanol", count=5, ions=True, radicals=True))
    assert rejected == []
    electrons = [a.numbers.sum() for a in frames.to_atoms()] - frames.charge
    found = dict(zip(smiles_of(frames), zip(frames.charge, frames.spin, strict=True), strict=True))
    assert found == {
        "CO": (0, 0),
        "[CH2]O": (0, 1),
        "C[O]": (0, 1),
        "C[O-]": (-1, 0),
        "C[OH2+]": (1, 0),
    }
    assert ((electrons - frames.spin) % 2 == 0).all()


def test_conformers_of_each_molecule_follow_one_another(settings):
    frames, rejected = generate(settings("CCO ethanol", "O water", count=30, conformers=12))
    # ethanol has three minima, water one; there is no third molecule
    assert smiles_of(frames) == ["CCO"] * 3 + ["O"]
    assert Counter(r.reason.split(":")[0] for r in rejected) == {
        "repeats a conformer of smaller number": 20,
        "repeats a structure of smaller number": 6,
    }


def test_a_list_is_held_against_what_is_asked_for(settings):
    job = settings("O water", "CCO ethanol", "[NH4+]", count=3, elements=["H", "O"], charges=[0, 0])
    frames, rejected = generate(job)
    assert smiles_of(frames) == ["O"]
    why = "outside of the elements, sizes or charges that the source is to have"
    assert [(r.reason, r.name) for r in rejected] == [(why, "ethanol"), (why, "[NH4+]")]
    assert elements_of(job.source) == {"H", "O"}


def test_nonsense_in_a_long_list_costs_its_own_lines(settings):
    rng = np.random.default_rng(0)
    letters = list("CNO()[]=#%@123xyz$&*\\/.-+")
    lines = ["CCO", "C=O", "CC"] * 95 + ["".join(rng.choice(letters, 40)) for _ in range(15)]
    job = settings(*lines, count=300, shards=30, shard=29)
    frames, rejected = generate(job)
    assert len(frames) + len(rejected) == 10
    assert {r.reason for r in rejected} <= {"SMILES does not parse"}
    assert elements_of(job.source) == {"H", "C", "O"}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "'smiles', 'not given, expected the path of a list of SMILES'"),
        ({"assemble": "templates", "smiles": "a"}, "expected none: templates read no list"),
        ({"assemble": "templates", "elements": ["Xe"]}, "Xe in no template, expected some of H, C"),
        ({"smiles": "a", "n_heavy": [5, 2]}, "expected the smaller number first"),
        ({"smiles": "a", "ions": True, "charges": [0, 0]}, "expected room for the ions"),
        ({"smiles": "a", "count": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_do_not_fit_are_told(fields, told):
    with pytest.raises(ValueError, match="validation error") as error:
        MoleculeSource.model_validate({"kind": "molecules", "name": "m", "count": 1} | fields)
    assert told in f"{error.value} {error.value.errors()}"
