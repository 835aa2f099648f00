"""Studies of the run's own frames: questions that take many students to answer."""

OF_FRAMES = CONFIG.frames_study
TABLES = f"{RUN}/studies/{{study}}"

if OF_FRAMES and OF_FRAMES.kind == "expectation":

    rule compare_label_sets:
        input:
            script=f"{SCRIPTS}/compare_label_sets.py",
            made=files(plan.read_by_study),
        output:
            figures=f"{TABLES}/results.json",
            table=report(
                f"{TABLES}/results.csv",
                caption="../report/study.rst",
                category="Measurements",
                subcategory="Study",
            ),
        log:
            f"{LOGS}/compare_label_sets/{{study}}.log",
        benchmark:
            f"{BENCHMARKS}/compare_label_sets/{{study}}.tsv"
        wildcard_constraints:
            study=one_of([OF_FRAMES.name]),
        conda:
            ENVIRONMENT
        threads: THREADS
        resources:
            **needs(6000, gpu=True, asks="compare_label_sets"),
        params:
            settings=settings(jobs.CompareLabelSets),
            recipes=recipes("made"),
            results=lambda wildcards, output: str(Path(output[0]).parents[2]),
        shell:
            "python {input.script:q} --settings {params.settings:q}"
            " --recipes {params.recipes} --results {params.results:q}"
            " --output {output.figures:q} > {log:q} 2>&1"


if OF_FRAMES and OF_FRAMES.kind == "frames_by_views":

    rule fill_table:
        input:
            script=f"{SCRIPTS}/fill_table.py",
            frames=slices(f"{RUN}/selected/{{slice}}.h5"),
        output:
            f"{TABLES}/{{potential}}.json",
        log:
            f"{LOGS}/fill_table/{{study}}/{{potential}}.log",
        benchmark:
            f"{BENCHMARKS}/fill_table/{{study}}/{{potential}}.tsv"
        wildcard_constraints:
            study=one_of([OF_FRAMES.name]),
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
            f"{LOGS}/gather_tables/{{study}}.log",
        benchmark:
            f"{BENCHMARKS}/gather_tables/{{study}}.tsv"
        wildcard_constraints:
            study=one_of([OF_FRAMES.name]),
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
