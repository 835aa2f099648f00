"""A SLURM of one node on the loopback device: munged, slurmctld and slurmd of this user alone.

All of it is in one folder, on free ports, and nothing outside is changed. The node says that it has
more cores and memory than the machine, so that many jobs are at work at once; what memory a job may
take is enforced all the same, by what its processes take. Two character devices stand for GPUs.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "srun")
#: of the node, which may be more than there is
CORES, MEMORY_MB = 64, 200_000
PATIENCE = 60  # s, for a daemon to start or to end

CONF = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MpiDefault=none
SwitchType=switch/none
TaskPlugin=task/none
ProctrackType=proctrack/linuxproc
# processes are asked every second what they take
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
KillWait=3
# a node that answers again is used again
ReturnToService=2
SlurmdTimeout=300
MinJobAge=600
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=2,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
SlurmdParameters=config_overrides
LaunchParameters=disable_send_gids
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} Gres=gpu:h100:2 Feature=gpu80gb
PartitionName=standard Nodes={host} Default=YES MaxTime=1-0 DefaultTime=10 PriorityTier=1
PartitionName=gpu Nodes={host} MaxTime=1-0 DefaultTime=10 PriorityTier=1
PartitionName=urgent Nodes={host} MaxTime=1-0 DefaultTime=10 PriorityTier=9 PreemptMode=OFF
"""
CGROUP = "CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n"


def missing() -> str:
    """Why no cluster can be started here; "" where one can."""
    lacking = [name for name in PROGRAMS if not shutil.which(name)]
    if lacking:
        return f"needs SLURM and munge (tests/slurm/install.sh): {', '.join(lacking)} not found"
    return "" if os.getuid() == 0 else "needs root, as whom slurmd runs"


class Cluster:
    """One cluster; ``environment`` is what programs need to find it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = socket.gethostname().split(".")[0]
        programs = folder / "bin"
        programs.mkdir(parents=True)
        # The step of a job is started without SLURM_CONF, which the executor takes away.
        srun = shutil.which("srun")
        (programs / "srun").write_text(
            f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {srun} "$@"\n'
        )
        (programs / "srun").chmod(0o755)
        self.environment = {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        }

    def start(self) -> None:
        """Start all three, and wait until the node takes jobs."""
        self._configure()
        self.folder.chmod(0o755)
        self._run(
            "munged", "--force", f"--key-file={self.folder}/munge.key",
            f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/munged.log", f"--seed-file={self.folder}/munged.seed",
        )  # fmt: skip
        self.start_controller()
        self.start_node()

    def stop(self) -> None:
        """End all jobs and daemons."""
        subprocess.run(
            ["scancel", f"--user={os.getuid()}"], env=os.environ | self.environment, timeout=60
        )
        for name in ("slurmd", "slurmctld", "munged"):
            self._end(name, signal.SIGTERM)

    def start_controller(self) -> None:
        """Start slurmctld, which remembers its jobs."""
        self._run("slurmctld", "-f", f"{self.folder}/slurm.conf")

    def stop_controller(self) -> None:
        """End slurmctld; jobs at work go on."""
        self._end("slurmctld", signal.SIGTERM)

    def start_node(self) -> None:
        """Start slurmd, and wait until its node is idle."""
        self._run("slurmd", "-f", f"{self.folder}/slurm.conf", "-N", self.host)
        end = time.monotonic() + PATIENCE
        while self.node() not in ("idle", "mixed", "allocated"):
            if time.monotonic() > end:
                raise TimeoutError(f"the node is {self.node()!r}: {self.log()}")
            time.sleep(0.1)

    def stop_node(self) -> None:
        """Lose the node with all that runs on it, as when its power fails."""
        self._end("slurmd", signal.SIGKILL)
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and self._is_of_a_step(process):
                os.kill(int(process.name), signal.SIGKILL)

    def node(self) -> str:
        """State of the node."""
        return self.call("sinfo", "--noheader", "--format=%T", check=False).strip().rstrip("*")

    def jobs(self, *arguments: str) -> dict[str, str]:
        """State of each job that has not ended, by its id."""
        lines = self.call("squeue", "--noheader", "--format=%i %T", *arguments).splitlines()
        return dict(line.split() for line in lines)

    def ended(self, *arguments: str) -> dict[str, str]:
        """State of every job that is remembered, by its id."""
        return self.jobs("--states=all", *arguments)

    def call(self, *words: str, check: bool = True) -> str:
        """What a program of SLURM's prints."""
        environment = os.environ | self.environment
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
        if check and done.returncode:
            raise RuntimeError(f"{words}: {done.stderr}")
        return done.stdout

    def log(self) -> str:
        """The ends of the daemons' logs."""
        return "\n".join(
            (self.folder / f"{name}.log").read_text(errors="replace")[-1500:]
            for name in ("slurmctld", "slurmd")
            if (self.folder / f"{name}.log").exists()
        )

    def _configure(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        for name in ("state", "spool"):
            (self.folder / name).mkdir(exist_ok=True)
        text = CONF.format(
            host=self.host, user=pwd.getpwuid(os.getuid()).pw_name, folder=self.folder,
            ports=_free_ports(2), cores=CORES, memory=MEMORY_MB,
        )  # fmt: skip
        (self.folder / "slurm.conf").write_text(text)
        (self.folder / "cgroup.conf").write_text(CGROUP)
        (self.folder / "gres.conf").write_text(
            f"NodeName={self.host} Name=gpu Type=h100 File=/dev/null\n"
            f"NodeName={self.host} Name=gpu Type=h100 File=/dev/zero\n"
        )

    def _run(self, *words: str) -> None:
        """Start a daemon, which goes into the background."""
        environment = os.environ | self.environment
        done = subprocess.run(
            words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=PATIENCE,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{words[0]}: {done.stderr} {self.log()}")

    def _end(self, name: str, number: signal.Signals) -> None:
        file = self.folder / f"{name}.pid"
        if not file.exists():
            return
        pid = int(file.read_text())
        end = time.monotonic() + PATIENCE
        try:
            while time.monotonic() < end:
                os.kill(pid, number if Path(f"/proc/{pid}").exists() else 0)
                time.sleep(0.1)
        except ProcessLookupError:
            pass
        file.unlink(missing_ok=True)

    def _is_of_a_step(self, process: Path) -> bool:
        """Whether a process is one of a job of this cluster: it has the cluster in its environment.

        The daemons have it, too, and the head of a run, but neither is a job.
        """
        try:
            words = (process / "environ").read_bytes()
        except OSError:
            return False
        ours = f"SLURM_CONF={self.folder}/slurm.conf".encode() in words
        named = (process / "comm").read_text().startswith("slurmstepd") if ours else False
        return named or (ours and b"SLURM_JOB_ID=" in words)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
