"""The jobs of a run that ask models, and how much each asks.

Where a number is not known before the work is done (steps of a relaxation, displacements of a
crystal, epochs until patience ends), it is a typical or the largest one, as its name here says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import comb, pi, prod
from pathlib import Path
from typing import Any

import numpy as np

from limbeck.config import plan, rounds
from limbeck.config.config import Config
from limbeck.config.sections.force_constants import ForceConstants, Preparation
from limbeck.config.sections.labels import LabelSet
from limbeck.config.sections.sampling import (
    Contour,
    MolecularDynamics,
    Phonons,
    Rattle,
    RelaxPath,
)
from limbeck.config.sections.studies import Expectation, FramesByViews
from limbeck.config.sections.subsystems import ByNumber, Subsystem
from limbeck.cost.amounts import Amount, Amounts, shared, total
from limbeck.cost.rates import Model
from limbeck.cost.sizes import Size, size_of
from limbeck.storage import read_frames
from limbeck.students.hyperparameters import passes

TYPICAL_RELAXATION = 100  # steps
TYPICAL_TRIES = 5  # evaluations until a walk is on its contour
MOST_DISPLACEMENTS = 6  # of each atom of a cell that symmetry does not make of another
TYPICAL_INEQUIVALENT = 4  # atoms of a small crystal that symmetry does not make of another
TYPICAL_SNAPSHOTS = 10  # supercells that symfc needs
ERROR_VIEWS = 1 + 8 + 24  # as given, random, averaged: limbeck.warrant.accuracy
FIELD_FRAMES = 50  # limbeck.warrant.conservativity and consistency measure at most so many
#: evaluations of each frame: conservativity takes 16 to 64
FIELD_VIEWS = {"conservativity": 64, "consistency": 25}
FLOOR_VIEWS = 3 * 16  # of each frame, where forces are no gradient: limbeck.warrant.floor
#: atoms of a view over those of the frame: one of three presentations of four is doubled
VIEW_SIZES = {"supercell": 1.75}
QUADRATURE_VIEWS = 1400
#: evaluations of a system by a model, and atoms of its largest batch: limbeck.timing.card
CARD_CALLS, CARD_BATCH = 8, 1024
SCAN_VIEWS = 74  # of each of two frames: limbeck.averaging.turns


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        rule: its name.
        name: which of the rule's jobs.
        made: frames that it makes.
        asked: evaluations of each model.
        output: a file that it makes, below the run.
    """

    rule: str
    name: str
    made: Amounts
    asked: list[tuple[Model, Amounts]] = field(default_factory=list)
    output: str = ""

    @property
    def evaluations(self) -> float:
        """Of all models."""
        return sum(amounts.frames for _, amounts in self.asked)

    @property
    def atoms(self) -> float:
        """Of all evaluations."""
        return sum(amounts.atoms for _, amounts in self.asked)


