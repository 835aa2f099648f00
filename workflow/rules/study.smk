"""Studies: a question to all students that a run has trained."""

if CONFIG.study:

    rule run_study:
        input:
            script="scripts/run_study.py",
            datasets=files(plan.datasets_of_study),
            models=files(plan.models),
        output:
            figures=f"{RUN}/studies/expectation/results.json",
            table=report(
                f"{RUN}/studies/expectation/results.csv",
                caption="../report/study.rst",
                category="Measurements",
                subcategory="Study",
            ),
        log:
            f"{LOGS}/run_study.log",
        benchmark:
            f"{BENCHMARKS}/run_study.tsv"
        conda:
            ENVIRONMENT
        threads: THREADS
        resources:
            **needs(6000, 240, gpu=True),
        params:
            settings=settings(jobs.RunStudy),
            recipes=recipes("datasets", "models"),
            results=lambda wildcards, output: str(Path(output[0]).parents[2]),
        shell:
            "python {input.script:q} --settings {params.settings:q}"
            " --recipes {params.recipes} --results {params.results:q}"
            " --output {output.figures:q} > {log:q} 2>&1"
