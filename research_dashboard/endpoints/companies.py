"""Companies over the API: found by a part of their name, their ticker or their CIK."""

from flask import Response
from spectree import Response as Answers

from research_dashboard.endpoints.contract import answer, spec
from research_dashboard.endpoints.shapes import CompanyFound, CompanyList
from research_dashboard.logs import logger
from research_dashboard.queries.directory import suggest


@spec.validate(resp=Answers(HTTP_200=list[CompanyFound]), tags=["Companies"])
def companies(query: CompanyList) -> Response:
    """Find companies: the exact ticker first, then those with figures, then by how well they fit."""
    found = [
        {"cik": each.cik, "name": each.name, "ticker": each.ticker, "figures": each.loaded, "years": each.years}
        for each in suggest(query.q, query.limit)
    ]
    logger.info("Fetched companies", number=len(found), q=query.q)
    return answer(found)
