"""Random numbers that depend on names, and on nothing else."""

import numpy as np
import pytest

from limbeck.seeds import first_by_hash, frame_generator, generator, torch_seed


def test_the_numbers_are_what_they_were():
    # numpy promises that SeedSequence stays as it is. A change here would silently give other
    # frames and other labels to the same config.
    assert torch_seed(1, "sample_md/md-300/rocksalts/0") == 8392710458511495780


@pytest.mark.parametrize(
    "other", [(2, "stage/source/0"), (1, "stage/source/1"), (1, "stage/source0/"), (1, "")]
)
def test_another_name_or_run_gives_other_numbers(other):
    first = generator(1, "stage/source/0").random(4)
    assert np.array_equal(first, generator(1, "stage/source/0").random(4))
    assert not np.any(first == generator(*other).random(4))


def test_torch_seed_fits_into_a_signed_integer():
    seeds = [torch_seed(1, f"stage/{n}") for n in range(200)]
    assert all(0 <= s < 2**63 for s in seeds)
    # of 200 numbers of 63 bits, half have the highest bit: none or all has chance 2^-199
    assert 0 < sum(s >= 2**62 for s in seeds) < 200
    assert len(set(seeds)) == 200


def test_a_frames_numbers_come_from_its_id_and_the_purpose():
    name = "0123456789abcdef" * 2
    first = frame_generator(name, "label").random()
    assert frame_generator(name.encode(), "label").random() == first
    assert frame_generator(np.bytes_(name.encode()), "label").random() == first
    assert frame_generator(name, "gap").random() != first
    assert frame_generator(name[::-1], "label").random() != first


def test_numbers_of_different_names_are_uncorrelated():
    draws = np.array([generator(0, f"s/{n}").standard_normal(400) for n in range(40)])
    correlation = np.corrcoef(draws)[~np.eye(40, dtype=bool)]
    # Each of 780 is normal with deviation 1/sqrt(400) = 0.05: five deviations has chance 5e-4.
    assert np.abs(correlation).max() < 0.25


def test_the_first_by_a_hash_are_nested_and_each_purpose_has_others():
    ids = np.array([f"{n:032x}".encode() for n in range(1000)])
    first = first_by_hash(ids, "study/1", 100)
    assert first_by_hash(ids, "study/1", 10).tolist() == first[:10].tolist()
    # 100 of 1000 twice: 10 in common, with a deviation of 3; five of these
    assert len(np.intersect1d(first, first_by_hash(ids, "study/2", 100))) < 25
    # what is beside an id does not move it: the order of those that stay is the same
    some = np.sort(first)
    again = some[first_by_hash(ids[some], "study/1", 100)]
    assert again.tolist() == first.tolist()
    assert len(first_by_hash(ids, "study/1", 5000)) == 1000
