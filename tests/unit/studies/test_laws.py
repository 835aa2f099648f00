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
from limbeck.studies.study import Data, read_data, take, write_data
from made_up_fields import encoded, write_jets, write_texts

#: what a kind needs beside its defaults; names after a slash are variants
SETTINGS: dict[str, dict] = {kind: {} for kind in STUDIES} | {
    "kepler/sin_cos": {"inputs": "sin_cos"},
    "linear/positive": {"positive_definite": True, "density": 0.5, "size": 6},
    "ode/timeless": {"teacher_include_time": False, "system": "van_der_pol"},
    "pde/advection": {"equation": "advection"},
    "pde/unet": {"teacher": {"net": "unet"}, "equation": "advection"},
    "pde/bare": {"teacher": {"grid": False, "padding": 0}, "equation": "advection"},
    "jets/flow": {"teacher": {"net": "particle_flow"}},
    "jets/order": {"view": "permute"},
    "jets/order-flow": {"view": "permute", "teacher": {"net": "particle_flow"}},
    "text/four": {"head": "small"},
    "pde/few": {"equation": "advection", "max_shift": 8, "teacher": {"net": "mlp"}},
}
#: whose nets see nothing that a view changes, so that the study says `void`
VOID = {"kepler/sin_cos", "ode/timeless", "pde/bare", "jets/order-flow"}
COUNT = 24
#: of kinds whose data come from a file: what writes one, and gives the settings that name it
FILES = {
    "jets": lambda folder: write_jets(folder / "jets.npz", COUNT),
    "text": lambda folder: write_texts(folder / "texts.jsonl", COUNT, 3),
    "text/four": lambda folder: write_texts(folder / "texts.jsonl", COUNT, 4),
}


def settings_of(name, **changes):
    kind = name.split("/")[0]
    own = {"kind": kind, "count": COUNT, "training": {"width": 16, "layers": 2}}
    own = own | SETTINGS[name] | changes
    return resolve({"run": "laws", "studies": {"one": own}}).studies["one"]


@pytest.fixture(scope="module", params=SETTINGS)
def opened(request, tmp_path_factory):
    """Name, study, pairs."""
    folder, kind = tmp_path_factory.mktemp("file"), request.param.split("/")[0]
    file = FILES.get(request.param, FILES.get(kind, lambda folder: {}))
    study = open_study(settings_of(request.param, **file(folder)))
    if study.settings.made_in == "limbeck":
        data = study.data(generator(1, request.param))
    else:  # as the engine reads what another environment made
        encoded(folder / "data.h5", study.settings.model_dump())
        data = read_data(folder / "data.h5")
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


def test_turning_jets_about_their_axis_is_a_symmetry_and_about_the_origin_is_none(tmp_path):
    file = write_jets(tmp_path / "jets.npz", COUNT)
    for axis in ("jet", "origin"):
        study = open_study(settings_of("jets", axis=axis, **file))
        data = study.data(generator(1, "jets"))
        if axis == "jet":
            check_residual(study, data)
        else:
            with pytest.raises(AssertionError):
                check_residual(study, data)


def test_drawing_sentences_with_replacement_is_no_order_of_them(tmp_path):
    file = write_texts(tmp_path / "texts.jsonl", COUNT, 3)
    study = open_study(settings_of("text", **file))
    encoded(tmp_path / "data.h5", study.settings.model_dump())
    study.draw = lambda inputs, rng: rng.integers(0, 3, inputs["ranks"].shape)
    with pytest.raises(AssertionError):
        check_residual(study, read_data(tmp_path / "data.h5"))


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
