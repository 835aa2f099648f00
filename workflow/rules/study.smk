"""Studies: questions that take many students to answer."""

TABLES = f"{RUN}/studies/frames_by_views"

if CONFIG.study and CONFIG.study.kind == "expectation":

    rule run_study:
        input:
            script=f"{SCRIPTS}/run_study.py",
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
            **needs(6000, gpu=True, asks="run_study"),
        params:
            settings=settings(jobs.RunStudy),
            recipes=recipes("datasets", "models"),
            results=lambda wildcards, output: str(Path(output[0]).parents[2]),
        shell:
            "python {input.script:q} --settings {params.settings:q}"
            " --recipes {params.recipes} --results {params.results:q}"
            " --output {output.figures:q} > {log:q} 2>&1"


if CONFIG.study and CONFIG.study.kind == "frames_by_views":

    rule fill_table:
        input:
            script=f"{SCRIPTS}/fill_table.py",
            frames=slices(f"{RUN}/selected/{{slice}}.h5"),
        output:
            f"{TABLES}/{{potential}}.json",
        log:
            f"{LOGS}/fill_table/{{potential}}.log",
        benchmark:
            f"{BENCHMARKS}/fill_table/{{potential}}.tsv"
        conda:
            ENVIRONMENT
        threads: THREADS
        resources:
            **needs(6000, gpu=True, asks="fill_table"),
        params:
            settings=settings(jobs.FillTable),
            recipes=recipes("frames"),
        shell:
            "python {input.script:q} --settings {params.settings:q}"
            " --recipes {params.recipes} --frames {input.frames:q}"
            " --output {output:q} > {log:q} 2>&1"

    rule gather_tables:
        input:
            script=f"{SCRIPTS}/gather_tables.py",
            tables=files(plan.tables_of_study),
        output:
            figures=f"{TABLES}/results.json",
            table=report(
                f"{TABLES}/results.csv",
                caption="../report/study_table.rst",
                category="Measurements",
                subcategory="Study",
            ),
        log:
            f"{LOGS}/gather_tables.log",
        benchmark:
            f"{BENCHMARKS}/gather_tables.tsv"
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            **needs(2000, 30),
        params:
            settings=settings(jobs.GatherTables),
            recipes=recipes("tables"),
        shell:
            "python {input.script:q} --settings {params.settings:q}"
            " --recipes {params.recipes} --tables {input.tables:q}"
            " --output {output.figures:q} > {log:q} 2>&1"