class Work:
    """All jobs of a config."""

    def __init__(self, config: Config, results: Path | None = None) -> None:
        """Of ``results``, the folder of the run, frames that are there are counted as they are."""
        self.config, self.results = config, results
        self._counted: dict[tuple[str, str], Amounts] = {}

    @cached_property
    def sizes(self) -> dict[str, Size]:
        """What each source that is used makes."""
        return {name: size_of(self.config, name) for name in plan.sources_used(self.config)}

    @cached_property
    def jobs(self) -> list[Job]:
        """All jobs that make frames or ask models, in the order of the pipeline."""
        return [
            *self._structures(),
            *self._force_constants(),
            *self._samples(),
            *self._subsystems(),
            *self._selected(),
            *self._labels(),
            *self._students(),
            *self._rounds(),
            *self._gaps(),
            *self._costs(),
            *self._physics(),
            *self._study(),
        ]

    # frames

    def frames(self, name: str, source: str) -> Amounts:
        """Frames of a sampling, a subsystem, or "generated", of one source: all its shards."""
        if (name, source) not in self._counted:
            shards = range(self.config.sources[source].shards)
            paths = [p for i in shards for p in plan.frame_files(self.config, name, source, i)]
            there = self._there(paths)
            self._counted[name, source] = self._expected(name, source) if there is None else there
        return self._counted[name, source]

    def _there(self, paths: list[str]) -> Amounts | None:
        """What files hold; None where one of them is not there."""
        if self.results is None or not paths:
            return None
        files = [self.results / path for path in paths]
        if not all(file.is_file() for file in files):
            return None
        return total(Amounts.of(read_frames(file)) for file in files)

    def _expected(self, name: str, source: str) -> Amounts:
        config = self.config
        if name == "generated":
            return self.sizes[source].amounts
        if name in config.sampling:
            return self._sampled(name, source)[0]
        own = config.subsystems[name]
        from_ = (o for o in own.of if source in plan.sources_of(config, o))
        cut = total(self.frames(origin, source) for origin in from_)
        return self._clusters(own, source, cut.frames)

    @cached_property
    def selected(self) -> Amounts:
        """Frames that are selected, of all slices."""
        config = self.config
        there = self._there([f"selected/{i}.h5" for i in range(config.select.slices)])
        if there is not None:
            return there
        pairs = [(n, s) for n in config.select.include for s in plan.sources_of(config, n)]
        return total(shared(config.select.count, [self.frames(*pair) for pair in pairs]))

    # stages

    def _structures(self) -> Iterator[Job]:
        for source in plan.sources_used(self.config):
            made = self.frames("generated", source)
            rule = f"generate_{self.config.sources[source].kind}"
            for shard, part in self._by_shard(source, made):
                yield Job(rule, f"{source}/{shard}", part, [], f"structures/{source}/{shard}.h5")

    def _force_constants(self) -> Iterator[Job]:
        for name, own in self.config.force_constants.items():
            for source in own.sources:
                asked = self._displaced(own, source)
                for shard, part in self._by_shard(source, asked):
                    who = [(Model("potential", own.potential), part)]
                    path = f"force_constants/{name}/{source}/{shard}"
                    yield Job(
                        "calculate_force_constants",
                        f"{name}/{source}/{shard}",
                        Amounts(),
                        who,
                        f"{path}.csv",
                    )

    def _displaced(self, own: ForceConstants, source: str) -> Amounts:
        """Evaluations for the force constants of all crystals of a source."""
        size = self.sizes[source]
        crystals = Amounts(periodic=self.frames("generated", source).periodic)
        if own.displacements == "random":
            each = float(own.snapshots or TYPICAL_SNAPSHOTS)
        else:
            each = MOST_DISPLACEMENTS * _inequivalent(size)
        each *= 2 if own.second_step == "all" else 1
        each *= 1 + len(own.volume_strains) * own.thermal_expansion
        large = crystals.times(each, cells=size.cells(own))
        return total([crystals.times(_relaxation(own)), large])

    def _samples(self) -> Iterator[Job]:
        for name in plan.samplings_used(self.config):
            method = self.config.sampling[name].method
            for source in plan.sources_of(self.config, name):
                made, asked = self.frames(name, source), self._sampled(name, source)[1]
                driver = plan.driver(self.config, name)
                share = 1 / self.config.sources[source].shards
                for shard, part in self._by_shard(source, made):
                    who = [(Model("potential", driver), asked.times(share))] if driver else []
                    place = f"{name}/{source}/{shard}"
                    yield Job(f"sample_{method}", place, part, who, f"samples/{place}.h5")

    def _sampled(self, name: str, source: str) -> tuple[Amounts, Amounts]:
        """Frames that a sampling makes of a source, and evaluations that this takes."""
        own, start = self.config.sampling[name], self.frames("generated", source)
        size = self.sizes[source]
        if isinstance(own, Rattle):
            made, asked = start.times(own.n_frames), Amounts()
        elif isinstance(own, RelaxPath):
            made = start.times(min(own.n_frames, own.max_steps))
            asked = start.times(1 + min(own.max_steps, TYPICAL_RELAXATION))
        elif isinstance(own, Phonons):
            constants = self.config.force_constants[own.force_constants]
            crystals = Amounts(periodic=start.periodic)
            large = crystals.times(1, cells=size.cells(constants))
            made, asked = large.times(own.n_frames * _modes(own, size)), Amounts()
        else:
            large = start.times(1, cells=size.cells(own))
            walks, steps, frames = _walk(own)
            made = large.times(walks * frames)
            asked = total([start.times(_relaxation(own)), large.times(walks * steps)])
        return made, total([asked, made]) if own.keep else asked

    def _subsystems(self) -> Iterator[Job]:
        for name, own in self.config.subsystems.items():
            for origin in own.of:
                for source in plan.sources_of(self.config, origin):
                    cut = self.frames(origin, source)
                    made = self._clusters(own, source, cut.frames)
                    for shard, part in self._by_shard(source, made):
                        who = [(Model("potential", str(own.potential)), part)] if own.keep else []
                        place = f"{name}/{origin}/{source}/{shard}"
                        yield Job("extract_subsystems", place, part, who, f"subsystems/{place}.h5")

    def _clusters(self, own: Subsystem, source: str, frames: float) -> Amounts:
        """Clusters of so many frames, and their fragments."""
        atoms, density = _molecules(self.sizes[source])
        if isinstance(own, ByNumber):
            numbers = [float(n) for n in own.limits]
        else:  # of molecules whose centres are within the limit, at the crystal's density
            numbers = [1 + density * 4 / 3 * pi * limit**3 for limit in own.limits]
        clusters, members = float(len(numbers)), sum(numbers)
        if own.many_body_order:  # the fragments of the largest are those of all others
            largest = round(max(numbers))
            orders = range(1, min(own.many_body_order, largest) + 1)
            clusters += sum(comb(largest, k) for k in orders)
            members += sum(k * comb(largest, k) for k in orders)
        return Amounts(isolated=Amount(frames * clusters, frames * members * atoms))

    def _selected(self) -> Iterator[Job]:
        config, score = self.config, self.config.select.score
        pairs = [(n, s) for n in config.select.include for s in plan.sources_of(config, n)]
        offered = total(self.frames(*pair) for pair in pairs)
        for i in range(config.select.slices):
            share = 1 / config.select.slices
            asked = offered.times(share * score.views) if score else Amounts()
            who = [(Model("potential", score.potential), asked)] if score else []
            made = self.selected.times(share)
            yield Job("select_frames", str(i), made, who, f"selected/{i}.h5")

    def _labels(self) -> Iterator[Job]:
        slices = self.config.select.slices
        for name in plan.by_potentials(self.config):
            own = self.config.labels[name]
            assert isinstance(own, LabelSet)
            who = Model("potential", own.potential)
            if own.views == "auto":
                tried = own.auto.n_frames * len(plan.sources_used(self.config))
                asked = self.selected.at_most(tried).times(own.auto.views)
                output = f"labels/{name}.views.json"
                yield Job("choose_views", name, Amounts(), [(who, asked)], output)
            made = self._labelled(name).times(1 / slices)
            for i in range(slices):
                asked = made.times(_views(own) * own.calls_of_a_view)
                output = f"labels/{name}/{i}.h5"
                yield Job("label_frames", f"{name}/{i}", made, [(who, asked)], output)

    def _alike(self, count: float) -> Amounts:
        """So many frames of the mixture of those that are selected."""
        return (
            self.selected.times(count / self.selected.frames) if self.selected.frames else Amounts()
        )

    def _labelled(self, label_set: str) -> Amounts:
        return self.selected.at_most(self.config.labels[label_set].n_frames or float("inf"))

    def _parts(self, frames: Amounts) -> dict[str, Amounts]:
        """Frames that students are trained on, validated on and tested on."""
        own = self.config.dataset
        new = own.test_new_fraction if own.split_by == "group" else 0.0
        left = 1 - new
        valid, known = left * own.valid_fraction, left * own.test_known_fraction
        shares = {"train": left - valid - known, "valid": valid, "test": new + known}
        return {part: frames.times(share) for part, share in shares.items()}

    def _students(self) -> Iterator[Job]:
        for entry in plan.trained(self.config):
            own = self.config.students[entry.student]
            parts = self._parts(self._labelled(entry.label_set))
            train, name = parts["train"], "/".join(map(str, entry))
            frames = train.times(passes(own, train.frames) * self._frames_of_step(entry))
            teaching = [(Model("training", entry.student), frames)]
            folder = plan.student_folder(entry)
            yield Job("train_student", name, Amounts(), teaching, f"{folder}/training.json")
            tested = parts["test"].times(self._lines(entry.label_set))
            asked = [(Model("student", entry.student), tested)]
            yield Job("evaluate_student", name, Amounts(), asked, f"{folder}/metrics.json")

    def _frames_of_step(self, entry: plan.TrainedStudent) -> int:
        """Frames that a training evaluates for each that it learns from: displaced ones as well."""
        learned = self.config.students[entry.student].hessian_weight
        return self._lines(entry.label_set) if learned else 1

    def _lines(self, label_set: str) -> int:
        """Evaluations of a frame with the products of its Hessian: those displaced as well."""
        return 1 + 2 * self.config.labels[label_set].hessian_vectors

    def _rounds(self) -> Iterator[Job]:
        for pair in rounds.asked(self.config).values():
            dynamics = rounds.dynamics_of(self.config, pair.label_set, pair.student)
            for each in pair.rounds:
                yield from self._round(pair, each, dynamics)
            tested = self._alike(pair.settings.n_test_frames * len(pair.rounds))
            shared = total([tested, self._parts(self._labelled(pair.label_set))["test"]])
            name = f"{pair.label_set}/{pair.student}"
            asked = shared.times(len(pair.rounds) * len(pair.seeds))
            who = [(Model("student", pair.student), asked)]
            yield Job(
                "compare_rounds",
                name,
                Amounts(),
                who,
                f"rounds/{pair.label_set}.{pair.student}.json",
            )

    def _round(
        self, pair: rounds.Asked, each: rounds.Round, dynamics: MolecularDynamics
    ) -> Iterator[Job]:
        """What a round asks: dynamics, the choice, labels, trainings and tests."""
        own, folder = pair.settings, f"rounds/{each.name}"
        student = Model("student", pair.student)
        label_set = self.config.labels[pair.label_set]
        assert isinstance(label_set, LabelSet)
        teacher = Model("potential", label_set.potential)
        walks, steps, _ = _walk(dynamics)
        followed = any(each == later.explored for later in rounds.later_rounds(self.config))
        starts = self._alike(own.n_starts * followed + own.n_test_starts)
        asked = [(student, starts.times(walks * steps))]
        made = self._alike(own.n_test_frames)
        yield Job("explore_round", each.name, made, asked, f"{folder}/own.h5")
        parts = {"own": own.n_test_frames} if own.n_test_frames else {}
        if each.number > 1:
            candidates = self._alike(rounds.most_frames(own, dynamics))
            asked = [(student, candidates.times(2 * len(pair.seeds)))]
            if own.choose == "views" and not each.random:
                asked.append(
                    (teacher, self._alike(rounds.POOL * own.n_frames).times(rounds.POOL_VIEWS))
                )
            parts["chosen"] = own.n_frames
            made = self._alike(own.n_frames)
            yield Job("choose_frames", each.name, made, asked, f"{folder}/chosen.h5")
        for part, count in parts.items():
            calls = _views(label_set) * (label_set.calls_of_a_view if part == "chosen" else 1)
            labels = [(teacher, self._alike(count).times(calls))]
            output = f"{folder}/{part}.labels.h5"
            yield Job("label_round", f"{each.name}/{part}", Amounts(), labels, output)
        if each.number > 1:
            yield from self._trained_alike(pair, each)

    def _trained_alike(self, pair: rounds.Asked, each: rounds.Round) -> Iterator[Job]:
        """Trainings of a round, of as many steps as those of the first, and their tests."""
        parts = self._parts(self._labelled(pair.label_set))
        own, train = self.config.students[pair.student], parts["train"]
        of_first = plan.TrainedStudent(pair.label_set, pair.student, pair.seeds[0])
        frames = train.times(passes(own, train.frames) * self._frames_of_step(of_first))
        tested = parts["test"].times(self._lines(pair.label_set))
        for seed in pair.seeds:
            entry = plan.TrainedStudent(each.learned, pair.student, seed)
            name, folder = "/".join(map(str, entry)), plan.student_folder(entry)
            teaching = [(Model("training", pair.student), frames)]
            yield Job("train_student", name, Amounts(), teaching, f"{folder}/training.json")
            asked = [(Model("student", pair.student), tested)]
            yield Job("evaluate_student", name, Amounts(), asked, f"{folder}/metrics.json")

    def _gaps(self) -> Iterator[Job]:
        config = self.config
        for name in plan.teachers(config):
            who = Model("potential", name)
            reference = config.warrant.reference
            errors = reference is not None and config.labels[reference].potential != name
            asked = total([self._views_of_gaps(errors=errors), self._floor(name), self._turns()])
            output = f"warrant/teachers/{name}.json"
            yield Job("measure_teacher_gap", name, Amounts(), [(who, asked)], output)
            if config.warrant.n_quadrature_frames:
                few = self.selected.at_most(config.warrant.n_quadrature_frames)
                grids = [(who, few.times(QUADRATURE_VIEWS))]
                output = f"warrant/quadrature/{name}.json"
                yield Job("certify_quadrature", name, Amounts(), grids, output)
        seeds: dict[tuple[str, str], int] = {}
        for entry in plan.trained(config):
            seeds[entry[:2]] = seeds.get(entry[:2], 0) + 1
        asked = self._views_of_gaps(errors=config.warrant.reference is not None)
        for (label_set, student), count in seeds.items():
            views = [(Model("student", student), total([asked.times(count), self._turns()]))]
            name = f"{label_set}/{student}"
            output = f"warrant/students/{name}.json"
            yield Job("measure_student_gap", name, Amounts(), views, output)

    def _costs(self) -> Iterator[Job]:
        """The speed card of a ladder; that of one frame takes seconds."""
        config, sizes = self.config, self.config.speed.n_atoms
        if not sizes:
            return
        frames, atoms = 2 * CARD_CALLS * len(sizes), CARD_CALLS * sum(sizes)
        ladder = Amount(frames, atoms + CARD_CALLS * sum(max(n, CARD_BATCH) for n in sizes))
        there = [bool(part.frames) for part in (self.selected.isolated, self.selected.periodic)]
        asked = Amounts(*(ladder.times(present) for present in there))
        names = dict.fromkeys([*plan.teachers(config), *config.speed.beside])
        students = (Model("student", entry.student) for entry in plan.trained(config))
        models = [*(Model("potential", name) for name in names), *students]
        yield Job("measure_speed", "", Amounts(), [(m, asked) for m in models], "speed.json")

    def _turns(self) -> Amounts:
        """Evaluations of the angle scan, of a molecule and a crystal."""
        return self._measured().at_most(2).times(SCAN_VIEWS * self.config.warrant.scan)

    def _physics(self) -> Iterator[Job]:
        asked = self._of_physics()
        for name in plan.physics_teachers(self.config):
            who, output = Model("potential", name), f"physics/teachers/{name}.json"
            yield Job("measure_teacher_physics", name, Amounts(), [(who, asked)], output)
        for entry in plan.physics_students(self.config):
            name = "/".join(map(str, entry))
            output = f"physics/{plan.student_folder(entry)}.json"
            views = [(Model("student", entry.student), asked)]
            yield Job("measure_student_physics", name, Amounts(), views, output)

    def _of_physics(self) -> Amounts:
        """Evaluations of one model whose physics is measured: frames and crystals of the mean size,
        dynamics repeated as far as allowed."""
        own = self.config.warrant.physics
        tested = self._parts(self.selected)["test"].at_most(own.n_structures)
        each = tested.atoms / tested.frames if tested.frames else 0.0
        grown = max(1.0, own.max_atoms / each) if own.supercell_radius_A and each else 1.0
        steps = 0.0
        if "nve" in own.checks:
            steps += sum(1000 * own.nve_ps / step for step in own.nve_time_steps_fs)
        if own.moves:
            each_K = (1000 + 1000 * own.nvt_ps) / own.nvt_time_step_fs
            steps += each_K * len(plan.physics_temperatures(self.config))
        names = plan.sources_used(self.config)
        roots = total(self.frames("generated", source) for source in names)
        crystals = Amounts(periodic=roots.periodic).at_most(own.n_structures)
        asked = [tested.times(steps, cells=grown)]
        if {"phonons", "equation_of_state"} & {*own.checks}:
            asked.append(crystals.times(TYPICAL_RELAXATION))
        if "phonons" in own.checks:
            atoms = crystals.atoms / crystals.frames if crystals.frames else 1.0
            large = own.max_supercell_atoms / atoms
            asked.append(crystals.times(MOST_DISPLACEMENTS * TYPICAL_INEQUIVALENT, cells=large))
        if "equation_of_state" in own.checks:
            asked.append(crystals.times(len(own.volume_strains) * TYPICAL_RELAXATION))
        if "symmetry_kept" in own.checks:
            tolerances = len(own.symmetry_force_tolerances_eV_per_A)
            asked.append(crystals.times(tolerances * own.relax_steps))
        return total(asked)

    def _floor(self, potential: str) -> Amounts:
        """Evaluations for the floor, of all that may have one."""
        if not plan.has_curl(self.config, potential):
            return Amounts()
        return self._measured().at_most(self.config.warrant.n_floor_frames).times(FLOOR_VIEWS)

    def _measured(self) -> Amounts:
        """Frames that gaps are measured on."""
        own = self.config.warrant
        frames = self._parts(self.selected)["test"] if own.subset == "test" else self.selected
        return frames.at_most(own.n_frames)

    def _views_of_gaps(self, *, errors: bool) -> Amounts:
        """Evaluations of one model whose gaps are measured."""
        own, frames = self.config.warrant, self._measured()
        asked = [frames.times(ERROR_VIEWS)] if errors else []
        for gap in own.symmetries:
            if gap in FIELD_VIEWS:
                asked.append(frames.at_most(FIELD_FRAMES).times(FIELD_VIEWS[gap]))
            elif gap == "space_group":
                names = plan.sources_used(self.config)
                roots = total(self.frames("generated", source) for source in names)
                crystals = Amounts(periodic=roots.periodic).at_most(own.n_frames)
                asked.append(crystals.times(own.views))
            else:
                asked.append(frames.times(own.views, cells=VIEW_SIZES.get(gap, 1.0)))
        return total(asked)

    def _study(self) -> Iterator[Job]:
        study = self.config.frames_study
        if isinstance(study, Expectation):
            frames = self._parts(self.selected)["test"].at_most(study.n_frames)
            asked = [
                (Model("student", entry.student), frames.times(1 + 2 * study.views))
                for entry in plan.trained(self.config)
            ]
            output = f"studies/{study.name}/results.json"
            yield Job("compare_label_sets", study.name, Amounts(), asked, output)
        if isinstance(study, FramesByViews):
            for name in study.potentials:
                yield Job(
                    "fill_table",
                    f"{study.name}/{name}",
                    Amounts(),
                    self._table(study, name),
                    f"studies/{study.name}/{name}.json",
                )

    def _table(self, study: FramesByViews, potential: str) -> list[tuple[Model, Amounts]]:
        """What the table of one teacher asks: labels, those of the reference, and students."""
        own = self.config.students[study.student]
        most = self.selected.at_most(max(study.n_frames))
        labels = most.times(study.draws * max(study.views))
        one = self.selected.at_most(1)
        cells = study.draws * len(study.n_frames) * len(study.views)
        frames = (own.steps or 0) * own.batch_size
        tested = self.selected.at_most(study.n_test_frames)
        return [
            (Model("potential", potential), labels),
            (Model("potential", study.reference), total([most.times(study.draws), tested])),
            (Model("training", study.student), one.times(cells * frames)),
            (Model("student", study.student), tested.times(cells * (1 + study.test_views))),
        ]

    def _by_shard(self, source: str, amounts: Amounts) -> Iterator[tuple[int, Amounts]]:
        shards = self.config.sources[source].shards
        for shard in range(shards):
            yield shard, amounts.times(1 / shards)


