"""Frames made from the structures of a source."""

for method in METHODS:
    samplings = plan.of_kind(CONFIG.sampling, "method", method)
    driven = any(plan.driver(CONFIG, name) for name in samplings)

    rule:
        name:
            f"sample_{method}"
        input:
            script=f"{SCRIPTS}/sample_frames.py",
            frames=f"{RUN}/screened/{{source}}/{{shard}}.h5",
            force_constants=files(plan.force_constants_of),
        output:
            frames=f"{RUN}/samples/{{sampling}}/{{source}}/{{shard}}.h5",
            summary=f"{RUN}/samples/{{sampling}}/{{source}}/{{shard}}.csv",
            trace=(
                [f"{RUN}/samples/{{sampling}}/{{source}}/{{shard}}.trace.csv"]
                if method in TRACED
                else []
            ),
        log:
            f"{LOGS}/sample_{method}/{{sampling}}/{{source}}/{{shard}}.log",
        benchmark:
            f"{BENCHMARKS}/sample_{method}/{{sampling}}/{{source}}/{{shard}}.tsv"
        wildcard_constraints:
            sampling=one_of(samplings),
        conda:
            ENVIRONMENT
        threads: THREADS if driven else 1
        resources:
            **(
                needs(6000, gpu=True, asks=f"sample_{method}")
                if driven
                else needs(2000, 60)
            ),
        params:
            settings=settings(jobs.SampleFrames),
            recipes=recipes("frames", "force_constants"),
        shell:
            "python {input.script:q} --settings {params.settings:q}"
            " --recipes {params.recipes} --input {input.frames:q}"
            " --force-constants {input.force_constants:q}"
            " --batch-plans results/batch_plans --output {output.frames:q}"
            " --summary {output.summary:q} --trace {output.trace:q} > {log:q} 2>&1"
