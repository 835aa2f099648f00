"""Studies of other fields: the data, in an environment of their own where that is heavy; the rest."""

STUDY = f"{RUN}/studies/{{study}}"

for environment in plan.environments_of_studies(CONFIG):

    rule:
        name:
            (
                "make_study_data"
                if environment == plan.OWN
                else f"make_study_data_{environment}"
            )
        input:
            script=lambda wildcards: f"{SCRIPTS}/{plan.script_of_study(CONFIG, wildcards.study)}",
            file=lambda wildcards: plan.file_of_study(CONFIG, wildcards.study),
        output:
            f"{STUDY}/data.h5",
        log:
            f"{LOGS}/make_study_data/{{study}}.log",
        benchmark:
            f"{BENCHMARKS}/make_study_data/{{study}}.tsv"
        wildcard_constraints:
            study=one_of(plan.studies_in(CONFIG, environment)),
        conda:
            plan.environment_of_studies(CONFIG, environment)
        threads: THREADS
        resources:
            **needs(4000, 240),
        params:
            settings=settings(jobs.MakeStudyData),
            python=lambda wildcards: plan.python_of_study(CONFIG, wildcards.study),
            recipe=lambda wildcards, output: RECIPES.of(
                output[0].removeprefix(f"{RUN}/")
            ),
        shell:
            "{params.python:q} {input.script:q} --settings {params.settings:q}"
            " --recipe {params.recipe} --output {output:q} > {log:q} 2>&1"


rule run_study:
    input:
        script=f"{SCRIPTS}/run_study.py",
        data=files(plan.data_of_study),
    output:
        figures=f"{STUDY}/results.json",
        answers=f"{STUDY}/answers.h5",
        tile=report(
            f"{STUDY}/tile.png",
            caption="../report/study_tile.rst",
            category="Measurements",
            subcategory="Study",
        ),
        curves=f"{STUDY}/metrics.csv",
    log:
        f"{LOGS}/run_study/{{study}}.log",
    benchmark:
        f"{BENCHMARKS}/run_study/{{study}}.tsv"
    wildcard_constraints:
        study=one_of(CONFIG.engine_studies),
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(4000, 240, gpu=True),
    params:
        settings=settings(jobs.RunStudy),
        recipes=recipes("data"),
        folder=lambda wildcards, output: str(Path(output.figures).parent),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --data {input.data:q}"
        " --output-folder {params.folder:q} > {log:q} 2>&1"
