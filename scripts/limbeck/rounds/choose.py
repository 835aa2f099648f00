"""Which frames of the students' dynamics are worth a label."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from limbeck import reasons
from limbeck.averaging.views import views_of
from limbeck.config.jobs import ChooseFrames
from limbeck.config.rounds import POOL, POOL_VIEWS
from limbeck.errors import LimbeckError
from limbeck.frames import Frames, atom_rows
from limbeck.potentials.evaluation import predict_or_nan
from limbeck.potentials.interface import Potential
from limbeck.seeds import first_by_hash
from limbeck.selection.diversity import farthest_point, features, joined
from limbeck.selection.fair import first_of_each, priorities_by_spread
from limbeck.students.committee import forces_spread
from limbeck.students.domain import Domain, describe

log = logging.getLogger(__name__)

#: Frames with the highest scores, over those chosen of them, and the largest share of all that they
#: may be: among so many there is something to choose, and all are above the median.
SHORTLIST, OF_ALL = 3, 0.5
#: Of a root, frames on the short list, over those that an equal share of it would be.
MOST_OF_A_ROOT = 2
UNIT = {"committee": "eV/A", "descriptors": "", "views": "eV/A"}


@dataclass(frozen=True)
class Member:
    """One seed of the students that made the candidates."""

    student: Potential[Any]
    domain: Domain | None


@dataclass(frozen=True)
class Choice:
    """The frames, and what is said of them, as it stands in ``chosen.json``."""

    frames: Frames
    about: dict[str, Any]


def choose(
    candidates: Frames,
    training: Frames,
    members: Sequence[Member],
    job: ChooseFrames,
    teacher: Potential[Any] | None = None,
) -> Choice:
    """Frames for a round to label.

    Those of the highest scores that are unlike each other, or as many drawn at random; of both, no
    frame that is broken. Where scores cost calls of the teacher, the draw has as many frames more
    as these calls would label.

    Args:
        candidates: of the dynamics; training: what is labelled already.
        members: the students that made the candidates.
        teacher: of ``choose: views`` and a choice that is not random.

    Raises:
        LimbeckError: no frame is left to choose from.
    """
    forces = np.stack([predict_or_nan(m.student, candidates).forces for m in members])  # [M,N,3]
    why = _set_aside(candidates, training, forces, job.rounds.max_force_eV_per_A)
    fit = np.flatnonzero(why == "")
    about = {"candidates": len(candidates), "set_aside": dict(Counter(why[why != ""].tolist()))}
    if not len(fit):
        raise LimbeckError(
            f"round {job.round}: no frame to choose, of {len(candidates)} of the students' "
            f"dynamics ({about['set_aside'] or 'none was made'}); expected students that get "
            "further: label more frames first, or make time_total_fs longer or temperature_K lower"
        )
    if job.random:
        picked, said = _drawn(candidates, fit, job)
    else:
        picked, said = _scored(candidates, fit, members, forces, job, teacher)
    if len(picked) < said["asked"]:
        log.warning("%d frames, %d asked for: there are no more", len(picked), said["asked"])
    chosen = candidates.select(np.sort(picked))
    counts = {"chosen": len(chosen), "roots": len(np.unique(chosen.root))}
    return Choice(chosen, about | said | counts)


def _pool(candidates: Frames, fit: np.ndarray, job: ChooseFrames) -> np.ndarray:
    """Those of ``fit`` that get a score: all, or a few by chance where it costs calls."""
    if job.rounds.choose != "views":
        return fit
    return np.sort(
        fit[first_by_hash(candidates.id[fit], "rounds/pool", POOL * job.rounds.n_frames)]
    )


def _drawn(
    candidates: Frames, fit: np.ndarray, job: ChooseFrames
) -> tuple[np.ndarray, dict[str, Any]]:
    """Frames at random, as many as the choice costs; int64, and what is said of them."""
    asked = job.rounds.n_frames
    if job.rounds.choose == "views":
        calls = POOL_VIEWS * len(_pool(candidates, fit, job))
        asked += calls // (views_of(job.label_set, 1).count * job.label_set.calls_of_a_view)
    drawn = first_by_hash(candidates.id[fit], f"rounds/random/{job.seed}", asked)
    return fit[drawn], {"choose": "random", "asked": asked, "scoring_calls": 0}


def _scored(
    candidates: Frames,
    fit: np.ndarray,
    members: Sequence[Member],
    forces: np.ndarray,
    job: ChooseFrames,
    teacher: Potential[Any] | None,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Frames of high scores, unlike each other; int64, and what is said of them."""
    how, asked = job.rounds.choose, job.rounds.n_frames
    pool = _pool(candidates, fit, job)
    among = candidates.select(pool)
    of_pool = forces[:, atom_rows(candidates.offsets, pool)]
    scores = _SCORES[how](among, members, of_pool, teacher)
    picked = unlike(_points(members[0].student, among), scores, among.root, asked)
    score = {
        "unit": UNIT[how],
        "median_of_candidates": float(np.median(scores)),
        "median_of_chosen": float(np.median(scores[picked])),
        "highest": float(scores.max()),
    }
    calls = POOL_VIEWS * len(pool) if how == "views" else 0
    return pool[picked], {"choose": how, "asked": asked, "scoring_calls": calls, "score": score}


