"""Companies over the API: found by a part of their name, their ticker or their CIK."""

from flask import Response

from research_dashboard.endpoints.answers import CompanyFound
from research_dashboard.endpoints.contract import answer, endpoint
from research_dashboard.endpoints.shapes import CompanyQuery
from research_dashboard.logs import logger
from research_dashboard.queries.directory import suggest


@endpoint({200: list[CompanyFound]}, tag="Companies")
def companies(query: CompanyQuery) -> Response:
    """Find companies: the exact ticker first, then those with figures, then by how well they fit."""
    found = [
        {"cik": each.cik, "name": each.name, "ticker": each.ticker, "figures": each.loaded, "years": each.years}
        for each in suggest(query.q, query.limit)
    ]
    logger.info("Fetched companies", number=len(found), q=query.q)
    return answer(found)
