"""What is trained on what, and asked how: all arms of a study, for one seed.

Every arm is asked about the same test inputs, as they are given and in the same random views.
Students start from the same weights and take the same number of steps; they differ in their labels
and in how their inputs are presented.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from limbeck import seeds
from limbeck.errors import LimbeckError
from limbeck.studies.fit import Batch, Net, Told, fit, size_of, weights_from
from limbeck.studies.study import PARTS, Data, Inputs, Ops, Role, Study, take

#: most views of a test input whose answers are kept in ``answers.h5``
KEPT = 8
#: (arm, step, loss)
Log = Callable[[str, int, float], None]


@dataclass
class Answers:
    """What an arm answers to N test inputs, in the frame of the inputs as given.

    Attributes:
        given: to the inputs as given, [N,...]. views: to V views of each, [V,N,...]; the same as
            given where an arm has but one answer to an input, as in its canonical form.
        calls: evaluations of the teacher that its labels took. n_learned: inputs it learned from.
    """

    given: np.ndarray
    views: np.ndarray
    calls: int = 0
    n_learned: int = 0


@dataclass
class Seed:
    """All arms of one seed.

    Attributes:
        arms: name -> answers.
        labels: name -> squared errors of labels, summed over components, [M] of the inputs that
            students learn from.
    """

    arms: dict[str, Answers] = field(default_factory=dict)
    labels: dict[str, np.ndarray] = field(default_factory=dict)


def split(study: Study[Any], data: Data, seed: int = 0) -> dict[str, Data]:
    """The data by part; clusters stay together, and are the same for all seeds of nets.

    Raises:
        LimbeckError: a part that is needed would be empty.
    """
    shares = study.settings.split
    weights = np.array([getattr(shares, part) for part in PARTS])
    if data.part is not None:
        part = data.part
    else:
        names, member_of = np.unique(data.cluster, return_inverse=True)
        order = seeds.generator(seed, "studies/split").permutation(len(names))
        ends = np.round(np.cumsum(weights) / weights.sum() * len(names)).astype(int)
        rank = np.empty(len(names), dtype=int)
        rank[order] = np.arange(len(names))
        part = np.array(PARTS)[np.searchsorted(ends, rank, side="right")][member_of]
    found = {name: data.select(np.flatnonzero(part == name)) for name in PARTS}
    needed = [name for name, weight in zip(PARTS, weights, strict=True) if weight]
    for name in needed if data.part is None else ("teach", "learn", "test"):
        if len(found[name]) < 2:
            raise LimbeckError(
                f"studies.{study.settings.name}: {len(found[name])} inputs in part {name} of "
                f"{len(data)}, expected at least 2; raise count, or its share in split"
            )
    return found


class Arms:
    """Trains and asks the arms of one seed."""

    def __init__(
        self,
        study: Study[Any],
        parts: Mapping[str, Data],
        seed: int,
        device: str = "cpu",
        log: Log = lambda arm, step, loss: None,
    ) -> None:
        """Nothing is trained yet."""
        self.study, self.parts, self.seed = study, parts, seed
        self.device, self.log = device, log
        self.test = parts["test"]
        self.size = size_of(parts["teach"].truth)
        self.test_ops = self._views(self.test.inputs, study.settings.views.test, "test")

    def run(self) -> Seed:
        """All arms, in the order in which they are needed."""
        found = Seed()
        found.arms["constant"] = self._constant()
        teacher = self._train("teacher", "teacher", self._truth(self.parts["teach"]))
        found.arms["teacher"] = self._asked(teacher)
        self._canonical(teacher, found)
        teach = self.parts["teach"]
        # the teacher's rivals on its own data: random views in training, and the symmetry built in
        turned = self._train(
            "augmented", "teacher", self._pairs(teach.inputs, teach.truth, views=True)
        )
        found.arms["augmented"] = self._asked(turned, n_learned=len(teach))
        reference = self._train("reference", "reference", self._truth(teach))
        found.arms["reference"] = self._asked(reference, n_learned=len(teach))
        if self.study.simple:
            simple = self._train("simple", "simple", self._truth(teach))
            found.arms["simple"] = self._asked(simple, n_learned=len(teach))
        self._students(teacher, found)
        return found

    def teacher_alone(self) -> tuple[float, float]:
        """For a pilot: its error as given over the constant's, and its share."""
        net = self._train("teacher", "teacher", self._truth(self.parts["teach"]))
        asked, truth = self._asked(net), self.test.truth
        random = np.mean([square(view - truth).sum() for view in asked.views])
        gap = asked.views.var(axis=0, ddof=int(len(self.test_ops) > 1)).sum()
        constant = square(self._constant().given - truth).sum()
        return float(square(asked.given - truth).sum() / constant), float(gap / random)

    def _constant(self) -> Answers:
        mean = self.parts["teach"].truth.mean(axis=0)
        given = np.broadcast_to(mean, self.test.truth.shape).astype(float)
        return Answers(given, np.broadcast_to(given, (len(self.test_ops), *given.shape)))

    # asking

    def _asked(self, net: Net, *, calls: int = 0, n_learned: int = 0) -> Answers:
        views = np.stack([self._answers(net, self.test.inputs, ops) for ops in self.test_ops])
        return Answers(self._answers(net, self.test.inputs), views, calls, n_learned)

    def _answers(self, net: Net, inputs: Inputs, ops: Ops | None = None) -> np.ndarray:
        """To a presentation of the inputs, and as for the inputs as given."""
        if ops is None:
            return net.ask(self.study.features(inputs))
        return self.study.restore(ops, net.ask(self.study.features(self.study.apply(ops, inputs))))

    def _views(self, inputs: Inputs, asked: int | str, purpose: str) -> np.ndarray:
        """Operations [V,N,...]: random ones, or all there are.

        Raises:
            LimbeckError: all are asked for, and they are too many.
        """
        if asked == "whole":
            whole = self.study.whole(inputs)
            if whole is None:
                name = self.study.settings.name
                text = "'whole', expected a number: its group is too large, or endless"
                raise LimbeckError(f"studies.{name}.views: {text}")
            return whole
        rng = seeds.generator(self.seed, f"studies/views/{purpose}")
        return np.stack([self.study.draw(inputs, rng) for _ in range(int(asked))])

    # training

    def _train(self, arm: str, role: Role, made: tuple[int, Batch]) -> Net:
        study, (count, batch) = self.study, made
        shape = study.features(take(self.test.inputs, np.arange(1))).shape[1:]
        with weights_from(self.seed, f"studies/weights/{role}"):
            net = Net(study.model(role, shape, self.test.truth.shape[1:]), self.size, study.answer)
        rng = seeds.generator(self.seed, f"studies/batches/{role}")
        told: Told = lambda step, loss: self.log(arm, step, loss)  # noqa: E731
        return fit(net.to(self.device), count, batch, study.settings.training, rng, told)

    def _truth(self, data: Data) -> tuple[int, Batch]:
        return self._pairs(data.inputs, data.truth, views=False)

    def _pairs(self, inputs: Inputs, labels: np.ndarray, *, views: bool) -> tuple[int, Batch]:
        """Batches of inputs with a label each, as given or in random views."""
        study, few = self.study, self.study.settings.views.train
        fixed = self._views(inputs, few, "train") if views and few else None

        def batch(at: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
            some, target = take(inputs, at), labels[at]
            if views:
                if fixed is None:
                    ops = study.draw(some, rng)
                else:
                    ops = fixed[rng.integers(len(fixed), size=len(at)), at]
                some, target = study.apply(ops, some), study.carry(ops, target)
            return study.features(some), target

        return len(labels), batch

    def _canonical(self, teacher: Net, found: Seed) -> None:
        """The free rival: the teacher asked in the canonical form, and one that learned in it."""
        study, teach = self.study, self.parts["teach"]
        ops, learned = study.canonical(self.test.inputs), study.canonical(teach.inputs)
        if ops is None or learned is None:
            return
        inputs, truth = study.apply(learned, teach.inputs), study.carry(learned, teach.truth)
        own = self._train("canonical", "teacher", self._pairs(inputs, truth, views=False))
        for name, net in (("teacher/canonical", teacher), ("canonical", own)):
            given = self._answers(net, self.test.inputs, ops)
            views = np.stack([self._in_form(net, view) for view in self.test_ops])
            found.arms[name] = Answers(given, views, n_learned=len(teach))

    def _in_form(self, net: Net, view: Ops) -> np.ndarray:
        """Of a view, brought into the canonical form: the same answer for all, if it is one."""
        seen = self.study.apply(view, self.test.inputs)
        ops = self.study.canonical(seen)
        assert ops is not None
        return self.study.restore(view, self._answers(net, seen, ops))

    def _students(self, teacher: Net, found: Seed) -> None:
        learn, more = self.parts["learn"], self.parts["more"]
        ops = self._views(learn.inputs, self.study.settings.views.labels, "labels")
        seen = np.stack([self._answers(teacher, learn.inputs, view) for view in ops])
        labels = {
            "own": self._answers(teacher, learn.inputs),
            "averaged": seen.mean(axis=0),
            "truth": learn.truth,
        }
        calls = {"own": len(learn), "averaged": len(ops) * len(learn), "truth": 0}
        for name, values in labels.items():
            if name != "truth":
                found.labels[name] = square(values - learn.truth)
            target = self._softened(values, learn.truth)
            for views in (False, True):
                arm = f"student/{name}/{'views' if views else 'given'}"
                net = self._train(arm, "student", self._pairs(learn.inputs, target, views=views))
                found.arms[arm] = self._asked(net, calls=calls[name], n_learned=len(learn))
        # at the cost of the averaged labels: each view with its own label, ...
        net = self._train("student/each", "student", self._each(learn, ops, seen))
        found.arms["student/each"] = self._asked(net, calls=calls["averaged"], n_learned=len(learn))
        # ... or more inputs, with one label each
        if len(more):
            inputs = {k: np.concatenate([v, more.inputs[k]]) for k, v in learn.inputs.items()}
            inputs = take(inputs, np.arange(min(calls["averaged"], len(learn) + len(more))))
            own = np.concatenate([labels["own"], self._answers(teacher, more.inputs)])
            truth = np.concatenate([learn.truth, more.truth])
            count = len(next(iter(inputs.values())))
            target = self._softened(own[:count], truth[:count])
            net = self._train("student/more", "student", self._pairs(inputs, target, views=True))
            found.arms["student/more"] = self._asked(net, calls=count, n_learned=count)

    def _softened(self, labels: np.ndarray, truth: np.ndarray) -> np.ndarray:
        weight = self.study.settings.hard_weight
        return (1 - weight) * labels + weight * truth

    def _each(self, learn: Data, ops: np.ndarray, seen: np.ndarray) -> tuple[int, Batch]:
        study = self.study

        def batch(at: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
            views = rng.integers(len(ops), size=len(at))
            chosen = ops[views, at]
            target = self._softened(seen[views, at], learn.truth[at])
            inputs = study.apply(chosen, take(learn.inputs, at))
            return study.features(inputs), study.carry(chosen, target)

        return len(learn), batch


def square(errors: np.ndarray) -> np.ndarray:
    """Sums of squares over all components of each of N inputs, [...,N,components] -> [...,N]."""
    flat = errors.reshape(*errors.shape[:1], -1)
    return np.einsum("nd,nd->n", flat, flat)
