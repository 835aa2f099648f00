"""Labels of the selected frames, and whether these are good enough to go on."""


# For `views: auto`: a few frames tell whether averaging is worth it, before the first is labelled.
rule choose_views:
    input:
        script=f"{SCRIPTS}/choose_views.py",
        frames=files(plan.frames_to_choose_views),
    output:
        figures=f"{RUN}/labels/{{label_set}}.views.json",
        table=f"{RUN}/labels/{{label_set}}.views.csv",
    log:
        f"{LOGS}/choose_views/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/choose_views/{{label_set}}.tsv"
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="choose_views"),
    params:
        settings=settings(jobs.ChooseViews),
        recipes=recipes("frames"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --frames {input.frames:q}"
        " --output {output.figures:q} > {log:q} 2>&1"


rule check_file_labels:
    input:
        script=f"{SCRIPTS}/check_file_labels.py",
        check_inputs=ancient(INPUTS),
        files=lambda wildcards: plan.labelled_files(CONFIG, wildcards.label_set),
    output:
        f"{RUN}/labels/{{label_set}}.file.json",
    log:
        f"{LOGS}/check_file_labels/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/check_file_labels/{{label_set}}.tsv"
    wildcard_constraints:
        label_set=one_of(plan.from_files(CONFIG)),
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(2000, 60),
    params:
        settings=settings(jobs.CheckFileLabels),
        content=lambda wildcards: plan.labelled_content(CONFIG, wildcards.label_set),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --output {output:q} > {log:q} 2>&1"


rule read_labels:
    input:
        script=f"{SCRIPTS}/read_labels.py",
        frames=f"{RUN}/selected/{{slice}}.h5",
        pilot=ancient(files(plan.pilot_before_labels)),
        found=f"{RUN}/labels/{{label_set}}.file.json",
        files=lambda wildcards: plan.labelled_files(CONFIG, wildcards.label_set),
    output:
        f"{RUN}/labels/{{label_set}}/{{slice}}.h5",
    log:
        f"{LOGS}/read_labels/{{label_set}}/{{slice}}.log",
    benchmark:
        f"{BENCHMARKS}/read_labels/{{label_set}}/{{slice}}.tsv"
    wildcard_constraints:
        label_set=one_of(plan.from_files(CONFIG)),
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(4000, 60),
    params:
        settings=settings(jobs.ReadLabels),
        content=lambda wildcards: plan.labelled_content(CONFIG, wildcards.label_set),
        recipes=recipes("frames", "found"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --input {input.frames:q} --found {input.found:q}"
        " --output {output:q} > {log:q} 2>&1"


rule label_frames:
    input:
        script=f"{SCRIPTS}/label_frames.py",
        frames=f"{RUN}/selected/{{slice}}.h5",
        pilot=ancient(files(plan.pilot_before_labels)),
        views=files(plan.choices_of_views),
    output:
        f"{RUN}/labels/{{label_set}}/{{slice}}.h5",
    log:
        f"{LOGS}/label_frames/{{label_set}}/{{slice}}.log",
    benchmark:
        f"{BENCHMARKS}/label_frames/{{label_set}}/{{slice}}.tsv"
    wildcard_constraints:
        label_set=one_of(plan.by_potentials(CONFIG)),
    priority: LEARNING
    retries: RETRIES
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="label_frames"),
        # Frames without an answer fail the job as long as it can be tried again; after the last
        # attempt they are set aside.
        attempts_left=lambda wildcards, attempt: RETRIES + 1 - attempt,
    params:
        settings=settings(jobs.LabelFrames),
        content=lambda wildcards: plan.trained_on_content(CONFIG, wildcards.label_set),
        recipes=recipes("frames", "views"),
    # The label store and the batch plans are shared by all runs: caches, and no outputs of a job.
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --input {input.frames:q}"
        " --views {input.views:q} --store results/label_store --batch-plans results/batch_plans"
        " --attempts-left {resources.attempts_left} --output {output:q} > {log:q} 2>&1"


def judged(paths):
    """Files of the run."""
    return [f"{RUN}/{path}" for path in paths]


rule judge_labels:
    input:
        script=f"{SCRIPTS}/judge_labels.py",
        frames=lambda wildcards: judged(plan.frames_judged(CONFIG, "set")),
        labels=lambda wildcards: judged(
            plan.labels_judged(CONFIG, wildcards.label_set, "set")
        ),
        reference=lambda wildcards: judged(plan.reference_of_gate(CONFIG, "set")),
        structures=lambda wildcards: judged(plan.structures_of_gate(CONFIG, "set")),
    output:
        f"{RUN}/gate/{{label_set}}.json",
    log:
        f"{LOGS}/judge_labels/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/judge_labels/{{label_set}}.tsv"
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(2000, 30),
    params:
        settings=settings(jobs.JudgeLabels),
        recipes=recipes("frames", "labels", "reference", "structures"),
        results=lambda wildcards, output: str(Path(output[0]).parents[1]),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --frames {input.frames:q}"
        " --labels {input.labels:q} --reference {input.reference:q}"
        " --structures {input.structures:q} --results {params.results:q}"
        " --output {output:q} > {log:q} 2>&1"


# The pilot is judged before the rest is made.
use rule judge_labels as judge_pilot with:
    input:
        script=f"{SCRIPTS}/judge_labels.py",
        frames=lambda wildcards: judged(plan.frames_judged(CONFIG, "pilot")),
        labels=lambda wildcards: judged(
            plan.labels_judged(CONFIG, wildcards.label_set, "pilot")
        ),
        reference=lambda wildcards: judged(plan.reference_of_gate(CONFIG, "pilot")),
        structures=lambda wildcards: judged(plan.structures_of_gate(CONFIG, "pilot")),
    output:
        f"{RUN}/gate/{{label_set}}.pilot.json",
    log:
        f"{LOGS}/judge_pilot/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/judge_pilot/{{label_set}}.tsv"
    priority: 100
    params:
        settings=settings(jobs.JudgePilot),
        recipes=recipes("frames", "labels", "reference", "structures"),
        results=lambda wildcards, output: str(Path(output[0]).parents[1]),


# Snakemake deletes what a failed job made: judge writes the verdict, gate fails on it.
rule pass_gate:
    input:
        script=f"{SCRIPTS}/pass_gate.py",
        verdict=f"{RUN}/gate/{{label_set}}.json",
    output:
        f"{RUN}/gate/{{label_set}}.passed",
    log:
        f"{LOGS}/pass_gate/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/pass_gate/{{label_set}}.tsv"
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(1000, 10),
    params:
        settings=SETTINGS.path("{}"),
        recipes=recipes("verdict"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --input {input.verdict:q}"
        " --output {output:q} > {log:q} 2>&1"


use rule pass_gate as pass_pilot with:
    input:
        script=f"{SCRIPTS}/pass_gate.py",
        verdict=f"{RUN}/gate/{{label_set}}.pilot.json",
    output:
        f"{RUN}/gate/{{label_set}}.pilot.passed",
    log:
        f"{LOGS}/pass_pilot/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/pass_pilot/{{label_set}}.tsv"
    priority: 100