def _walk(own: MolecularDynamics | Contour) -> tuple[int, int, int]:
    """Walks of each structure, and evaluations and frames of each of them."""
    if isinstance(own, Contour):
        steps = min(own.max_steps, own.n_frames * own.interval_steps)
        return 1, 1 + TYPICAL_TRIES + steps, own.n_frames
    pressures = own.pressure_GPa if own.moves_cell else 0.0
    values = (len(v) if isinstance(v, list) else 1 for v in (own.temperature_K, pressures))
    kept = sum(own.kept(step) for step in range(own.interval, own.steps + 1, own.interval))
    return prod(values), own.steps + 1, kept


def _relaxation(own: Preparation) -> int:
    """Evaluations until a structure is at rest."""
    if own.relax_input_cell == "none":
        return 0
    return min(TYPICAL_RELAXATION, own.relax_steps)


def _views(own: LabelSet) -> int:
    """Evaluations for one label, of ``auto`` the most that it may come to."""
    from limbeck.averaging.views import views_of

    return views_of(own, own.auto.views).count


def _modes(own: Phonons, size: Size) -> float:
    """Modes that are moved one by one, at most all of the cell at Gamma; 1 for all at once."""
    if own.draw == "canonical":
        return 1.0
    if own.selected_modes:
        return float(len(own.selected_modes))
    return 3 * size.amounts.periodic.atoms / max(1.0, size.amounts.periodic.frames)


