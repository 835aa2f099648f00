"""The study of label sets: figures by hand, intervals on synthetic sums, and the words."""

from dataclasses import replace

import numpy as np
import pytest

from jobs_of import student
from limbeck.config.jobs import CompareLabelSets
from limbeck.config.sections.students import Distill
from limbeck.config.sections.studies import Expectation
from limbeck.datasets.split import Dataset
from limbeck.errors import LimbeckError
from limbeck.studies.frames.expectation import (
    CONSTANT,
    TEACHER,
    Arm,
    Model,
    absolute_errors,
    results,
    spread_predicts,
    student_sums,
)
from limbeck.studies.frames.gathering import comparisons
from limbeck.studies.frames.words import answers, side
from planted import LabField, labels_for, trajectories

NAMES = ("as_given", "k4")
ARMS = [
    Arm("as_given", "as given", 1, {"train": 70, "valid": 10, "test": 20}),
    Arm("k4", "4 random views", 4, {"train": 18, "valid": 2, "test": 5}),
]
PAIR = [(Model("k4", "s"), Model("as_given", "s"))]


def sums_of(frames, per_atom):
    """Sums of a model whose error is ``per_atom`` [S,B] eV/A in each component."""
    forces = per_atom * 3 * frames.n_atoms
    energy = per_atom / 10
    return {
        "as_given/forces": forces,
        "as_given/energy": energy,
        "random/forces": 2 * forces,
        "random/energy": 2 * energy,
        "gap/forces": per_atom**2 * 3 * frames.n_atoms,
    }


def found_in(frames, own, k4):
    """Every model of both arms; the teacher is half as wrong as a student, the constant twice."""
    found = {}
    for name, per_atom in (("as_given", own), ("k4", k4)):
        found[Model(name, "s")] = sums_of(frames, per_atom)
        for model, factor in ((TEACHER, 0.5), (CONSTANT, 2.0)):
            sums = sums_of(frames, factor * per_atom[:1])
            found[Model(name, model)] = {k: v for k, v in sums.items() if k.startswith("as_given")}
    return found


def per_atom_of(frames, rng, shift=0.0, seeds=3):
    """Errors of about 0.1 eV/A that frames of one root share, by seed."""
    root = np.unique(frames.root, return_inverse=True)[1]
    shared = rng.normal(0, 0.02, root.max() + 1)[root]
    return 0.1 + shift + shared + rng.normal(0, 0.005, (seeds, len(frames)))


def test_figures_by_hand():
    frames = trajectories(0, roots=8)
    own, k4 = np.full((2, len(frames)), 0.1), np.full((2, len(frames)), 0.07)
    k4[1] = 0.05
    table = results(ARMS, found_in(frames, own, k4), frames, PAIR)
    assert (table["n_frames"], table["n_roots"], table["n_left_out"]) == (len(frames), 8, 0)
    first, second = table["arms"]
    assert first["teacher_calls"] == {"train": 70, "valid": 10, "test": 20}
    assert second["teacher_calls"] == {"train": 72, "valid": 8, "test": 20}
    student = second["students"]["s"]
    assert student["as_given"]["forces"]["value"] == pytest.approx(60)
    assert student["as_given"]["forces"]["by_seed"] == pytest.approx([70, 50])
    assert student["random"]["forces"]["value"] == pytest.approx(120)
    assert student["as_given"]["energy"]["value"] == pytest.approx(6)
    # the root of the mean of the seeds' mean squares
    assert student["gap"]["value"] == pytest.approx(np.sqrt((70**2 + 50**2) / 2))
    assert first["teacher"]["forces"]["value"] == pytest.approx(50)
    assert first["constant"]["forces"]["value"] == pytest.approx(200)
    (difference,) = table["differences"]
    assert difference["label_set"] == "k4"
    assert difference["against"] == {"label_set": "as_given", "name": "s"}
    assert difference["as_given"]["forces"]["value"] == pytest.approx(-40)
    assert difference["as_given"]["forces"]["by_seed"] == pytest.approx([-30, -50])
    assert difference["random"]["energy"]["value"] == pytest.approx(-8)


