"""What the hook does to a job, and where: a drawn call of a drawn function."""

from dataclasses import dataclass
from pathlib import Path

HOOKS = Path(__file__).parent / "hooks"
#: every way in which a finished file gets its name
IN_PLACE = ("os:link", "os:rename", "os:replace")
EMT = "limbeck.potentials.models.toys:EffectiveMedium.evaluate"
LJ = "limbeck.potentials.models.toys:LennardJones.evaluate"
STUDENT = "limbeck.potentials.models.orb:OrbPotential.outputs"
WRITES = "h5py._hl.group:Group.create_dataset"
#: functions at whose calls a job can be struck, and what their arguments have to contain
FUNCTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(IN_PLACE, ("results/faults",)),
    EMT: (),
    LJ: (),
    STUDENT: (),
    WRITES: (),
}


@dataclass(frozen=True)
class Strike:
    """One strike.

    Attributes:
        script: part of the path of the script that is struck; "" for all.
        function: ``module:name``, or ``module:Class.name``.
        action: "kill", "stop", "terminate", "interrupt", "hang up", "kill after", "hang", "spoil",
            "count", "limit memory", "limit files", or an exception of the hook's.
        call: at which of its calls, from 1.
        words: the job's command line has all of these.
        where: the arguments have one of these in them.
        n_atoms: only calls whose batch has a frame of so many atoms, and these frames alone.
        always: at every call from ``call`` on, in all processes; else once and never again.
        property, value: what an answer is spoiled with; bytes or files that a limit leaves.
        name: tells it from others in the log.
    """

    script: str
    function: str
    action: str
    call: int = 1
    words: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    n_atoms: int | None = None
    always: bool = False
    property: str = ""
    value: float = 0.0
    name: str = "strike"
