"""What a student is worth, in one word, and what would make it better: the rules, in one place.

They are rules of thumb, and the numbers that they go by stand beside the word. ``GOOD`` asks for
forces that a relaxation or a short run at the sampled temperatures can use (a tenth of what they
are), and for energies that tell structures of one compound apart, which its mean cannot. Both are
asked on structures of compounds that were trained on; how far that carries to others is measured
beside it and not judged.

Beside the word stand bars: what a config asks of a student, next to its teacher. Each follows the
sign of an interval and nothing else: passed or failed where the whole interval is on one side, else
inconclusive. What was not measured fails: it never passes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from limbeck.warrant.statistics import Estimate

USELESS, LEARNING, GOOD = "useless", "learning", "good"
#: from the worst
WORDS = (USELESS, LEARNING, GOOD)

#: Largest mean absolute error of the force components, as a share of their root mean square.
GOOD_FORCES = 0.10
#: Largest error of the energies, as a share of that of one who knows each compound's mean.
GOOD_ENERGIES = 0.5
#: Forces below this are rounding of single precision, and no share of them means anything;
#: meV/Angstrom.
NOTHING = 0.1


@dataclass(frozen=True)
class TestErrors:
    """Mean absolute errors of a student on test frames.

    Attributes:
        forces: of their components, meV/Angstrom.
        rms: root mean square of the components themselves, meV/Angstrom.
        energy: meV/atom.
        by_compound: of one who knows each compound's mean energy, meV/atom; NaN where not known.
    """

    __test__ = False  # no test of pytest's

    forces: float
    rms: float
    energy: float
    by_compound: float = nan

    @property
    def share(self) -> float:
        """Force error over root mean square force; NaN where forces vanish, as by symmetry."""
        return self.forces / self.rms if self.rms > NOTHING else nan

    @property
    def good_forces(self) -> bool:
        """Whether they are good enough, or no more than rounding is there to be learned."""
        return self.forces <= max(GOOD_FORCES * self.rms, NOTHING)

    @property
    def good_energies(self) -> bool:
        """Whether they are good enough; not where the compounds' means are not known."""
        return self.energy <= GOOD_ENERGIES * self.by_compound


def judge(less_constant: Estimate, known: Mapping[str, TestErrors]) -> str:
    """One of :data:`WORDS`.

    Useless: the forces are not surely better than no forces (without an interval, not better).
    Good: on known chemistry, the forces of every source and the energies of all are good enough.

    Args:
        less_constant: force error less that of a constant, which says zero; meV/Angstrom.
        known: errors on known chemistry by source, "" for all; empty where none was tested on.
    """
    worst = less_constant.high if less_constant.bounded else less_constant.value
    if not worst < 0:  # also where it is NaN
        return USELESS
    forces = all(errors.good_forces for errors in known.values())
    return GOOD if "" in known and forces and known[""].good_energies else LEARNING


MORE_EPOCHS, MORE_FRAMES, LARGER = "more epochs", "more frames", "a larger size"
#: the loss never came to rest
CALMER = "a lower rate"
#: Of fewer epochs nothing can be read.
FEW_EPOCHS = 10
#: The validation loss is still falling where its best epoch is in the last tenth, or no better than
#: that by more than STILL, and it fell by FALLING within the last third. In the last tenth alone it
#: always stands still, since the learning rate goes to zero as a cosine.
STILL, FALLING = 0.01, 0.05
#: Training and validation are apart where the loss of validation is so many times that of training,
#: at the end, since energies weigh less in the training loss before.
APART = 1.3
#: At rest, the last tenth of the validation losses, RESTING of them at least, is no wider than
#: FALLING to either side of its median, which is no more than that above the best epoch.
RESTING = 5


def next_steps(training: Sequence[float], validation: Sequence[float]) -> list[str]:
    """What a learning curve asks for, the most promising first.

    More epochs where it still falls; more frames where the training frames are learned better
    than others; where neither, the network is the limit if the loss has come to rest, and a lower
    learning rate is asked for if it has not.

    Args:
        training, validation: losses by epoch.
    """
    train, valid = np.asarray(training, dtype=float), np.asarray(validation, dtype=float)
    if len(valid) < FEW_EPOCHS:
        return [MORE_EPOCHS]
    best = int(np.nanargmin(valid))
    now, before = at_end(valid), at_end(valid[: -(len(valid) // 3)], len(valid) // 10)
    found = []
    late = best >= len(valid) - len(valid) // 10 or now <= (1 + STILL) * valid[best]
    if late and now <= (1 - FALLING) * before:
        found.append(MORE_EPOCHS)
    if at_end(valid) > APART * at_end(train):
        found.append(MORE_FRAMES)
    return found or [LARGER if at_rest(valid) else CALMER]


def at_rest(loss: np.ndarray) -> bool:
    """Whether a validation loss ends in a straight line, and as low as it ever was; not where one
    of its last values is NaN or infinite."""
    last = loss[-max(len(loss) // 10, RESTING) :]
    now = float(np.median(last))
    steady = bool(np.ptp(last) <= 2 * FALLING * now) if np.isfinite(last).all() else False
    return steady and now <= (1 + FALLING) * float(np.nanmin(loss))


def at_end(loss: Sequence[float] | np.ndarray, count: int | None = None) -> float:
    """The median of the last ``count`` epochs, of a tenth of them where not given: a single one may
    be chance."""
    return float(np.nanmedian(loss[-(count or max(len(loss) // 10, 1)) :]))


PASSED, FAILED, INCONCLUSIVE, NOT_MEASURED = "passed", "failed", "inconclusive", "not measured"
#: of a bar that cannot be asked for, as a teacher without a gap leaves none to be smaller than
NOT_ASKED = "not asked"


@dataclass(frozen=True)
class Bar:
    """One thing that is asked of a student.

    Attributes:
        name: what it is about.
        own: the student's figure.
        most: what it may be; with the interval of what it is compared with.
        outcome: one of the words above.
        unit: of both figures.
        why: where it is not asked, or was not measured.
    """

    name: str
    own: Estimate
    most: Estimate
    outcome: str
    unit: str = "meV/A"
    why: str = ""


def bar(name: str, own: Estimate, other: Estimate, factor: float, why: str = "") -> Bar:
    """Whether a figure is at most so many times another.

    Args:
        why: where it is known why one of them was not measured; else it is told which.
    """
    most = other.times(factor)
    found = outcome(own.less(most))
    return Bar(name, own, most, found, why=(why or lacking(own, most)) * (found == NOT_MEASURED))


def lacking(own: Estimate, most: Estimate) -> str:
    """Which of the two figures of a bar there is not."""
    of = ["the student's figure"] * (not own.known) + ["what it may be at most"] * (not most.known)
    return f"{' and '.join(of)} {'were' if len(of) > 1 else 'was'} not measured" if of else ""


def outcome(excess: Estimate) -> str:
    """Of a figure less the most that it may be."""
    if not excess.known:
        return NOT_MEASURED
    return (PASSED, INCONCLUSIVE, FAILED)[excess.sign + 1]


def not_asked(name: str, why: str) -> Bar:
    """A bar that there is nothing to ask about."""
    return Bar(name, Estimate(nan), Estimate(nan), NOT_ASKED, why=why)


def verdict(bars: Sequence[Bar]) -> str:
    """Of all bars together: failed where one failed or was not measured; inconclusive where one is;
    passed where all that are asked are, and one is at least."""
    found = {each.outcome for each in bars} - {NOT_ASKED}
    if FAILED in found or NOT_MEASURED in found or not found:
        return FAILED
    return INCONCLUSIVE if INCONCLUSIVE in found else PASSED
