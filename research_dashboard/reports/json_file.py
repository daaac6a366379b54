"""A run and its results as one JSON document, with the numbered sources of the report."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import msgspec

from research_dashboard.reports.model import Report, RunFacts

_encoder = msgspec.json.Encoder(decimal_format="number")


def write(run: RunFacts, results: Mapping[str, Any], report: Report | None) -> bytes:
    """The document. Results stand as they are stored; `sources` are numbered as in every other format."""
    sources = [asdict(source) for source in report.sources] if report else []
    return _encoder.encode({"run": asdict(run), "results": dict(results), "sources": sources})
