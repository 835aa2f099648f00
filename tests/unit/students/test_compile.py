"""Students as torch.compile makes them: the same answers, and who is refused."""

from functools import partial

import numpy as np
import pytest
import torch
from ase.build import bulk, molecule

from limbeck.config.sections.known import NETWORKS
from limbeck.config.sections.messages import validated
from limbeck.config.sections.students import StudentSettings, compiler
from limbeck.errors import LimbeckError
from limbeck.frames import from_atoms
from limbeck.potentials import trainable
from limbeck.potentials.trainable import Statistics
from limbeck.students import ARCHITECTURES, new_student

ELEMENTS = [1, 8, 11, 17]


def student_of(architecture):
    torch.manual_seed(0)
    settings = StudentSettings(name="any", architecture=architecture, size="tiny")
    statistics = Statistics(ELEMENTS, np.zeros(4), 0.0, 1.0, 1.0, 1.0)
    student = new_student(settings, statistics, device="cpu")
    student.module.eval().requires_grad_(False)
    return student


def salt(*repeats):
    made = [bulk("NaCl", "rocksalt", a=5.64, cubic=True).repeat(r) for r in repeats]
    for seed, atoms in enumerate(made):
        atoms.rattle(0.05, seed=seed)
    return from_atoms(made, groups=["NaCl"] * len(made), source="named")


def water():
    return from_atoms([molecule("H2O")], groups=["H2O"], source="named")


def require_same_answers(student):
    """Before and after it is compiled, of batches of all kinds."""
    sets = [salt((2, 1, 1), (1, 1, 1)), water()]
    before = [student.predict(frames) for frames in sets]
    student.compile()
    for frames, expected in zip(sets, before, strict=True):
        found = student.predict(frames)
        # sums of float32 in another order: forces of up to 0.6 eV/A, energies of a few eV
        assert found.forces == pytest.approx(expected.forces, abs=2e-6)
        assert found.energy == pytest.approx(expected.energy, abs=1e-5)
        assert found.stress == pytest.approx(expected.stress, abs=1e-6, nan_ok=True)
        assert np.abs(expected.forces).max() > 1e-3  # more than the tolerance allows


@pytest.mark.slow
@pytest.mark.skipif(compiler() is None, reason="torch.compile needs a C++ compiler: no g++ here")
def test_answers_are_the_same():
    require_same_answers(student_of("painn"))


@pytest.mark.parametrize("architecture", [n for n in NETWORKS if NETWORKS[n].compiles])
def test_all_of_it_can_be_traced(architecture, monkeypatch):
    """What takes minutes, the C++ code, is left out."""
    monkeypatch.setattr(trainable, "compiler", lambda: "any")
    calls = []

    def eager(graph, inputs):
        calls.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=eager, fullgraph=True))
    require_same_answers(student_of(architecture))
    assert calls  # the answers are of what was traced


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_who_cannot_be_compiled_is_refused_in_the_config(architecture):
    settings = {"name": "any", "architecture": architecture, "inference": "compile"}
    if NETWORKS[architecture].compiles:
        assert validated(StudentSettings, settings).inference == "compile"
    else:
        with pytest.raises(LimbeckError, match="inference: 'compile', expected eager for mace"):
            validated(StudentSettings, settings)


def test_mace_says_at_once_that_it_cannot():
    with pytest.raises(LimbeckError, match=r"eager for mace: torch\.compile takes direct"):
        student_of("mace").compile()


def test_no_compiler_is_told_before_anything_is_compiled(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(LimbeckError, match="no C\\+\\+ compiler, expected g\\+\\+ on the path"):
        student_of("direct").compile()
