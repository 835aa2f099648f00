"""Normal modes and draws along them: amplitudes, phases, energies, and what catches a wrong one."""

import numpy as np
import pytest
from ase import units

from harmonic import copper, copper_gold, harmonic
from limbeck.errors import LimbeckError
from limbeck.phonons.crystals import frames_of
from limbeck.phonons.draws import (
    Draws,
    canonical,
    propagate,
    sampled_over_thermal,
    scan,
    unit_patterns,
    waves_of,
)
from limbeck.phonons.modes import (
    Incommensurate,
    Modes,
    choose_modes,
    displacer,
    mean_square,
    modes_of,
    on_mesh,
)
from limbeck.potentials.models.toys import EffectiveMedium

#: standard errors; one test in 16,000 would fail by chance, and seeds are fixed
SIGMAS = 4


@pytest.fixture(scope="module")
def mesh():
    """One atom, 27 q-points, all but Gamma in pairs."""
    return harmonic(copper(), 3)


@pytest.fixture(scope="module")
def gamma():
    """Four atoms of two masses; their supercell holds eight q-points, each its own negative."""
    return harmonic(copper_gold(), 2)


def chosen_on(phonon, where, highest=None, selected=None):
    modes = modes_of(phonon)
    chosen = choose_modes(modes, 0.1, highest, selected) & on_mesh(phonon, modes, where)[:, None]
    return modes, chosen, waves_of(modes, chosen)


def ratio_of(draws, phonon, modes, waves, temperature=300.0, statistics="quantum"):
    return sampled_over_thermal(
        draws,
        phonon.supercell.masses,
        modes,
        waves,
        temperature=temperature,
        statistics=statistics,
    )


@pytest.mark.parametrize("statistics", ["quantum", "classical"])
@pytest.mark.parametrize(("crystal", "where"), [("gamma", "gamma"), ("mesh", (3, 3, 3))])
def test_canonical_draws_have_the_thermal_displacement(crystal, where, statistics, request):
    phonon = request.getfixturevalue(crystal)
    modes, chosen, waves = chosen_on(phonon, where)
    assert len(waves) == {"gamma": 9, "mesh": 78}[crystal]
    thermal = {"temperature": 300.0, "statistics": statistics}
    draws = canonical(phonon, modes, chosen, **thermal, count=300, seed=1)
    value, error = ratio_of(draws, phonon, modes, waves, **thermal)
    assert error < 0.05
    assert abs(value - 1) < SIGMAS * error


def test_a_real_gaussian_amplitude_on_a_mesh_is_caught(mesh):
    """The negative control: the wrong draw that gives half of the thermal displacement."""
    modes, _, waves = chosen_on(mesh, (3, 3, 3))
    source = displacer(mesh, "quantum", mix=False)
    real, pairs = source.draw_standard_normals(300, random_seed=1)
    pairs[:, 1] = 0.0
    source.run(300.0, standard_normals=(real, pairs))
    nothing = np.full(300, np.nan)
    wrong = Draws(source.u, np.full(300, -1), nothing, nothing)
    value, error = ratio_of(wrong, mesh, modes, waves)
    assert abs(value - 0.5) < SIGMAS * error
    assert abs(value - 1) > 5 * SIGMAS * error


def test_the_plain_mean_square_displacement_is_that_of_phonopy(mesh):
    """Against phonopy's integral over the Brillouin zone, which shares no code with the draws."""
    modes, chosen, _ = chosen_on(mesh, (3, 3, 3))
    draws = canonical(
        mesh, modes, chosen, temperature=300.0, statistics="quantum", count=300, seed=2
    )
    squares = (draws.displacements**2).sum(axis=-1).mean(axis=-1)  # [S]
    mesh.run_mesh([3, 3, 3], with_eigenvectors=True, is_mesh_symmetry=False, is_gamma_center=True)
    found = mesh.run_thermal_displacements(temperatures=[300.0], freq_min=0.1)
    expected = found.thermal_displacements[0].sum()
    error = squares.std(ddof=1) / np.sqrt(len(squares))
    assert abs(squares.mean() - expected) < SIGMAS * error


