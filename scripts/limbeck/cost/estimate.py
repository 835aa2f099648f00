"""From jobs and rates to hours, time limits, disk, and the table that people read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

from limbeck.config.config import Config
from limbeck.cost.amounts import Amount
from limbeck.cost.diversity import expectations
from limbeck.cost.limits import LEAST
from limbeck.cost.rates import Model, Rate, rate_of
from limbeck.cost.work import Job, Work

#: a job may take so many times its estimate: another machine, neighbours on it, or larger frames
MARGIN = 4
#: bytes of an atom and of a frame that stays: a frame, its labels, and its place in a data set as
#: HDF5 and as text, each about once; the demo takes 15 MB where this says 26
ATOM_BYTES, FRAME_BYTES = 400, 1000
#: of each student and of each report
STUDENT_BYTES = 2_000_000
#: hours; a job that takes longer had better be divided
LONG = 12
#: by the first word of a rule, the field that its jobs are divided by
DIVIDED_BY = {"sample": "`shards` of its source", "label": "`slices` of `select`"}
NAMES = {"cpu": "CPU", "cuda": "GPU"}


@dataclass(frozen=True)
class Estimate:
    """What a run will cost; ``path`` is that of its config, for the commands that are told."""

    config: Config
    work: Work
    path: str = "..."

    def rate(self, model: Model, *, periodic: bool, n_atoms: float) -> Rate | None:
        """As :func:`limbeck.cost.rates.rate_of`."""
        return rate_of(self.config, model, periodic=periodic, n_atoms=n_atoms)

    def hours(self, job: Job) -> float | None:
        """Hours of one core or one GPU; None where nothing was measured for a model it asks."""
        seconds = 0.0
        for model, periodic, part in _asked(job):
            rate = self.rate(model, periodic=periodic, n_atoms=part.atoms / part.frames)
            if rate is None:
                return None
            seconds += part.atoms / rate.atoms_per_second
        return seconds / 3600

    def done(self, job: Job) -> bool:
        """Whether what it makes is there."""
        results = self.work.results
        return results is not None and bool(job.output) and (results / job.output).exists()

    def minutes(self, job: Job) -> int:
        """The time limit of a job that asks models."""
        hours = self.hours(job) or 0.0
        return max(LEAST[job.rule], ceil(MARGIN * hours * 60 / self.config.threads))

    @property
    def unknown(self) -> list[Model]:
        """Models that are asked and were never measured on this device."""
        found = (m for m, p, n in self._sizes() if not self.rate(m, periodic=p, n_atoms=n))
        return list(dict.fromkeys(found))

    @property
    def bytes(self) -> float:
        """Disk that the run takes."""
        made = [job.made for job in self.work.jobs]
        kept = sum(ATOM_BYTES * a.atoms + FRAME_BYTES * a.frames for a in made)
        students = sum(job.rule == "train_student" for job in self.work.jobs)
        return kept + STUDENT_BYTES * (1 + students)

    def line(self) -> str:
        """The estimate in one line."""
        jobs = self.work.jobs
        known = {job.name + job.rule: self.hours(job) for job in jobs}
        hours = sum(h for h in known.values() if h)
        over = sum(known[job.name + job.rule] or 0 for job in jobs if self.done(job))
        left = f", {_time(over)} of it done" if over else ""
        kind = f"{NAMES[self.config.device]} time"
        time = f"{_time(hours)} of {kind}{left}"
        if self.unknown:  # no time of nothing that is known: it would read as free
            least = f"at least {time}, and " if hours else f"{kind} "
            time = f"{least}unknown for {_all(map(str, self.unknown))}"
        return f"The estimate: {time}; {_size(self.bytes)} of disk (make estimate says more)."

    def text(self) -> str:
        """All of it, in lines."""
        lines = [*self._table(), "", *self._structures(), *self._elements(), ""]
        lines += [*self._longest(), *self._rates()]
        lines += ["", f"Disk: about {_size(self.bytes)}.", self.line()]
        return "\n".join(lines)

    def _table(self) -> Iterator[str]:
        hours = f"{NAMES[self.config.device]} time"
        yield _row("stage", "jobs", "frames", "evaluations", "atoms", hours, "longest")
        by_rule: dict[str, list[Job]] = {}
        for job in self.work.jobs:
            by_rule.setdefault(job.rule, []).append(job)
        for rule, jobs in by_rule.items():
            times = [self.hours(job) for job in jobs]
            known = [t for t in times if t is not None]
            whole = len(known) == len(times)
            asked = any(job.asked for job in jobs)
            yield _row(
                rule,
                f"{len(jobs):,}",
                _number(sum(job.made.frames for job in jobs)),
                _number(sum(job.evaluations for job in jobs)),
                _number(sum(job.atoms for job in jobs)),
                (_time(sum(known)) if whole else "unknown") if asked else "-",
                (_time(max(known)) if whole else "unknown") if asked else "-",
            )

    def _structures(self) -> Iterator[str]:
        yield "Structures:"
        for name, size in self.work.sizes.items():
            there = self.work.frames("generated", name)
            mean = there.atoms / there.frames if there.frames else 0
            yield f"  {name}: {there.frames:,.0f} of {mean:.0f} atoms on average ({size.how})"

    def _elements(self) -> Iterator[str]:
        """Their entropy, where the gate asks for some."""
        if self.config.gate.min_entropy_fraction is not None:
            yield from (each.line() for each in expectations(self.config, self.work))
            yield f"More of it: limbeck diversity {self.path}"

    def _longest(self) -> Iterator[str]:
        times = [(hours, job) for job in self.work.jobs if (hours := self.hours(job))]
        if times:
            hours, job = max(times, key=lambda pair: pair[0])
            limit = self.minutes(job) / 60
            took = f"{_time(hours)}; its limit is {_time(limit)}"
            yield f"Longest job: {job.rule} {job.name}, {took}."
            if hours > LONG and (field := DIVIDED_BY.get(job.rule.split("_")[0])):
                yield f"That is long for one job: more {field} make more and shorter ones."

    def _rates(self) -> Iterator[str]:
        yield "Rates, atoms/s:"
        for model, periodic, n_atoms in sorted(self._sizes()):
            rate = self.rate(model, periodic=periodic, n_atoms=n_atoms)
            kind = "periodic" if periodic else "isolated"
            speed = rate.atoms_per_second if rate else 0.0
            shown = f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"
            told = f"{shown} ({rate.where})" if rate else "unknown"
            yield f"  {model}, {kind}: {told}"
        for command in dict.fromkeys(map(self._command, self.unknown)):
            yield f"What is unknown is measured by: {command}"

    def _sizes(self) -> list[tuple[Model, bool, float]]:
        """Each model that is asked, whether about periodic frames, and of how many atoms each in
        the mean; in the order of the jobs."""
        found: dict[tuple[Model, bool], list[Amount]] = {}
        for job in self.work.jobs:
            for model, periodic, part in _asked(job):
                found.setdefault((model, periodic), []).append(part)
        return [
            (*both, sum(p.atoms for p in parts) / sum(p.frames for p in parts))
            for both, parts in found.items()
        ]

    def _command(self, model: Model) -> str:
        if model.role == "potential" and self.config.potentials[model.name].model == "pyscf":
            return "python benchmarks/rates_pyscf.py"
        if model.role == "potential":
            return f"make retune CONFIG={self.path}"
        command = f"python benchmarks/rates.py --device {self.config.device}"
        name = model.name
        # the table has the sizes as they are; of another network its config has to be read
        return f"{command} --config {self.path}" if self.config.students[name].changed else command


def _asked(job: Job) -> Iterator[tuple[Model, bool, Amount]]:
    """Each model that a job asks, whether about periodic frames, and of how many."""
    for model, amounts in job.asked:
        for periodic, part in ((False, amounts.isolated), (True, amounts.periodic)):
            if part.atoms:
                yield model, periodic, part


def _all(names: Iterable[str]) -> str:
    """``emt, the training of mace, and mace``."""
    *first, last = names
    return ", ".join([*first, f"and {last}"]) if first else last


def _row(*cells: str) -> str:
    first, *rest = cells
    return f"{first:24}" + "".join(f"{cell:>13}" for cell in rest)


def _number(value: float) -> str:
    """``1.2e9`` of what is too long to count."""
    return "-" if not value else f"{value:,.0f}" if value < 1e7 else f"{value:.1e}"


def _time(hours: float) -> str:
    """In hours, however many: they are what clusters count."""
    units: Iterable[tuple[str, float]] = (("h", 1), ("min", 1 / 60), ("s", 1 / 3600))
    for unit, size in units:
        if hours >= size:
            value = hours / size
            return f"{value:,.1f} {unit}" if value < 10 else f"{value:,.0f} {unit}"
    return f"{hours * 3600:.1f} s"


def _size(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return "1 MB"
