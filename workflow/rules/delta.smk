"""Data sets for delta-learning: the difference of two label sets."""


rule evaluate_isolated_atoms:
    input:
        script=f"{SCRIPTS}/evaluate_isolated_atoms.py",
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
    output:
        f"{RUN}/atoms/{{label_set}}.json",
    log:
        f"{LOGS}/evaluate_isolated_atoms/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_isolated_atoms/{{label_set}}.tsv"
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(4000, 30, gpu=True),
    params:
        settings=settings(jobs.EvaluateIsolatedAtoms),
        recipes=recipes("frames"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --frames {input.frames:q}"
        " --output {output:q} > {log:q} 2>&1"


rule build_delta_set:
    input:
        script=f"{SCRIPTS}/build_delta_set.py",
        passed=files(plan.gates_of_difference),
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
        baseline=files(plan.baseline_labels),
        target=files(plan.target_labels),
        atoms=files(plan.isolated_atoms),
    output:
        multiext(
            f"{RUN}/delta/{{delta}}/",
            "train.h5",
            "valid.h5",
            "test_known.h5",
            "test_new.h5",
            "train.extxyz",
            "valid.extxyz",
            "test_known.extxyz",
            "test_new.extxyz",
            "counts.json",
            "SHA256SUMS",
        ),
    log:
        f"{LOGS}/build_delta_set/{{delta}}.log",
    benchmark:
        f"{BENCHMARKS}/build_delta_set/{{delta}}.tsv"
    priority: LEARNING
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(4000, 60),
    params:
        settings=settings(jobs.BuildDeltaSet),
        recipes=recipes("frames", "baseline", "target", "atoms"),
        folder=lambda wildcards, output: str(Path(output[0]).parent),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --frames {input.frames:q}"
        " --baseline {input.baseline:q} --target {input.target:q} --atoms {input.atoms:q}"
        " --output-folder {params.folder:q} > {log:q} 2>&1"
