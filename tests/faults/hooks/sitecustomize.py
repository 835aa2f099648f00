"""Strike a job at a drawn call of a drawn function.

Every Python that has this folder on its PYTHONPATH loads this file first. It does nothing unless
FAULTS_PLAN names a plan: a JSON list of strikes, each a mapping (see ``faults.strikes.Strike``).
With FAULTS_OFTEN, jobs keep a check-point after every step, and not after minutes.
What strikes says so first, in a line of the file FAULTS_LOG, so that an injection can prove itself.
"""

import functools
import json
import os
import sys
from importlib import util

EXCEPTIONS = {
    "MemoryError": lambda: MemoryError("drawn by the harness"),
    "RuntimeError": lambda: RuntimeError("drawn by the harness"),
    "ENOSPC": lambda: OSError(28, "No space left on device"),
    "EROFS": lambda: OSError(30, "Read-only file system"),
    "EACCES": lambda: PermissionError(13, "Permission denied"),
    "EMFILE": lambda: OSError(24, "Too many open files"),
    "EIO": lambda: OSError(5, "Input/output error"),
}


def begin():
    """Arm the strikes of the plan that are meant for this process."""
    plan, words = os.environ.get("FAULTS_PLAN"), " ".join(sys.orig_argv[1:])
    # Snakemake's own processes have a script's name in their arguments, not as what they run
    if not plan or len(sys.orig_argv) < 2 or not sys.orig_argv[1].endswith(".py"):
        return
    if "FAULTS_OFTEN" in os.environ:
        os.environ["LIMBECK_CHECKPOINT_MIN"] = "0"
    with open(plan, encoding="utf-8") as handle:
        strikes = json.load(handle)
    waiting = {}
    for strike in strikes:
        if strike["script"] in sys.orig_argv[1] and all(w in words for w in strike["words"]):
            waiting.setdefault(strike["function"].partition(":")[0], []).append(strike)
    for name in [n for n in waiting if n in sys.modules]:
        for strike in waiting.pop(name):
            arm(sys.modules[name], strike)
    if waiting:
        sys.meta_path.insert(0, Waiting(waiting))


class Waiting:
    """Arms strikes in modules as soon as they have been imported."""

    def __init__(self, strikes):
        self.strikes = strikes

    def find_spec(self, name, path=None, target=None):
        """The spec that others find, with a loader that arms what waits for the module."""
        if name not in self.strikes:
            return None
        strikes = self.strikes.pop(name)  # so that the search below does not come back here
        spec = util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            for strike in strikes:
                arm(module, strike)

        spec.loader.exec_module = exec_module
        return spec


def arm(module, strike):
    """Replace the function of a strike by one that counts its calls and strikes at one of them."""
    owner = module
    *path, name = strike["function"].partition(":")[2].split(".")
    for part in path:
        owner = getattr(owner, part)
    original, calls = getattr(owner, name), Calls(strike)

    @functools.wraps(original)
    def struck(*args, **kwargs):
        if not (calls.concern(args, kwargs) and calls.now()):
            return original(*args, **kwargs)
        return calls.act(original, args, kwargs)

    setattr(owner, name, struck)


class Calls:
    """The calls of one function that concern a strike."""

    def __init__(self, strike):
        self.strike, self.count = strike, 0
        if strike["action"] == "count":
            import atexit

            atexit.register(self.tell)

    def concern(self, args, kwargs):
        """Whether the arguments are what the strike is for."""
        where, n_atoms = self.strike["where"], self.strike["n_atoms"]
        if where and not any(w in f"{args} {kwargs}" for w in where):
            return False
        return n_atoms is None or bool((args[1].n_atoms == n_atoms).any())

    def now(self):
        """Count this call; whether it is the one, or one of those, that are struck."""
        self.count += 1
        if self.strike["action"] == "count" or self.count < self.strike["call"]:
            return False
        return self.strike["always"] or (self.count == self.strike["call"] and not self.spent())

    def spent(self):
        """Whether this strike has happened, in whatever process."""
        try:
            with open(os.environ["FAULTS_LOG"], encoding="utf-8") as handle:
                return any(json.loads(line)["name"] == self.strike["name"] for line in handle)
        except FileNotFoundError:
            return False

    def tell(self):
        """Say in the log what happens now."""
        line = {k: self.strike[k] for k in ("name", "function", "action")}
        line |= {"pid": os.getpid(), "words": sys.orig_argv[1:], "call": self.count}
        with open(os.environ["FAULTS_LOG"], "a", encoding="utf-8") as handle:
            handle.write(json.dumps(line) + "\n")
            handle.flush()
            os.fdatasync(handle.fileno())

    def act(self, original, args, kwargs):
        """Strike."""
        action = self.strike["action"]
        if not self.strike["always"] or self.count == self.strike["call"]:
            self.tell()
        if action in EXCEPTIONS:
            raise EXCEPTIONS[action]()
        if action in SIGNALS:
            os.kill(os.getpid(), SIGNALS[action])
            return original(*args, **kwargs)  # stopped, and woken again
        if action == "hang":
            import time

            while True:
                time.sleep(0.1)
        if action == "limit memory":
            limit("RLIMIT_AS", self.strike["value"])
            return original(*args, **kwargs)
        if action == "limit files":
            limit("RLIMIT_NOFILE", self.strike["value"])
            return original(*args, **kwargs)
        result = original(*args, **kwargs)
        if action == "kill after":
            os.kill(os.getpid(), SIGNALS["kill"])
        spoil(result, args[1].n_atoms, self.strike)
        return result


SIGNALS = {"kill": 9, "terminate": 15, "interrupt": 2, "hang up": 1, "stop": 19}


def limit(name, value):
    """Lower a limit of this process to what it has now and ``value`` more."""
    import resource

    if name == "RLIMIT_AS":
        with open("/proc/self/statm", encoding="utf-8") as handle:
            now = int(handle.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    else:
        now = len(os.listdir("/proc/self/fd"))
    _, hard = resource.getrlimit(getattr(resource, name))
    resource.setrlimit(getattr(resource, name), (now + value, hard))


def spoil(answer, n_atoms, strike):
    """Put a value into one property of the frames that a strike is for, or of the first frame."""
    import numpy as np

    rows = np.zeros(len(n_atoms), dtype=bool)
    rows[: 1 if strike["n_atoms"] is None else None] = True
    if strike["n_atoms"] is not None:
        rows = n_atoms == strike["n_atoms"]
    values = answer.values[strike["property"]]
    values[np.repeat(rows, n_atoms) if strike["property"] == "forces" else rows] = strike["value"]


begin()
