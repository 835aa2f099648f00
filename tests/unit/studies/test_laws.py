"""The laws of studies, for each that is registered, and for broken ones that they have to catch."""

import numpy as np
import pytest
import torch

from limbeck.config.load import resolve
from limbeck.errors import LimbeckError
from limbeck.seeds import generator
from limbeck.studies import registry
from limbeck.studies.judge import ROUNDING
from limbeck.studies.registry import STUDIES, open_study, study_class
from limbeck.studies.study import Data, Study, read_data, take, write_data

#: what a kind needs beside its defaults; names after a slash are variants
SETTINGS: dict[str, dict] = {kind: {} for kind in STUDIES} | {
    "kepler/sin_cos": {"inputs": "sin_cos"},
    "linear/positive": {"positive_definite": True, "density": 0.5, "size": 6},
    "ode/timeless": {"teacher_include_time": False, "system": "van_der_pol"},
    "pde/advection": {"equation": "advection"},
    "pde/unet": {"teacher": {"net": "unet"}, "equation": "advection"},
    "pde/bare": {"teacher": {"grid": False, "padding": 0}, "equation": "advection"},
    "pde/few": {"equation": "advection", "max_shift": 8, "teacher": {"net": "mlp"}},
}
#: whose nets see nothing that a view changes, so that the study says `void`
VOID = {"kepler/sin_cos", "ode/timeless", "pde/bare"}
COUNT = 24


def settings_of(name, **changes):
    kind = name.split("/")[0]
    own = {"kind": kind, "count": COUNT, "training": {"width": 16, "layers": 2}}
    own = own | SETTINGS[name] | changes
    return resolve({"run": "laws", "studies": {"one": own}}).studies["one"]


@pytest.fixture(scope="module", params=SETTINGS)
def opened(request):
    """Name, study, pairs."""
    study = open_study(settings_of(request.param))
    data = study.data(generator(1, request.param))
    assert len(data) == COUNT
    return request.param, study, data


def views_of(study, data, count=4):
    rng = generator(2, "views")
    return [study.draw(data.inputs, rng) for _ in range(count)]


def check_residual(study, data):
    """Views of true pairs are true pairs."""
    assert study.residual(data.inputs, data.truth).max() <= study.tolerance
    for ops in views_of(study, data):
        inputs, truth = study.apply(ops, data.inputs), study.carry(ops, data.truth)
        assert study.residual(inputs, truth).max() <= study.tolerance
        # another answer is not true: the residual can see
        wrong = study.residual(inputs, np.roll(truth, 1, axis=0) + 0.1)
        assert wrong.max() > study.tolerance


def test_a_view_of_a_true_pair_is_a_true_pair(opened):
    _, study, data = opened
    check_residual(study, data)


def test_restoring_undoes_carrying_and_nothing_given_is_changed(opened):
    _, study, data = opened
    before = {name: values.copy() for name, values in data.inputs.items()}
    for ops in views_of(study, data):
        study.apply(ops, data.inputs)
        assert np.array_equal(study.restore(ops, study.carry(ops, data.truth)), data.truth)
    assert all(np.array_equal(before[name], values) for name, values in data.inputs.items())


def test_all_views_have_one_canonical_form(opened):
    _, study, data = opened
    ops = study.canonical(data.inputs)
    if ops is None:
        pytest.skip("this study has no canonical form")
    form = study.features(study.apply(ops, data.inputs))
    for view in views_of(study, data):
        seen = study.apply(view, data.inputs)
        again = study.features(study.apply(study.canonical(seen), seen))
        # whole turns and times are added in floating point and taken away again
        assert np.allclose(again, form, atol=1e-6)


def test_the_whole_group_has_no_repeats_and_has_the_input_as_given(opened):
    name, study, data = opened
    whole = study.whole(data.inputs)
    if whole is None:
        assert name not in ("pde", "integral", "linear", "kepler")
        return
    shown = np.stack([flat(study.apply(ops, data.inputs)) for ops in whole])  # [G,N,...]
    for i in range(COUNT):
        assert len(np.unique(np.round(shown[:, i], 9), axis=0)) == len(whole)
    given = np.isclose(shown, flat(data.inputs), atol=1e-9).all(axis=2)
    assert np.array_equal(given.sum(axis=0), np.ones(COUNT))


def flat(inputs):
    """All arrays of each input end to end, [N,...]."""
    return np.concatenate([values.reshape(COUNT, -1) for values in inputs.values()], axis=1)


def net_of(study, data, role):
    torch.manual_seed(3)
    shape = study.features(take(data.inputs, np.arange(1))).shape[1:]
    return study.model(role, shape, data.truth.shape[1:])


def depends_on(study, data, role):
    """Which features an answer depends on."""
    x = torch.from_numpy(study.features(data.inputs)).requires_grad_()
    net_of(study, data, role)(x).square().sum().backward()
    return (x.grad.abs().sum(dim=0) > 0).numpy()