def test_known_amplitudes():
    """h f / k is 47.99 K for 1 THz: a hot mode is classical, a cold one has its zero point."""
    hot = mean_square(np.array([0.5]), 3000.0, "quantum")
    assert hot == pytest.approx(mean_square(np.array([0.5]), 3000.0, "classical"), rel=1e-4)
    # hbar / (2 omega), with hbar = 6.62607e-34 / 2 pi J s, in amu A^2
    cold = 6.62607015e-34 / (2 * np.pi) / (2 * 2 * np.pi * 5e12) / 1.66053907e-27 * 1e20
    assert mean_square(np.array([5.0]), 1.0, "quantum") == pytest.approx(cold, rel=1e-6)


def test_energies_along_each_mode_are_those_of_its_oscillator(mesh):
    """A classical mode at z thermal amplitudes has kT z^2 / 2, by EMT itself."""
    modes, _, waves = chosen_on(mesh, (3, 3, 3))
    thermal = {"temperature": 1.0, "statistics": "classical"}
    patterns = unit_patterns(mesh, modes, waves, **thermal)[:8]
    draws = scan(patterns, 2.0, 5)
    rise = energies(mesh, draws) / (units.kB * 1.0 / 2)
    # half a percent for the anharmonic force constants at 0.01 A, where the fit was made
    np.testing.assert_allclose(rise, draws.amplitude**2, rtol=5e-3, atol=1e-3)


def test_canonical_energies_are_half_kT_for_each_wave(gamma):
    modes, chosen, waves = chosen_on(gamma, (2, 2, 2))
    draws = canonical(
        gamma, modes, chosen, temperature=2.0, statistics="classical", count=40, seed=3
    )
    per_wave = energies(gamma, draws) / len(waves) / (units.kB * 2.0 / 2)
    assert abs(per_wave.mean() - 1) < SIGMAS * per_wave.std(ddof=1) / np.sqrt(40)


def energies(phonon, draws):
    """Energy above the supercell at rest, eV."""
    cells = [phonon.supercell]
    for moved in draws.displacements:
        cell = phonon.supercell.copy()
        cell.positions = phonon.supercell.positions + moved
        cells.append(cell)
    energy = EffectiveMedium().predict(frames_of(cells)).energy
    return energy[1:] - energy[0]


@pytest.mark.parametrize("crystal", ["gamma", "mesh"])
def test_time_moves_each_mode_by_its_own_frequency(crystal, request):
    phonon = request.getfixturevalue(crystal)
    modes, _, waves = chosen_on(phonon, (1, 1, 1) if crystal == "gamma" else (3, 3, 3))
    patterns = unit_patterns(phonon, modes, waves, temperature=300.0, statistics="quantum")
    draws = propagate(
        patterns, modes, waves, time_step=20.0, count=24, rng=np.random.default_rng(1)
    )
    u = draws.displacements.reshape(len(waves), 24, -1)
    omega = 2e-3 * np.pi * modes.frequencies[waves.q, waves.band]  # 1/fs
    swing = 2 * np.cos(omega * 20.0)[:, None, None]
    np.testing.assert_allclose(u[:, 2:] + u[:, :-2], swing * u[:, 1:-1], atol=1e-12)
    value, _ = ratio_of(draws, phonon, modes, waves)
    assert value == pytest.approx(1, abs=0.1)  # 24 times are no whole number of periods


def test_the_two_waves_of_a_pair_travel_in_opposite_directions(mesh):
    """Each wave is the other one with time reversed, up to its phase: same orbit, other sense."""
    modes, _, waves = chosen_on(mesh, (3, 3, 3))
    assert modes.paired[waves.q[0]]
    assert [int(waves.part[0]), int(waves.part[1])] == [0, 1]
    patterns = unit_patterns(mesh, modes, waves, temperature=300.0, statistics="quantum")

    class NoPhase:
        def uniform(self, low, high, shape):
            return np.zeros(shape)

    draws = propagate(patterns, modes, waves, time_step=20.0, count=9, rng=NoPhase())
    u = draws.displacements.reshape(len(waves), 9, -1)
    sense = [np.sum(u[w, 1] @ patterns[1].ravel()) for w in (0, 1)]
    assert sense[0] == pytest.approx(-sense[1])
    assert sense[0] < 0  # exp(i (q r - omega t)): -sin(omega t) of z = i


