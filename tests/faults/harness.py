"""Injections: drawn by kind, number and seed; each in a fresh copy of a finished run."""

import random
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from faults.outcomes import Verdict
from faults.runs import Place, Reference, Workspace


class NotStruck(Exception):
    """The fault did not happen, so that nothing can be said."""


class Impossible(Exception):
    """This machine lacks what the injection needs, as the right to mount a disk."""


@dataclass
class Case:
    """One injection at work.

    Attributes:
        number: from 0, within its kind: kinds take their variants in turn by it.
        struck: proofs that it struck.
        late: whether that was in the last half of a job; None where no job was at work.
    """

    rng: random.Random
    number: int
    workspace: Workspace
    place: str = ""
    struck: list[str] = field(default_factory=list)
    late: bool | None = None

    @property
    def reference(self) -> Reference:
        assert self.workspace.reference
        return self.workspace.reference

    def draw(self, places: list[Place]) -> tuple[Place, int]:
        """A place and one of its calls; every second one in the last half of the job."""
        place = self.rng.choice(places)
        half = place.calls // 2
        late = self.number % 2 == 1 or half == 0
        call = self.rng.randint(half + 1, place.calls) if late else self.rng.randint(1, half)
        # what is put in place comes at a job's end, whichever of its files it is
        self.late = late or place.function.startswith("os:")
        self.place = (
            f"{place.job.outputs[0]}: {place.function.split(':')[1]}, call {call} of {place.calls}"
        )
        return place, call

    def prove(self, text: str) -> None:
        """Keep a proof that the fault struck."""
        self.struck.append(text)

    def prove_strikes(self, name: str = "strike") -> list[dict[str, Any]]:
        """Keep the hook's lines as proofs."""
        lines = self.workspace.strikes(name)
        if not lines:
            raise NotStruck(self.place)
        self.struck += [f"{x['action']} in {x['pid']}, call {x['call']}" for x in lines[:2]]
        return lines


Kind = Callable[[Case], Verdict]
#: name -> (what does it, how many injections the benchmark makes)
KINDS: dict[str, tuple[Kind, int]] = {}


def kind(name: str, injections: int) -> Callable[[Kind], Kind]:
    """Enter a function into the table of kinds."""

    def enter(function: Kind) -> Kind:
        KINDS[name] = (function, injections)
        return function

    return enter


@dataclass(frozen=True)
class Injection:
    """One finished injection, a line of the benchmark's file."""

    kind: str
    number: int
    seed: int
    place: str
    struck: list[str]
    late: bool | None
    outcome: str
    why: str
    seconds: float

    def row(self) -> dict[str, Any]:
        return asdict(self)


def inject(reference: Reference, name: str, number: int, seed: int, folder: Path) -> Injection:
    """Make one injection in ``folder``, which is removed afterwards."""
    begin = time.monotonic()
    function, _ = KINDS[name]
    workspace = Workspace.of(reference, folder)
    case = Case(random.Random(f"{seed}/{name}/{number}"), number, workspace)
    try:
        verdict = function(case)
        if not case.struck:
            raise NotStruck(case.place)
    except NotStruck as error:
        verdict = Verdict("not struck", str(error))
    except Impossible as error:
        verdict = Verdict("impossible here", str(error))
    except Exception:  # a fault of the harness is no fault of the pipeline, and is told apart
        verdict = Verdict("harness failed", traceback.format_exc()[-1500:])
    finally:
        workspace.discard()
    return Injection(
        name,
        number,
        seed,
        case.place,
        case.struck,
        case.late,
        verdict.outcome,
        verdict.why[:1500],
        round(time.monotonic() - begin, 1),
    )