def _inequivalent(size: Size) -> float:
    """Atoms of a cell that symmetry does not make of another, a mean over crystals."""
    import spglib

    counts = []
    for b in np.flatnonzero(size.sample.periodic).tolist():
        one = size.sample.select([b])
        scaled = np.linalg.solve(one.cell[0].T, one.positions.T).T
        cell: Any = (one.cell[0], scaled, one.numbers)
        found = spglib.get_symmetry_dataset(cell, symprec=1e-3)
        counts.append(len(set(found.equivalent_atoms.tolist())) if found else len(one.numbers))
    return float(np.mean(counts)) if counts else 0.0


def _molecules(size: Size) -> tuple[float, float]:
    """Atoms of a molecule, and molecules of a cubic Angstrom of the crystals (0 of none)."""
    from limbeck.molecules import NotMolecular, detect_molecules

    atoms, molecules, volume = 0, 0, 0.0
    for b in range(len(size.sample)):
        one = size.sample.select([b])
        try:
            found = len(detect_molecules(one.to_atoms()[0]))
        except NotMolecular:
            found = 1
        atoms, molecules = atoms + len(one.numbers), molecules + found
        volume += abs(np.linalg.det(one.cell[0])) if one.periodic[0] else 0.0
    return atoms / max(1, molecules), molecules / volume if volume else 0.0
