"""Frames made from the structures of a source."""


def driven(method):
    """Whether a potential drives a sampling of this method."""
    names = of_kind("sampling", "method", method)
    return any(driver(config, name) for name in names)


def trace_of(method):
    """The table along the trajectories of a method that has them."""
    traced = f"{RUN}/samples/{{sampling}}/{{source}}/{{shard}}.trace.csv"
    return [traced] if method in TRACED else []


for method in METHODS:

    rule:
        name:
            f"sample_{method}"
        input:
            script="scripts/sample_frames.py",
            frames=f"{RUN}/screened/{{source}}/{{shard}}.h5",
            force_constants=force_constants_of,
        output:
            frames=f"{RUN}/samples/{{sampling}}/{{source}}/{{shard}}.h5",
            summary=f"{RUN}/samples/{{sampling}}/{{source}}/{{shard}}.csv",
            trace=trace_of(method),
        log:
            f"{LOGS}/sample_{method}/{{sampling}}/{{source}}/{{shard}}.log",
        benchmark:
            f"{BENCHMARKS}/sample_{method}/{{sampling}}/{{source}}/{{shard}}.tsv"
        wildcard_constraints:
            sampling=one_of(of_kind("sampling", "method", method)),
        conda:
            ENVIRONMENT
        threads: THREADS if driven(method) else 1
        resources:
            mem_mb=memory(6000 if driven(method) else 2000),
            runtime=runtime(240 if driven(method) else 60),
            gpu=GPUS if driven(method) else 0,
        params:
            settings=sampling_settings,
        shell:
            "python {input.script:q} --settings {params.settings:q} --input {input.frames:q}"
            " --force-constants {input.force_constants:q}"
            " --batch-plans results/batch_plans --output {output.frames:q}"
            " --summary {output.summary:q} --trace {output.trace:q} > {log:q} 2>&1"
