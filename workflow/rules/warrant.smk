"""How far teachers and students can be trusted, and what they cost."""


rule measure_teacher_gap:
    input:
        script=f"{SCRIPTS}/measure_gap.py",
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
        structures=files(plan.structures_of_gaps),
        reference=files(plan.reference_of_teacher),
    output:
        figures=f"{RUN}/warrant/teachers/{{potential}}.json",
        table=report(
            f"{RUN}/warrant/teachers/{{potential}}.csv",
            caption="../report/gaps.rst",
            category="Measurements",
            subcategory="Symmetry errors and accuracy",
            labels={"of": "{potential}"},
        ),
    log:
        f"{LOGS}/measure_teacher_gap/{{potential}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_teacher_gap/{{potential}}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="measure_teacher_gap"),
    params:
        settings=settings(jobs.MeasureGap),
        recipes=recipes("frames", "structures", "reference"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --frames {input.frames:q}"
        " --structures {input.structures:q} --reference {input.reference:q}"
        " --output {output.figures:q} > {log:q} 2>&1"


rule measure_student_gap:
    input:
        script=f"{SCRIPTS}/measure_gap.py",
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
        structures=files(plan.structures_of_gaps),
        reference=files(plan.reference_labels),
        models=files(plan.models),
    output:
        figures=f"{RUN}/warrant/students/{{label_set}}/{{student}}.json",
        table=report(
            f"{RUN}/warrant/students/{{label_set}}/{{student}}.csv",
            caption="../report/gaps.rst",
            category="Measurements",
            subcategory="Symmetry errors and accuracy",
            labels={"of": "{label_set}/{student}"},
        ),
    log:
        f"{LOGS}/measure_student_gap/{{label_set}}/{{student}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_student_gap/{{label_set}}/{{student}}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="measure_student_gap"),
    params:
        settings=settings(jobs.MeasureGap),
        recipes=recipes("frames", "structures", "reference", "models"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --frames {input.frames:q}"
        " --structures {input.structures:q} --reference {input.reference:q}"
        " --models {input.models:q} --output {output.figures:q} > {log:q} 2>&1"


rule measure_speed:
    input:
        script=f"{SCRIPTS}/measure_speed.py",
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
        models=files(plan.models),
    output:
        figures=f"{RUN}/speed.json",
        table=report(
            f"{RUN}/speed.csv",
            caption="../report/speed.rst",
            category="Measurements",
            subcategory="Speed",
        ),
    log:
        f"{LOGS}/measure_speed.log",
    benchmark:
        f"{BENCHMARKS}/measure_speed.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="measure_speed"),
    params:
        settings=settings(jobs.MeasureSpeed),
        recipes=recipes("frames", "models"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --frames {input.frames:q}"
        " --models {input.models:q} --output {output.figures:q} > {log:q} 2>&1"


rule certify_quadrature:
    input:
        script=f"{SCRIPTS}/certify_quadrature.py",
        frames=slices(f"{RUN}/selected/{{slice}}.h5"),
    output:
        figures=f"{RUN}/warrant/quadrature/{{potential}}.json",
        table=report(
            f"{RUN}/warrant/quadrature/{{potential}}.csv",
            caption="../report/grids.rst",
            category="Measurements",
            subcategory="Grids of views",
            labels={"of": "{potential}"},
        ),
    log:
        f"{LOGS}/certify_quadrature/{{potential}}.log",
    benchmark:
        f"{BENCHMARKS}/certify_quadrature/{{potential}}.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        **needs(6000, gpu=True, asks="certify_quadrature"),
    params:
        settings=settings(jobs.CertifyQuadrature),
        recipes=recipes("frames"),
    shell:
        "python {input.script:q} --settings {params.settings:q}"
        " --recipes {params.recipes} --frames {input.frames:q}"
        " --output {output.figures:q} > {log:q} 2>&1"
