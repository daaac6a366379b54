"""The evidence pack: every format, facts, manifest and hashes in one ZIP, with a README that says how to check it."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from research_dashboard.reports.book import Book, form_words
from research_dashboard.reports.csv_file import raw
from research_dashboard.reports.model import Report
from research_dashboard.reports.run_lists import harmless
from research_dashboard.research import wording
from research_dashboard.research.wording import MILLIONS

FACT_COLUMNS = ("id", "cik", "tag", "unit", "start", "end", "value", "form", "filed", "accession", "url", "source")
_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")


def write(report: Report, results: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The ZIP's bytes; `files` are the other formats by name. Times inside are the run's, so packs can be compared."""
    content = {
        "README.txt": readme(report).encode(),
        **files,
        "facts.csv": facts(results).encode(),
        "manifest.json": msgspec.json.format(_encoder.encode(results.get("manifest") or {}), indent=2),
    }
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(content.items()))
    content["SHA256SUMS"] = sums.encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, data in content.items():
            pack.writestr(_entry(name, report.run.date), data)
    return out.getvalue()


def _entry(name: str, when: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, when.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def facts(results: Mapping[str, Any]) -> str:
    """Every filed fact that a figure stands on, values as filed."""
    book = Book(results, MILLIONS)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(FACT_COLUMNS)
    for key, fact in book.facts.items():
        plain = (fact.get(name) for name in ("tag", "unit", "start", "end"))
        filed = (form_words(fact["form"]), *(fact.get(name) for name in ("filed", "accession", "url")))
        number = book.number[fact["accession"]]
        writer.writerow(
            [key, raw(fact.get("cik")), *map(harmless, plain), raw(fact["value"]), *map(harmless, filed), number]
        )
    return out.getvalue()


def readme(report: Report) -> str:
    """What lies in the pack and how to check it, without this program."""
    run = report.run
    return f"""EVIDENCE PACK: {report.name}
Run #{run.id} by {run.researcher}, {wording.long_minute(run.date)} UTC
{report.basis}

WHAT IS IN IT
report.pdf, report.html, report.md, report.xlsx   the report, the same numbers and source numbers in each
figures.csv      every figure: raw value, unit, how it was made, tag, accession, filing
results.json     the stored results of the run, with the facts they stand on
facts.csv        the filed facts alone
manifest.json    versions of data, rules and program, the options of the run, a hash of each result
SHA256SUMS       the hash of every other file in this pack

HOW TO CHECK IT
1. That nothing was changed since the pack was made:   sha256sum -c SHA256SUMS
2. That a filed figure is what was filed: open its url in figures.csv (the filing's index page at the SEC), open the
   main document, and look at the line for the period. The SEC serves the same value by machine under
   https://data.sec.gov/api/xbrl/companyfacts/CIK##########.json (ten digits): find tag, unit, end and accession.
3. That a computed figure follows from filed ones: open report.xlsx; a figure that is a formula is a formula there,
   over cells that lead to the sheet Facts. Or take the formula and inputs from results.json.
4. That the program gives the same again: in an installation that holds run #{run.id},   flask research verify {run.id}
   recomputes every figure from its facts, compares these with the SEC's answers as kept, and says n of n.

Nothing here is estimated: what no filing states is listed as a gap, with the tags that were tried.
Nothing here is advice.
"""