def test_translations_imaginary_and_slow_modes_are_never_chosen():
    modes = Modes(
        qpoints=np.zeros((1, 3)),
        paired=np.array([False]),
        frequencies=np.array([[-3.0, -1e-7, 0.0, 1e-6, 0.005, 0.2, 5.0, 9.0]]),
        translations=np.array([[False, True, True, True, False, False, False, False]]),
    )
    assert choose_modes(modes, 0.0, None, None).tolist() == [[False] * 5 + [True] * 3]
    assert choose_modes(modes, 0.1, 8.0, None).tolist() == [[False] * 5 + [True] * 2 + [False]]
    assert choose_modes(modes, 0.1, 8.0, [1, 2, 8]).tolist() == [[False] * 7 + [True]]
    assert modes.imaginary(0.1).tolist() == [[True] + [False] * 7]
    with pytest.raises(LimbeckError, match="selected_modes: 9, expected 1 to 8"):
        choose_modes(modes, 0.1, 8.0, [1, 9])


def test_three_modes_at_gamma_are_translations(gamma):
    modes = modes_of(gamma)
    at_gamma = np.all(modes.qpoints == 0, axis=1)
    assert modes.translations.sum(axis=1).tolist() == (3 * at_gamma).tolist()
    # the acoustic sum rule holds after symmetrisation: what is left is rounding under a root
    assert np.abs(modes.frequencies[modes.translations]).max() < 1e-4


def test_modes_left_out_do_not_move(gamma):
    modes, chosen, waves = chosen_on(gamma, "gamma", selected=[4])
    draws = canonical(
        gamma, modes, chosen, temperature=300.0, statistics="quantum", count=5, seed=1
    )
    pattern = unit_patterns(gamma, modes, waves, temperature=300.0, statistics="quantum")
    moved = draws.displacements.reshape(5, -1)
    along = moved @ pattern.ravel() / (pattern**2).sum()
    np.testing.assert_allclose(moved, along[:, None] * pattern.ravel(), atol=1e-12)


def test_the_same_seed_gives_the_same_draws_and_more_of_them_the_first_ones_again(gamma):
    modes, chosen, _ = chosen_on(gamma, "gamma")
    thermal = {"temperature": 300.0, "statistics": "quantum", "seed": 7}
    few = canonical(gamma, modes, chosen, **thermal, count=3).displacements
    many = canonical(gamma, modes, chosen, **thermal, count=6).displacements
    np.testing.assert_allclose(few, many[:3], atol=1e-13)  # sums in another order
    assert np.abs(many[3] - many[0]).max() > 1e-3


def test_meshes(mesh):
    modes = modes_of(mesh)
    assert on_mesh(mesh, modes, "gamma").sum() == 1
    assert on_mesh(mesh, modes, (1, 1, 3)).sum() == 2  # Gamma, and one of a pair
    assert on_mesh(mesh, modes, (3, 3, 3)).sum() == 14
    # fcc: 1 / |a*| is a / sqrt(3), 2.07 A, so that three spacings are 6.2 A
    assert on_mesh(mesh, modes, 6.2).sum() == 14
    with pytest.raises(Incommensurate, match=r"k_point_mesh \[2, 3, 1\]: .* divide \[3, 3, 3\]"):
        on_mesh(mesh, modes, (2, 3, 1))
    with pytest.raises(Incommensurate, match=r"k_point_mesh 4.2 A \(which is \[2, 2, 2\]\)"):
        on_mesh(mesh, modes, 4.2)


def test_a_non_diagonal_supercell_tells_its_meshes():
    from limbeck.phonons.crystals import phonopy_of
    from limbeck.phonons.fitting import displace, fit_all

    # the cubic cell of four atoms: half of the X points, no mesh of two
    phonon = phonopy_of(copper(), np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]))
    displace(phonon, "finite", 0.01, None, 0)
    fit_all([phonon], EffectiveMedium())
    modes = modes_of(phonon)
    assert len(modes.qpoints) == 4
    with pytest.raises(Incommensurate, match=r"divide \[1, 1, 1\]"):
        on_mesh(phonon, modes, (2, 2, 2))
