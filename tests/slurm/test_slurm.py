"""Runs on a real SLURM: jobs that are killed, refused, preempted or orphaned, and what follows."""

from pathlib import Path

import pytest

import bits
from slurm.conftest import copy
from slurm.runs import SAMPLES, hang, local, set_profile, times

pytestmark = pytest.mark.slow


def same(whole: Path, folder: Path, names: list[str] = SAMPLES) -> bool:
    """Whether files have the bits of those of the undisturbed run."""
    return bits.different(whole, folder, names) == []


def test_a_head_is_killed_and_the_same_command_goes_on(cluster, folder, whole, start):
    """Half of the jobs are done, of which the head has not heard, and half are at work."""
    other = cluster.call("sbatch", "--parsable", "--job-name=other", "--mem=10", "--wrap=sleep 600")
    at_work = [3, 4, 5]
    run = start(
        folder, *SAMPLES, strikes=[hang(n, 30) for n in at_work],
        slurm_init_seconds_before_status_checks=600,
    )  # fmt: skip
    finished = [folder / SAMPLES[n] for n in (0, 1, 2)]
    run.until(lambda: run.hanging() == {"3", "4", "5"}, "three jobs at work")
    run.until(lambda: len(cluster.jobs()) == 4, "the end of the other three")
    assert all(path.exists() for path in finished)
    before = {path: path.stat() for path in finished}
    old = set(cluster.ended()) - {other.strip()}
    run.kill_head()
    assert len(cluster.jobs()) == 4  # orphans, and the other job

    again = start(folder, *SAMPLES)
    assert again.wait() == 0, again.text[-5000:]
    assert "3 jobs of the run that died still in the queue: cancelled" in again.text
    assert cluster.jobs() == {other.strip(): "RUNNING"}  # nobody else's job was touched
    states = cluster.ended()
    assert sorted(states[i] for i in old) == ["CANCELLED"] * 3 + ["COMPLETED"] * 3
    # nothing finished was lost, or made once more
    after = {path: path.stat() for path in finished}
    assert {p: (s.st_ino, s.st_mtime_ns) for p, s in before.items()} == {
        p: (s.st_ino, s.st_mtime_ns) for p, s in after.items()
    }
    new = set(states) - old - {other.strip()}
    assert len(new) == 3
    # no two writers: the last of the old jobs had ended when the first of the new ones started
    assert max(times(cluster, i)[1] for i in old) <= min(times(cluster, i)[0] for i in new)
    assert same(whole, folder)
    assert not list(folder.glob("results/small/samples/*/clusters/.*.checkpoint"))


def test_jobs_that_the_cluster_ends_or_refuses(cluster, folder, whole, start):
    """Each of six jobs meets something else; the node is drained when the run begins, and back.

    0 gets a GPU, 1 is killed for its memory, 2 hangs until its time is up, and 3 is refused, all
    as the profile of a site has it: no rule was touched.
    """
    first = "wildcards.sampling == 'md-{}' and attempt == 1"
    set_profile(
        folder,
        **{
            "set-resources": {
                "sample_md": {
                    "gpu": "1 if wildcards.sampling == 'md-0' else 0",
                    "mem_mb": f"200 if {first.format(1)} else 4000",
                    "runtime": f"1 if {first.format(2)} else 60",
                    "constraint": "'nonsense' if wildcards.sampling == 'md-3' else 'gpu80gb'",
                }
            }
        },
    )
    (folder / "slurm/site.sh").write_text(
        'echo "$SLURM_JOB_ID ${CUDA_VISIBLE_DEVICES:-none}" >> granted.txt\nexport FROM_SITE=yes\n'
    )
    cluster.call("scontrol", "update", f"nodename={cluster.host}", "state=drain", "reason=test")
    old = set(cluster.ended())
    run = start(folder, *SAMPLES, strikes=[hang(2, 30)])
    run.until(lambda: len(cluster.jobs()) == 5, "five jobs in the queue")
    assert set(cluster.jobs().values()) == {"PENDING"}
    cluster.call("scontrol", "update", f"nodename={cluster.host}", "state=resume")
    assert run.wait() != 0
    # the refused one is told, with the words of SLURM, and disturbed none of the others
    assert "SLURM sbatch failed" in run.text
    assert "Invalid feature specification" in run.text
    assert not (folder / SAMPLES[3]).exists()
    done = [name for n, name in enumerate(SAMPLES) if n != 3]
    assert same(whole, folder, done)
    assert cluster.jobs() == {}
    states = [state for i, state in cluster.ended().items() if i not in old]
    killed = [state for state in states if state != "COMPLETED"]
    assert len(states) == 7  # three at once, and two twice
    # what SLURM calls a job whose memory was out is a matter of its version
    assert sorted(killed) in (["FAILED", "TIMEOUT"], ["OUT_OF_MEMORY", "TIMEOUT"])
    log = (folder / "results/small/logs/sample_md/md-2/clusters/0.log").read_text()
    assert "goes on from its check-point" in log
    granted = dict(line.split() for line in (folder / "granted.txt").read_text().splitlines())
    assert sorted(set(granted.values())) in (["0", "none"], ["1", "none"])

    set_profile(folder, **{"set-resources": {"sample_md": {"constraint": "gpu80gb"}}})
    again = start(folder, *SAMPLES)
    assert again.wait() == 0, again.text[-5000:]
    assert same(whole, folder)


def test_fifty_shards_in_flight_and_another_config(cluster, prepared, folder, start, tmp_path):
    """The head dies while fifty jobs are at work, and comes back with another config."""
    fifty = (folder / "small.yaml").read_text().replace("run: small", "run: fifty")
    (folder / "fifty.yaml").write_text(fifty.replace("count: 4,", "count: 50, shards: 50,"))
    local(folder, "results/fifty/check_inputs.json", config="fifty.yaml")
    made = [f"results/fifty/structures/clusters/{n}.h5" for n in range(50)]
    # jobs of the first head never get beyond the site's own step, so that all are at work at once
    (folder / "slurm/site.sh").write_text('while [ -n "$HELD" ]; do sleep 1; done\n')
    run = start(folder, *made, config="fifty.yaml", environment={"HELD": "yes"})
    run.until(lambda: list(cluster.jobs().values()).count("RUNNING") == 50, "fifty jobs at work")
    run.kill_head()
    assert len(cluster.jobs()) == 50
    edited = fifty.replace("count: 4,", "count: 50, shards: 2,").replace(
        "strain: 0.02", "strain: 0.05"
    )
    (folder / "fifty.yaml").write_text(edited)
    again = start(folder, *made[:2], config="fifty.yaml")
    assert again.wait() == 0, again.text[-5000:]
    assert "50 jobs of the run that died still in the queue: cancelled" in again.text
    assert cluster.jobs() == {}
    # an undisturbed run of the edited config, in another folder
    undisturbed = copy(prepared, tmp_path / "undisturbed")
    (undisturbed / "fifty.yaml").write_text(edited)
    local(undisturbed, *made[:2], config="fifty.yaml")
    assert same(undisturbed, folder, made[:2])
    assert not any((folder / name).exists() for name in made[2:])