def test_each_source_has_its_own_tables():
    frames = trajectories(0, roots=12)
    first = np.isin(frames.root, np.unique(frames.root)[:6])
    frames = replace(frames, source=np.where(first, b"soft", b"stiff"))
    own, k4 = np.full((1, len(frames)), 0.1), np.where(first, 0.08, 0.14)[None]
    table = results(ARMS, found_in(frames, own, k4), frames, PAIR)
    assert list(table["by_source"]) == ["soft", "stiff"]
    for name, expected in (("soft", -20), ("stiff", 40)):
        part = table["by_source"][name]
        assert (part["n_frames"], part["n_roots"]) == ((frames.source == name.encode()).sum(), 6)
        assert part["differences"][0]["as_given"]["forces"]["value"] == pytest.approx(expected)


def test_a_frame_that_one_model_cannot_answer_is_left_out_of_all():
    frames = trajectories(0, roots=8)
    values = np.random.default_rng(0).uniform(0.05, 0.2, (2, 2, len(frames)))
    found = found_in(frames, *values)
    whole = results(ARMS, found, frames, PAIR)
    found[Model("k4", "s")]["random/forces"][1, 3] = np.nan
    table = results(ARMS, found, frames, PAIR)
    assert (table["n_frames"], table["n_left_out"]) == (len(frames) - 1, 1)
    own = [t["arms"][0]["students"]["s"]["as_given"]["forces"]["value"] for t in (whole, table)]
    rest = np.arange(len(frames)) != 3
    atoms = frames.n_atoms[rest]
    assert own[1] == pytest.approx(1e3 * (values[0].mean(axis=0)[rest] @ atoms) / atoms.sum())
    assert own[1] != own[0]
    found[Model("k4", "s")]["as_given/energy"][:] = np.nan
    with pytest.raises(LimbeckError, match=f"study: none of {len(frames)} test frames has an ans"):
        results(ARMS, found, frames, PAIR)


@pytest.mark.parametrize("shift", [0.0, -0.01])
def test_the_interval_of_a_difference_holds_it_as_often_as_promised(shift):
    """At least 90 of 100: 95 promised, less two standard errors (2.2 each) of 100 trials."""
    held = decided = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        frames = trajectories(seed, roots=25)
        own, k4 = per_atom_of(frames, rng), per_atom_of(frames, rng, shift)
        table = results(ARMS, found_in(frames, own, k4), frames, PAIR)
        found = table["differences"][0]["as_given"]
        low, high = found["forces"]["ci95"]
        held += low <= 1e3 * shift <= high
        decided += side(found) != 0
    assert held >= 90
    # told apart where there is nothing to tell: one in twenty, and its errors; else more often
    assert decided <= 12 if shift == 0 else decided > 25


def test_pairing_by_root_tells_what_separate_intervals_do_not():
    """Both arms share what makes a root hard: 20 meV/A of scatter against a difference of 2."""
    frames = trajectories(0, roots=25)
    rng = np.random.default_rng(0)
    own = per_atom_of(frames, rng)
    table = results(ARMS, found_in(frames, own, own - 0.002), frames, PAIR)
    assert side(table["differences"][0]["as_given"]) == -1
    first, second = (a["students"]["s"]["as_given"]["forces"]["ci95"] for a in table["arms"])
    assert first[0] < second[1]  # negative control: these overlap


def test_errors_of_answers_by_hand():
    frames = trajectories(0, roots=5)
    truth = labels_for(frames)
    wrong = labels_for(frames, energy=-2.0 * frames.n_atoms, forces=0.1 - truth.forces)
    found = absolute_errors(wrong, truth, frames)
    np.testing.assert_allclose(found["as_given/energy"], 2.0)
    np.testing.assert_allclose(found["as_given/forces"], 0.3 * frames.n_atoms, rtol=1e-12)


def test_a_student_in_other_views():
    """A field a along z: |Q^T z| has a mean component of 1/2 and a variance of 1/3 over rotations,
    and a tenth of a cosine's spread is left in the mean of 100 views of 40 frames and more."""
    frames = trajectories(0, roots=40)
    found = student_sums(LabField(), Dataset(frames, labels_for(frames)), 100)
    a = frames.extra["amplitude"]
    np.testing.assert_allclose(found["as_given/forces"], a * frames.n_atoms, rtol=1e-12)
    mean = {k: found[k].sum() for k in ("random/forces", "gap/forces")}
    assert mean["random/forces"] == pytest.approx((1.5 * a * frames.n_atoms).sum(), rel=0.02)
    assert mean["gap/forces"] == pytest.approx((a**2 * frames.n_atoms).sum(), rel=0.02)


