"""Whether labels are good enough to go on: of a pilot first, where there is one."""


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
