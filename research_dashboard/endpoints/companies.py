"""Companies over the API: found by a part of their name, their ticker or their CIK."""

from flask import Response

from research_dashboard.endpoints.answers import CompanyFound, UploadDone
from research_dashboard.endpoints.contract import answer, endpoint
from research_dashboard.endpoints.shapes import CompanyQuery, UploadCreate
from research_dashboard.logs import logger
from research_dashboard.problems import FieldError, invalid
from research_dashboard.queries.directory import suggest
from research_dashboard.services.uploads import upload
from research_dashboard.sources.uploaded import MOST_BYTES, BadUploadError


@endpoint({200: list[CompanyFound]}, tag="Companies")
def companies(query: CompanyQuery) -> Response:
    """Find companies: the exact ticker first, then those with figures, then by how well they fit."""
    found = [
        {
            "cik": each.cik,
            "name": each.name,
            "ticker": each.ticker,
            "figures": each.loaded,
            "years": each.years,
            "former": each.former,
        }
        for each in suggest(query.q, query.limit)
    ]
    logger.info("Fetched companies", number=len(found), q=query.q)
    return answer(found)


# A character takes up to twelve bytes in JSON (an escaped surrogate pair), and one too many is to be told so.
@endpoint({201: UploadDone, 200: UploadDone}, tag="Companies", most_bytes=16 * MOST_BYTES)
def companies_upload(json: UploadCreate) -> Response:
    """Store a private company's figures, marked as not filed: all rows are right, or nothing is stored."""
    try:
        stored = upload(json.csv.encode("utf-8", "replace"), "api.csv")
    except BadUploadError as error:
        raise invalid(FieldError("csv", str(wrong)) for wrong in error.errors) from None
    logger.info("uploaded", companies=len(stored.companies), figures=stored.figures, new=stored.new)
    body = {"companies": list(stored.companies), "figures": stored.figures, "new": stored.new}
    return answer(body, 201 if stored.new else 200)