def test_frames_of_unknown_elements_are_nan():
    frames = trajectories(0, roots=5)
    numbers = frames.numbers.copy()
    numbers[0] = 79  # gold
    frames = replace(frames, numbers=numbers)
    found = student_sums(LabField(), Dataset(frames, labels_for(frames)), 2)
    for values in found.values():
        assert np.isnan(values).tolist() == [True] + [False] * (len(frames) - 1)


def labels_with_spread(frames, rng, *, honest):
    """Labels whose error follows their spread, or does not."""
    roots = np.unique(frames.root, return_inverse=True)[1]
    size = np.exp(rng.normal(0, 1, roots.max() + 1))[roots][frames.frame_of_atom]
    forces = rng.standard_normal((len(size), 3)) * size[:, None]
    spread = size if honest else np.exp(rng.normal(0, 1, len(size)))
    return replace(labels_for(frames, forces=forces), forces_spread=spread)


def test_a_spread_that_predicts_the_error_and_one_that_does_not():
    frames = trajectories(1, roots=40)
    truth = labels_for(frames)
    for honest in (True, False):
        labels = labels_with_spread(frames, np.random.default_rng(0), honest=honest)
        found = spread_predicts(labels, truth, frames)
        assert (found["n_frames"], found["n_roots"]) == (len(frames), 40)
        for of in ("atoms", "frames"):
            low, high = found[of]["spread"]["ci95"]
            assert (low > 0.5) == honest  # the error's own scatter is about that of its size
            assert honest or low < 0 < high
            # the truth has no forces, so that the size of a label is its error
            assert found[of]["force_size"]["value"] == pytest.approx(1)
        assert set(found["by_source"]) == {"synthetic"}


def test_labels_of_one_view_have_no_spread_to_ask():
    frames = trajectories(1, roots=5)
    labels = replace(labels_for(frames), forces_spread=np.full(len(frames.numbers), np.nan))
    assert spread_predicts(labels, labels_for(frames), frames) is None


def test_frames_without_a_label_do_not_count():
    frames = trajectories(1, roots=20)
    labels = labels_with_spread(frames, np.random.default_rng(0), honest=True)
    forces, energy = labels.forces.copy(), labels.energy.copy()
    energy[0], forces[: frames.n_atoms[0]] = np.nan, np.nan
    found = spread_predicts(
        replace(labels, forces=forces, energy=energy), labels_for(frames), frames
    )
    assert found["n_frames"] == len(frames) - 1
    assert found["frames"]["spread"]["value"] > 0.5


STUDENTS = {
    "mace": student({"architecture": "mace"}),
    "direct": student({"architecture": "direct"}),
    "turned": student({"architecture": "direct", "augment": True}),
    "weighted": student({"architecture": "mace", "spread_weight": 1.0}),
}


def test_which_models_are_compared():
    both = ["mace", "direct"]
    distill = [Distill(labels=a, students=both, seeds=[1, 2]) for a in ("as_given", "one", "k4")]
    distill += [
        Distill(labels="as_given", students=["turned"]),
        Distill(labels="k4", students=["weighted"]),
    ]
    study = Expectation(kind="expectation", baselines=["as_given", "one"])
    job = CompareLabelSets.model_construct(study=study, distill=distill, students=STUDENTS)
    found = [tuple("/".join(model) for model in pair) for pair in comparisons(job)]
    assert found == [
        ("as_given/direct", "as_given/turned"),
        ("one/mace", "as_given/mace"),
        ("one/direct", "as_given/direct"),
        ("one/direct", "as_given/turned"),
        ("k4/mace", "as_given/mace"),
        ("k4/mace", "one/mace"),
        ("k4/direct", "as_given/direct"),
        ("k4/direct", "one/direct"),
        ("k4/direct", "as_given/turned"),
        ("k4/weighted", "k4/mace"),
    ]


def estimate(value, half, by_seed=None):
    entry = {"value": value, "ci95": [value - half, value + half], "unit": "meV/A"}
    return {"forces": entry | ({"by_seed": by_seed} if by_seed else {})}


