"""Which frames are labelled, their labels, and whether these are good enough to go on."""


rule select_frames:
    input:
        script="scripts/select_frames.py",
        frames=lambda wildcards: [
            f"{RUN}/{file}" for file in frames_of_slice(config, int(wildcards.slice))
        ],
    output:
        f"{RUN}/selected/{{slice}}.h5",
    log:
        f"{LOGS}/select_frames/{{slice}}.log",
    benchmark:
        f"{BENCHMARKS}/select_frames/{{slice}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=runtime(60),
    params:
        settings=lambda wildcards: settings(
            seed=config["seed"],
            slice=int(wildcards.slice),
            slices=len(SLICES),
            count=config["select"]["count"],
        ),
    shell:
        "python {input.script:q} --settings {params.settings:q} --input {input.frames:q}"
        " --output {output:q} > {log:q} 2>&1"


rule label:
    input:
        script="scripts/label.py",
        frames=f"{RUN}/selected/{{slice}}.h5",
    output:
        f"{RUN}/labels/{{label_set}}/{{slice}}.h5",
    log:
        f"{LOGS}/label/{{label_set}}/{{slice}}.log",
    benchmark:
        f"{BENCHMARKS}/label/{{label_set}}/{{slice}}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        mem_mb=memory(6000),
        runtime=runtime(240),
        gpu=GPUS,
    params:
        settings=lambda wildcards: settings(**label_set(wildcards.label_set), **COMPUTE),
    shell:
        "python {input.script:q} --settings {params.settings:q} --input {input.frames:q}"
        " --output {output:q} > {log:q} 2>&1"


rule judge:
    input:
        script="scripts/judge.py",
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
        labels=slices(f"{RUN}/labels/{{label_set}}/{{slice}}.h5"),
    output:
        f"{RUN}/gate/{{label_set}}.json",
    log:
        f"{LOGS}/judge/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/judge/{{label_set}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=runtime(30),
    params:
        settings=lambda wildcards: settings(
            label_set=wildcards.label_set, **config["gate"]
        ),
    shell:
        "python {input.script:q} --settings {params.settings:q} --frames {input.frames:q}"
        " --labels {input.labels:q} --output {output:q} > {log:q} 2>&1"


# Snakemake deletes what a failed job made: judge writes the verdict, gate fails on it.
rule gate:
    input:
        script="scripts/gate.py",
        verdict=f"{RUN}/gate/{{label_set}}.json",
    output:
        f"{RUN}/gate/{{label_set}}.passed",
    log:
        f"{LOGS}/gate/{{label_set}}.log",
    benchmark:
        f"{BENCHMARKS}/gate/{{label_set}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=runtime(10),
    params:
        settings=settings(),
    shell:
        "python {input.script:q} --settings {params.settings:q} --input {input.verdict:q}"
        " --output {output:q} > {log:q} 2>&1"
