"""``make run PROFILE=slurm`` in a folder of its own, on a cluster of the tests."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import yaml

import processes
from faults.runs import kill_session
from faults.strikes import EMT, HOOKS, Strike
from processes import descendants, head_among
from slurm.cluster import Cluster
from workspaces import copy_for_make

CONFIG = "small.yaml"
#: what the tests of this folder need: each is made by a job of its own
SAMPLES = [f"results/small/samples/md-{n}/clusters/0.h5" for n in range(6)]
PATIENCE = 600  # s for what takes half a minute on two free cores


def prepare(repository: Path, folder: Path) -> Path:
    """A copy of the workflow in which all that dynamics starts from was made, without a cluster."""
    folder.mkdir()
    copy_for_make(repository, folder)
    shutil.copyfile(repository / "tests/slurm/small.yaml", folder / CONFIG)
    local(folder, "results/small/yields/structures.json")
    return folder


def local(folder: Path, *targets: str, config: str = CONFIG) -> None:
    """Run without a cluster."""
    command = ["make", "run", f"CONFIG={config}", "CORES=2", f"TARGET={' '.join(targets)}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def set_profile(folder: Path, **changes: Any) -> None:
    """Edit the profile as a site would."""
    path = folder / "slurm/config.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))


def hang(number: int, call: int) -> Strike:
    """A job of dynamics stops to compute at one of its evaluations, once, and does not end."""
    return Strike("sample_frames.py", EMT, "hang", call, words=(SAMPLES[number],), name=f"{number}")


class Run:
    """One head, and its log."""

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        *targets: str,
        strikes: Sequence[Strike] = (),
        config: str = CONFIG,
        environment: dict[str, str] | None = None,
        **options: object,
    ) -> None:
        self.cluster, self.folder, self.targets = cluster, folder, targets
        given = {"slurm-init-seconds-before-status-checks": 1, "latency-wait": 10} | {
            name.replace("_", "-"): value for name, value in options.items()
        }
        text = " ".join(f"--{name} {value}" for name, value in given.items())
        number = len(list(folder.glob("head*.log")))
        self.log, self.struck = folder / f"head{number}.log", folder / "strikes.log"
        with self.log.open("w") as log:
            self.make = subprocess.Popen(
                ["make", "run", "PROFILE=slurm", f"CONFIG={config}", f"OPTIONS={text}",
                 f"TARGET={' '.join(targets)}"],
                cwd=folder, env=self._environment(strikes) | (environment or {}),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def _environment(self, strikes: Sequence[Strike]) -> dict[str, str]:
        here = self.cluster.environment | {"OMP_NUM_THREADS": "1"}
        here["PYTHONPATH"] = os.pathsep.join([str(HOOKS), str(self.folder / "scripts")])
        if strikes:
            plan = self.folder / "strikes.json"
            plan.write_text(json.dumps([vars(strike) for strike in strikes]))
            here |= {"FAULTS_PLAN": str(plan), "FAULTS_LOG": str(self.struck), "FAULTS_OFTEN": "1"}
        return os.environ | here

    @property
    def text(self) -> str:
        return self.log.read_text()

    def wait(self) -> int:
        """Wait for its end."""
        try:
            return self.make.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            queue = self.cluster.ended()
            raise AssertionError(f"it does not end: {queue}\n{self.text[-6000:]}") from None

    def until(self, condition: Any, what: str) -> Any:
        """Wait for something that comes while the run is at work."""

        def found() -> Any:
            value = condition()
            if not value and self.make.poll() is not None:
                raise AssertionError(f"the run ended before {what}: {self.text[-6000:]}")
            return value

        try:
            return processes.until(found, what, PATIENCE)
        except TimeoutError as error:
            raise AssertionError(f"{error}: {self.cluster.ended()} {self.text[-4000:]}") from None

    def hanging(self) -> set[str]:
        """Numbers of the jobs that have stopped to compute."""
        lines = self.struck.read_text().splitlines() if self.struck.exists() else []
        return {json.loads(line)["name"] for line in lines}

    def head(self) -> psutil.Process | None:
        return head_among(descendants(self.make.pid))

    def kill_head(self) -> None:
        """As by the kernel of a login node that runs out of memory."""
        head = self.until(self.head, "a head")
        head.send_signal(signal.SIGKILL)
        assert self.make.wait(60) != 0

    def end(self) -> None:
        """Kill what is left of it on this machine."""
        kill_session(self.make.pid)
        self.make.wait(60)


def times(cluster: Cluster, job: str) -> tuple[str, str]:
    """When a job started and ended, as SLURM writes times."""
    text = cluster.call("scontrol", "show", "job", job)
    words = dict(word.split("=", 1) for word in text.split() if "=" in word)
    return words["StartTime"], words["EndTime"]