def made_up(*differences, constant=300.0, spread=(0.4, 0.1)):
    """Results of a study with one averaged arm for each difference."""
    names = [f"k{i}" for i in range(len(differences))]

    def arm(name, views):
        return {
            "label_set": name,
            "views": "as given" if views == 1 else "4 random views",
            "n_views": views,
            "frames": {"train": 80 // views, "valid": 20 // views, "test": 0},
            "teacher_calls": {"train": 80, "valid": 20, "test": 0},
            "teacher": estimate(40, 5),
            "constant": estimate(constant, 5),
            "students": {"direct": {"as_given": estimate(100, 5)}},
        }

    rho, half = spread
    correlation = {"value": rho, "ci95": [rho - half, rho + half], "unit": ""}
    made = {
        "reference": "chgnet",
        "teachers": ["orb-demo"],
        "baselines": ["as_given"],
        "students": {name: s.model_dump() for name, s in STUDENTS.items()},
        "n_frames": 50,
        "n_roots": 20,
        "n_groups": 20,
        "arms": [arm("as_given", 1), *(arm(name, 4) for name in names)],
        "differences": [
            {
                "label_set": name,
                "name": "direct",
                "against": {"label_set": "as_given", "name": "direct"},
                "as_given": difference,
                "random": difference,
            }
            for name, difference in zip(names, differences, strict=True)
        ],
        "spread": {n: {"atoms": {"spread": correlation, "force_size": correlation}} for n in names},
    }
    worse = [d | {"as_given": WORSE} for d in made["differences"]]
    return made | {"by_source": {"soft": {"differences": worse}, "stiff": made}}


BETTER, WORSE, SAME = (
    estimate(-20, 5, [-18, -22]),
    estimate(20, 5, [18, 22]),
    estimate(2, 5, [5, -1]),
)


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([BETTER, SAME], "averaging pays. "),
        ([WORSE, SAME], "averaging loses. "),
        ([SAME, SAME], "cannot tell whether averaging pays. "),
        ([WORSE, BETTER], "whether averaging pays depends on the views. "),
        # an interval on one side of zero, but a seed on the other
        ([estimate(20, 5, [50, -10])], "cannot tell whether averaging pays. "),
    ],
)
def test_the_verdict_follows_intervals_and_seeds(differences, verdict):
    (line,) = [s for s in answers(made_up(*differences)) if s.startswith("direct: ")]
    assert line.startswith(f"direct: {verdict}Force error less that with as_given: k0 ")


def test_the_numbers_stand_in_the_sentences():
    text = answers(made_up(WORSE))
    assert text[0] == (
        "Every arm spent 100 calls of orb-demo: as_given (as given, 80 training frames); "
        "k0 (4 random views, 20 training frames). Errors are against chgnet, on 50 test frames of "
        "20 groups."
    )
    assert text[1] == (
        "Force error of the labels themselves: "
        "as_given 40 (35 to 45) meV/Å, k0 40 (35 to 45) meV/Å."
    )
    assert "k0 larger, by 20 (15 to 25) meV/Å." in text[2]


def test_the_verdict_of_each_source_stands_beside_that_of_all():
    (line,) = [s for s in answers(made_up(BETTER)) if s.startswith("direct: ")]
    assert line.endswith(" By source, soft: averaging loses, stiff: averaging pays.")


def test_students_that_learned_nothing_are_named():
    assert not any("No better than no forces" in line for line in answers(made_up(SAME)))
    (line,) = [s for s in answers(made_up(SAME, constant=90.0)) if "No better than no forces" in s]
    assert line.endswith("as_given/direct, k0/direct.")


@pytest.mark.parametrize(
    ("spread", "word"), [((0.4, 0.1), "yes"), ((0.05, 0.1), "cannot tell"), ((-0.4, 0.1), "no, ")]
)
def test_what_the_spread_predicts(spread, word):
    line = answers(made_up(SAME, spread=spread))[-1]
    assert line.startswith(f"Does the spread predict the label's error? k0: {word}")
    nothing = made_up(SAME) | {"spread": {}}
    assert "no arm has a spread" in answers(nothing)[-1]


def test_the_control_that_saw_its_frames_turned():
    made = made_up(BETTER)
    control = {"label_set": "as_given", "name": "turned"}
    made["differences"].append(made["differences"][0] | {"against": control, "random": WORSE})
    (line,) = [s for s in answers(made) if "turned" in s]
    assert line.startswith(
        "k0/direct is better than as_given/turned, which saw its frames turned, on "
    )
    assert "and worse than it in random views (20 (15 to 25) meV/Å)." in line


def test_the_control_that_counts_all_labels_alike():
    made = made_up(SAME)
    pair = {"name": "weighted", "against": {"label_set": "k0", "name": "mace"}}
    made["differences"].append(made["differences"][0] | pair | {"as_given": BETTER})
    (line,) = [s for s in answers(made) if "weighted" in s]
    assert line.startswith("k0/weighted is better than k0/mace, which counts labels alike, ")
