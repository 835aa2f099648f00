"""One page that says what came out and what it is worth."""


rule write_report:
    input:
        script=f"{SCRIPTS}/write_report.py",
        results=files(plan.results),
    output:
        page=report(
            f"{RUN}/report/index.html",
            caption="../report/page.rst",
            category="Report",
        ),
        figures=report(
            directory(f"{RUN}/report/figures"),
            patterns=["{name}.png"],
            caption="../report/figures.rst",
            category="Figures",
        ),
        tables=report(
            directory(f"{RUN}/report/tables"),
            patterns=["{name}.csv"],
            caption="../report/tables.rst",
            category="Tables",
        ),
        dataset=f"{RUN}/report/dataset.md",
        sums=f"{RUN}/report/SHA256SUMS",
    log:
        f"{LOGS}/write_report.log",
    benchmark:
        f"{BENCHMARKS}/write_report.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        **needs(4000, 60),
    params:
        settings=SETTINGS.path(json.dumps(CONFIG.model_dump(mode="json"))),
        results=lambda wildcards, output: str(Path(output.page).parents[1]),
        folder=lambda wildcards, output: str(Path(output.page).parent),
    shell:
        "python {input.script:q} --settings {params.settings:q} --results {params.results:q}"
        " --output-folder {params.folder:q} > {log:q} 2>&1"
