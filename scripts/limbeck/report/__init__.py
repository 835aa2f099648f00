"""The report: what a run made and what it is worth, as one page that needs no network."""
