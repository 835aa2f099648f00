"""Studies: a question to all students that a run has trained."""

if config["study"]:

    rule run_study:
        input:
            script="scripts/run_study.py",
            datasets=expand(
                f"{RUN}/datasets/{{label_set}}/{{part}}.h5",
                label_set=dict.fromkeys([*arms(), config["warrant"]["reference"]]),
                part=("train", "valid", "test"),
            ),
            models=[f"{folder}/model" for folder in student_folders()],
        output:
            figures=f"{RUN}/studies/expectation/results.json",
            table=f"{RUN}/studies/expectation/results.csv",
        log:
            f"{LOGS}/run_study.log",
        benchmark:
            f"{BENCHMARKS}/run_study.tsv"
        conda:
            ENVIRONMENT
        threads: THREADS
        resources:
            mem_mb=memory(6000),
            runtime=runtime(240),
            gpu=GPUS,
        params:
            settings=study_settings(),
            results=lambda wildcards, output: str(Path(output[0]).parents[2]),
        shell:
            "python {input.script:q} --settings {params.settings:q} --results {params.results:q}"
            " --output {output.figures:q} > {log:q} 2>&1"
