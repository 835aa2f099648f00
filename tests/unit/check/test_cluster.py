"""Jobs of a dead head are cancelled by its name, and nobody else's."""

import os
import sys

import pytest

from limbeck.check import cluster, head
from limbeck.errors import LimbeckError

#: a queue in a file, "id name user ticks" each; a cancelled job ends after so many looks
PROGRAM = """#!{python}
import os, sys
name = user = None
for word in sys.argv[1:]:
    key, _, value = word.partition("=")
    name = value if key == "--name" else name
    user = value if key == "--user" else user
jobs = [line.split() for line in open({queue!r})]
mine = [j for j in jobs if j[1] == name and j[2] == user]
with open({calls!r}, "a") as log:
    print(os.path.basename(sys.argv[0]), *sys.argv[1:], file=log)
if os.path.exists({away!r}):
    os.unlink({away!r})
    sys.exit("slurm_load_jobs error: Unable to contact slurm controller")
if os.path.basename(sys.argv[0]) == "scancel":
    for job in mine:
        job[4] = "cancelled"
else:
    for job in mine:
        print(job[0], "COMPLETING" if job[4] == "cancelled" else "RUNNING")
        job[3] = str(int(job[3]) - (job[4] == "cancelled"))
with open({queue!r}, "w") as file:
    file.writelines(" ".join(j) + "\\n" for j in jobs if int(j[3]) >= 0)
"""
ME = str(os.getuid())


class Queue:
    def __init__(self, folder):
        self.file, self.calls, self.away = (folder / n for n in ("queue", "calls", "away"))
        text = PROGRAM.format(
            python=sys.executable, queue=str(self.file), calls=str(self.calls), away=str(self.away)
        )
        for name in ("squeue", "scancel"):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def put(self, *jobs):
        self.file.write_text("".join(f"{i} {n} {u} {ticks} at_work\n" for i, n, u, ticks in jobs))

    def left(self):
        return [line.split()[0] for line in self.file.read_text().splitlines()]


@pytest.fixture
def queue(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Queue(folder)


def test_only_the_jobs_of_this_head_and_user_are_cancelled(queue, capfd):
    """Another run, another user's run of the very same name, and a name that this one begins."""
    queue.put((1, "a-1", ME, 2), (2, "a-1", ME, 0), (3, "b", ME, 9), (4, "a-1", "7777", 9),
              (5, "a-11", ME, 9))  # fmt: skip
    assert cluster.cancel("a-1", every=0.01) == 2
    assert queue.left() == ["3", "4", "5"]
    assert "2 jobs of the run that died still in the queue: cancelled" in capfd.readouterr().err
    # it came back only when none was left: the last look saw none
    assert queue.calls.read_text().splitlines()[-1].startswith("squeue")


def test_an_empty_queue_is_left_in_peace(queue, capfd):
    queue.put((3, "b", ME, 9))
    assert cluster.cancel("a", every=0.01) == 0
    assert "scancel" not in queue.calls.read_text()
    assert capfd.readouterr().err == ""


def test_a_controller_that_is_away_is_waited_for(queue, capfd):
    queue.put((1, "a", ME, 0))
    queue.away.touch()
    assert cluster.cancel("a", every=0.01) == 1
    assert "SLURM does not answer (slurm_load_jobs error" in capfd.readouterr().err


def test_jobs_that_do_not_end_stop_the_next_run(queue):
    queue.put((17, "a", ME, 10**6))
    with pytest.raises(LimbeckError, match="do not end: 17 COMPLETING; nothing is started"):
        cluster.cancel("a", every=0.01, patience=0.2)


def test_a_run_of_a_cluster_does_not_go_on_where_slurm_is_not(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LimbeckError, match="which is not here; where it is: scancel --name=a"):
        cluster.cancel("a")


def test_a_head_cancels_those_of_the_one_before(queue, tmp_path, monkeypatch):
    """A bare snakemake, too: whoever follows comes by here."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(cluster, "EVERY", 0.01)
    run = tmp_path / "results/a"
    queue.put((1, "first", ME, 0), (2, "other", ME, 9))
    head.announce(run)
    head.take_over({}, "first")
    assert queue.left() == ["1", "2"]
    # a head of another process follows, when the first is dead
    file = run / "head.json"
    file.write_text(file.read_text().replace(f'"pid": {os.getpid()}', f'"pid": {2**22 + 1}'))
    head.announce(run)
    head.take_over({}, "second")
    assert queue.left() == ["2"]


@pytest.mark.parametrize(
    ("line", "shared"),
    [
        ("nfs:/x {0} nfs rw,vers=4.1 0 0", True),
        ("nfs:/x {0} nfs rw,nolock 0 0", False),
        ("nfs:/x {0} nfs rw,local_lock=all 0 0", False),
        ("a@tcp:/x {0} lustre rw,flock 0 0", True),
        ("a@tcp:/x {0} lustre rw,localflock 0 0", False),
        ("a@tcp:/x / lustre rw,localflock 0 0", True),  # the folder is on another one
    ],
)
def test_locks_of_one_machine_alone_are_told(tmp_path, line, shared):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"tmpfs {tmp_path} tmpfs rw 0 0\n{line.format(tmp_path / 'results')}\n")
    (tmp_path / "results").mkdir()
    assert head.locks_are_shared(tmp_path / "results", str(mounts)) is shared