def _set_aside(
    candidates: Frames, training: Frames, forces: np.ndarray, max_force: float
) -> np.ndarray:
    """Why each candidate is not to be chosen, or an empty string. str [B]."""
    largest = np.zeros(len(candidates))
    of_atom = np.abs(forces.mean(axis=0)).max(axis=1)  # NaN where a member has no answer
    with np.errstate(invalid="ignore"):
        np.maximum.at(largest, candidates.frame_of_atom, of_atom)
    repeated = np.ones(len(candidates), dtype=bool)
    repeated[first_of_each(candidates.id)] = False
    return np.select(
        [np.isnan(largest), largest > max_force, repeated | np.isin(candidates.id, training.id)],
        [reasons.NO_GOOD_ANSWER, reasons.STRONG_FORCE, reasons.DUPLICATE],
        default="",
    ).astype(object)


def unlike(points: np.ndarray, scores: np.ndarray, roots: np.ndarray, count: int) -> np.ndarray:
    """Frames of high scores that are unlike each other.

    The highest make a short list, on which no root has more than twice its equal share of
    ``count``; of these, each is taken that is the farthest from all taken before. Where the list is
    too short, the highest of the others follow.

    Args:
        points: [B,F], by which frames are compared; scores: [B]; roots: [B].

    Returns:
        int64, at most ``count`` indices.
    """
    order = np.argsort(-scores, kind="stable")
    most = max(1, MOST_OF_A_ROOT * -(-count // len(np.unique(roots))))
    seen: Counter[bytes] = Counter()
    first: list[int] = []
    rest: list[int] = []
    for b in order.tolist():
        seen[roots[b]] += 1
        (first if seen[roots[b]] <= most else rest).append(b)
    length = max(count, min(SHORTLIST * count, int(OF_ALL * len(order))))
    shortlist = np.array(first[:length], dtype=np.int64)
    taken = shortlist[farthest_point(points[shortlist], min(count, len(shortlist)))]
    return np.concatenate([taken, np.array(rest[: max(0, count - len(taken))], dtype=np.int64)])


def _points(student: Potential[Any], frames: Frames) -> np.ndarray:
    """Mean descriptors of each frame by element. float [B,F]"""
    described = replace(frames, atom_extra={"descriptors": describe(student, frames)})
    return joined([features(described)])


def _by_committee(
    frames: Frames, members: Sequence[Member], forces: np.ndarray, teacher: Any
) -> np.ndarray:
    """The largest spread of the members' forces on an atom, eV/Angstrom. [B]"""
    return _largest(forces_spread(forces), frames)


def _by_descriptors(
    frames: Frames, members: Sequence[Member], forces: np.ndarray, teacher: Any
) -> np.ndarray:
    """How far the farthest atom is from the training set, in units of the distance beyond which a
    student warns; a mean over members. [B]"""
    found = []
    for member in members:
        if member.domain is None:
            raise LimbeckError(
                f"{member.student.about.name}: knows nothing of its training set, expected a "
                "student of this version; train it again"
            )
        descriptors = describe(member.student, frames)
        distance = np.full(len(frames.numbers), np.nan)
        for number, known in member.domain.known.items():
            atoms = frames.numbers == number
            # a limit of zero is that of training frames which are all alike
            distance[atoms] = known.distance(descriptors[atoms]) / max(known.limit, 1e-6)
        found.append(_largest(distance, frames))
    return np.asarray(np.mean(found, axis=0))


def _by_views(
    frames: Frames, members: Sequence[Member], forces: np.ndarray, teacher: Potential[Any] | None
) -> np.ndarray:
    """Spread of the teacher's forces over :data:`POOL_VIEWS` random views, eV/Angstrom, root mean
    square over atoms and components; minus infinity where it has no answer. [B]"""
    if teacher is None:
        raise LimbeckError("choose: views without a teacher, expected one in the settings")
    return -priorities_by_spread(teacher, frames, views=POOL_VIEWS, prefer="high")


_SCORES = {"committee": _by_committee, "descriptors": _by_descriptors, "views": _by_views}


def _largest(of_atoms: np.ndarray, frames: Frames) -> np.ndarray:
    """The largest of each frame's atoms, 0 where all are NaN. [N] -> [B]"""
    found = np.zeros(len(frames))
    np.fmax.at(found, frames.frame_of_atom, of_atoms)
    return found
