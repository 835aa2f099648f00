"""The command line of the report."""

import in_process
from report_results import SETTINGS, build


def call(results, start=in_process.run):
    folders = ["--results", results, "--output-folder", results / "report"]
    return start("write_report", *folders, settings=SETTINGS)


def test_report_writes_page_figures_and_tables(tmp_path):
    results = build(tmp_path / "made-up")
    done = call(results, start=in_process.run_as_process)
    assert done.returncode == 0, done.stderr
    page = (results / "report/index.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert list(results.glob("report/figures/*.png"))
    assert list(results.glob("report/tables/*.csv"))


def test_a_missing_file_ends_in_one_line(tmp_path):
    results = build(tmp_path / "made-up")
    (results / "warrant/teachers/orb-demo.csv").unlink()
    done = call(results)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")
    assert "warrant/teachers/orb-demo.csv: no such file" in done.stderr
    assert not (results / "report/index.html").exists()
