"""Data sets for delta-learning: the difference of two label sets."""


rule evaluate_isolated_atoms:
    input:
        script="scripts/evaluate_isolated_atoms.py",
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
    output:
        f"{RUN}/atoms/{{label_set}}.json",
    log:
        f"{LOGS}/evaluate_isolated_atoms/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate_isolated_atoms/{{label_set}}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        mem_mb=memory(4000),
        runtime=runtime(30),
        gpu=GPUS,
    params:
        settings=lambda wildcards: settings(
            potential=potential(config["labels"][wildcards.label_set]["potential"]),
            **COMPUTE,
        ),
    shell:
        "python {input.script:q} --settings {params.settings:q} --frames {input.frames:q}"
        " --output {output:q} > {log:q} 2>&1"


rule build_delta_set:
    input:
        script="scripts/build_delta_set.py",
        passed=lambda wildcards: expand(
            f"{RUN}/gate/{{label_set}}.passed", label_set=pair(wildcards)
        ),
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
        baseline=lambda wildcards: slices(
            f"{RUN}/labels/{pair(wildcards)[0]}/{{slice}}.h5"
        ),
        target=lambda wildcards: slices(
            f"{RUN}/labels/{pair(wildcards)[1]}/{{slice}}.h5"
        ),
        atoms=atom_files,
    output:
        multiext(
            f"{RUN}/delta/{{delta}}/",
            "train.h5",
            "valid.h5",
            "test.h5",
            "train.extxyz",
            "valid.extxyz",
            "test.extxyz",
            "counts.json",
        ),
    log:
        f"{LOGS}/build_delta_set/{{delta}}.log",
    benchmark:
        f"{BENCHMARKS}/build_delta_set/{{delta}}.tsv"
    wildcard_constraints:
        delta=one_of(config["delta"]),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=runtime(60),
    params:
        settings=lambda wildcards: settings(
            delta=wildcards.delta, **config["delta"][wildcards.delta], **SPLIT
        ),
        folder=lambda wildcards, output: str(Path(output[0]).parent),
    shell:
        "python {input.script:q} --settings {params.settings:q} --frames {input.frames:q}"
        " --baseline {input.baseline:q} --target {input.target:q} --atoms {input.atoms:q}"
        " --output-folder {params.folder:q} > {log:q} 2>&1"
