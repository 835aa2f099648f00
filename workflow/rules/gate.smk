"""Whether labels are good enough to go on: of a pilot first, of each batch, and of all."""


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


# The pilot, before the rest is made, or a batch.
use rule judge_labels as judge_part with:
    input:
        script=f"{SCRIPTS}/judge_labels.py",
        frames=lambda wildcards: judged(plan.frames_judged(CONFIG, wildcards.part)),
        labels=lambda wildcards: judged(
            plan.labels_judged(CONFIG, wildcards.label_set, wildcards.part)
        ),
        reference=lambda wildcards: judged(
            plan.reference_of_gate(CONFIG, wildcards.part)
        ),
        structures=lambda wildcards: judged(
            plan.structures_of_gate(CONFIG, wildcards.part)
        ),
    output:
        f"{RUN}/gate/{{label_set}}.{{part}}.json",
    log:
        f"{LOGS}/judge_part/{{label_set}}.{{part}}.log",
    benchmark:
        f"{BENCHMARKS}/judge_part/{{label_set}}.{{part}}.tsv"
    priority: 100
    params:
        settings=settings(jobs.JudgeLabels),
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


use rule pass_gate as pass_part with:
    input:
        script=f"{SCRIPTS}/pass_gate.py",
        verdict=f"{RUN}/gate/{{label_set}}.{{part}}.json",
    output:
        f"{RUN}/gate/{{label_set}}.{{part}}.passed",
    log:
        f"{LOGS}/pass_part/{{label_set}}.{{part}}.log",
    benchmark:
        f"{BENCHMARKS}/pass_part/{{label_set}}.{{part}}.tsv"
    priority: 100
