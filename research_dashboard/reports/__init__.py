"""One report model built from a run's stored results, and the formats written from it.

`model.build(run, results)` gives the Report; every format (page, HTML, PDF, Markdown, XLSX, CSV, JSON, ZIP) draws
that one model, so that a number, its mark and its source are the same in all of them.
"""
