import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")

# `--configfile` is merged over what `configfile:` loads: a plan of one's own would inherit
# the sources of the demo.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/generators.smk"
include: "workflow/rules/generate.smk"
include: "workflow/rules/force_constants.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/subsystems.smk"
include: "workflow/rules/select.smk"
include: "workflow/rules/label.smk"
include: "workflow/rules/gate.smk"
include: "workflow/rules/distill.smk"
include: "workflow/rules/rounds.smk"
include: "workflow/rules/delta.smk"
include: "workflow/rules/warrant.smk"
include: "workflow/rules/physics.smk"
include: "workflow/rules/study.smk"
include: "workflow/rules/studies.smk"
include: "workflow/rules/report.smk"


localrules:
    fetch_weights,
    pass_gate,
    pass_part,
    all,


rule all:
    default_target: True
    input:
        handed_over,
        stale_inputs,


# What a batch of the config ends in: `snakemake batch_1`.
for name in plan.batch_names(CONFIG):

    rule:
        name:
            name
        input:
            judged(plan.judged_of_batch(CONFIG, name)),