def test_student_and_teacher_see_the_same(opened):
    _, study, data = opened
    teacher, student = (depends_on(study, data, role) for role in ("teacher", "student"))
    assert teacher.any()
    assert np.array_equal(teacher, student)


def gap_of(study, data, role):
    """Spread over views as a share of the variance of answers; of an untrained net."""
    net = net_of(study, data, role)

    def ask(inputs):
        with torch.no_grad():
            return net(torch.from_numpy(study.features(inputs))).double().numpy()

    answers = np.stack(
        [study.restore(ops, ask(study.apply(ops, data.inputs))) for ops in views_of(study, data)]
    )
    return answers.var(axis=0, ddof=1).mean() / ask(data.inputs).var()


def test_the_reference_has_no_gap_and_the_teacher_has_one_or_the_study_is_void(opened):
    name, study, data = opened
    assert gap_of(study, data, "reference") <= ROUNDING
    gap = gap_of(study, data, "teacher")
    assert (gap <= ROUNDING) == (name in VOID)


# what is broken


class Jets(Study):
    """Points with a weight around a jet's axis, which lies within the detector."""

    about, symmetry, noun, independent = "jets", "turns", "jets", "jets"
    tolerance = 1e-9
    acceptance = 1.7

    def data(self, rng):
        axis = np.stack([rng.uniform(-1.7, 1.7, 50), rng.uniform(0, 6.28, 50)], axis=1)
        points = rng.normal(0, 0.2, (50, 12, 2))
        points += axis[:, None] - points.mean(axis=1, keepdims=True)
        return Data({"points": points}, np.ones((50, 1)), np.arange(50))

    def draw(self, inputs, rng):
        return rng.uniform(0, 2 * np.pi, len(inputs["points"]))

    def about_which(self, points):
        return points.mean(axis=1, keepdims=True)

    def apply(self, ops, inputs):
        points, (c, s) = inputs["points"], (np.cos(ops), np.sin(ops))
        centre = self.about_which(points)
        turn = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)
        return {"points": np.einsum("nij,nmj->nmi", turn, points - centre) + centre}

    def residual(self, inputs, truth):
        """How far the axis is out of the detector, and the class from one."""
        axis = inputs["points"].mean(axis=1)
        return np.maximum(np.abs(axis[:, 0]) - 1.7, 0) + np.abs(truth[:, 0] - 1)

    def features(self, inputs):
        return inputs["points"].astype(np.float32)

    def model(self, role, shape, outputs):
        raise NotImplementedError


class JetsAboutTheOrigin(Jets):
    def about_which(self, points):
        return 0.0


def test_turning_jets_about_their_axis_is_a_symmetry_and_about_the_origin_is_none():
    for study in (Jets(None), JetsAboutTheOrigin(None)):
        data = study.data(generator(1, "jets"))
        if type(study) is Jets:
            check_residual(study, data)
        else:
            with pytest.raises(AssertionError):
                check_residual(study, data)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (("limbeck.studies.kinds.not_there", "X"), "No module named"),
        (("limbeck.studies.kinds.kepler", "X"), "has no attribute 'X'"),
        (("limbeck.studies.judge", "Figures"), "it lacks about, symmetry, noun, independent"),
    ],
)
def test_a_broken_study_is_an_error_by_its_name(monkeypatch, where, said):
    monkeypatch.setitem(registry.STUDIES, "odd", where)
    with pytest.raises(LimbeckError, match="the study odd is broken") as caught:
        study_class("odd")
    assert said in str(caught.value)


def test_data_come_back_as_they_were_written_and_what_is_damaged_is_said(tmp_path):
    rng = np.random.default_rng(0)
    part = np.array(["teach", "learn", "test", "test"])
    data = Data({"a": rng.normal(size=(4, 2))}, rng.normal(size=(4, 1)), np.arange(4), part)
    write_data(tmp_path / "data.h5", data, {"recipe": "x"})
    back = read_data(tmp_path / "data.h5")
    assert np.array_equal(back.inputs["a"], data.inputs["a"])
    assert back.part.tolist() == part.tolist()
    data.truth[2, 0] = np.nan
    write_data(tmp_path / "nan.h5", data)
    with pytest.raises(LimbeckError, match="1 rows of truth are not finite, the first is 2"):
        read_data(tmp_path / "nan.h5")
    short = Data({"a": data.inputs["a"][:3]}, np.ones((4, 1)), np.arange(4))
    write_data(tmp_path / "short.h5", short)
    with pytest.raises(LimbeckError, match="3 of inputs/a, expected 4"):
        read_data(tmp_path / "short.h5")
    (tmp_path / "text.h5").write_text("no")
    with pytest.raises(LimbeckError, match="not a readable HDF5 file"):
        read_data(tmp_path / "text.h5")
