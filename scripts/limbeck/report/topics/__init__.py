"""Topics of the report: each reads its own files, and has its tables, figures and words."""
