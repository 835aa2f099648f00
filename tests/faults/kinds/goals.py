"""How far a run goes after a fault in a job: to what reads what the job makes."""

from faults.runs import Finished, Job

#: rule -> the rule of the jobs that read it first, where these are quick
READERS = {
    "check_inputs": ("generate_file",),
    "generate_clusters": ("screen_structures",),
    "generate_file": ("screen_structures",),
    "screen_structures": ("sample_rattle",),
    "sample_md": ("select_frames",),
    "sample_rattle": ("select_frames", "extract_subsystems"),
    "select_frames": ("label_frames",),
    "label_frames": ("build_dataset",),
    "judge_labels": ("pass_gate",),
    "train_student": ("evaluate_student",),
}


def goal(run: Finished, job: Job) -> list[str]:
    """Targets of a run that makes a job's outputs anew and has them read."""
    readers = [
        reader for reader in run.of(*READERS.get(job.rule, ())) if reader.inputs & set(job.outputs)
    ]
    return [reader.outputs[0] for reader in readers or [job]]
