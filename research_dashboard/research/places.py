"""EDGAR's codes of states and countries in words: G2 is Costa Rica. A state of the USA keeps its two letters.

Source: the SEC's “EDGAR State and Country Codes” (stateOfIncorporation and stateOrCountry in submissions).
A code that is not here is shown as it is.
"""

_CODES = (
    "1B Armenia; 1C Aruba; 1H Estonia; 1P Kazakhstan; 1Q Lithuania; 1R Latvia; 1T Marshall Islands; 1Z Russia; "
    "2A Slovenia; 2B Slovakia; 2H Ukraine; 2M Germany; 2N Czech Republic; 2Q Georgia (country); A0 Alberta; "
    "A1 British Columbia; A2 Manitoba; A3 New Brunswick; A4 Newfoundland; A5 Nova Scotia; A6 Ontario; "
    "A7 Prince Edward Island; A8 Quebec; A9 Saskatchewan; B0 Yukon; C0 United Arab Emirates; C1 Argentina; "
    "C3 Australia; C4 Austria; C5 Bahamas; C6 Bahrain; C8 Barbados; C9 Belgium; D0 Bermuda; D1 Belize; "
    "D5 Brazil; D8 British Virgin Islands; E3 Cambodia; E9 Cayman Islands; F1 Sri Lanka; F3 Chile; F4 China; "
    "F5 Taiwan; F8 Colombia; G2 Costa Rica; G4 Cyprus; G7 Denmark; G8 Dominican Republic; H1 Ecuador; H2 Egypt; "
    "H3 El Salvador; H9 Finland; I0 France; J0 Ghana; J1 Gibraltar; J3 Greece; J8 Guatemala; K2 Honduras; "
    "K3 Hong Kong; K5 Hungary; K6 Iceland; K7 India; K8 Indonesia; L2 Ireland; L3 Israel; L6 Italy; L8 Jamaica; "
    "M0 Japan; M2 Jordan; M3 Kenya; M5 South Korea; M6 Kuwait; N0 Liberia; N2 Liechtenstein; N4 Luxembourg; "
    "N5 Macau; N8 Malaysia; O1 Malta; O4 Mauritius; O5 Mexico; O9 Monaco; P0 Mongolia; P2 Morocco; "
    "P7 Netherlands; P8 Netherlands Antilles; Q1 Vietnam; Q2 New Zealand; Q5 Nigeria; Q8 Norway; R0 Pakistan; "
    "R1 Panama; R2 Papua New Guinea; R4 Paraguay; R5 Peru; R6 Philippines; R9 Poland; S1 Portugal; S3 Qatar; "
    "S5 Romania; T0 Saudi Arabia; T2 Seychelles; T3 South Africa; U0 Singapore; U3 Spain; V7 Sweden; "
    "V8 Switzerland; W1 Thailand; W5 Trinidad and Tobago; W8 Turkey; X0 United Kingdom; X3 Uruguay; "
    "X5 Venezuela; Y7 Guernsey; Y8 Isle of Man; Y9 Jersey"
)
PROVINCES = {
    "AB": "Alberta", "BC": "British Columbia", "MB": "Manitoba", "NB": "New Brunswick", "NL": "Newfoundland",
    "NS": "Nova Scotia", "ON": "Ontario", "PE": "Prince Edward Island", "QC": "Quebec", "SK": "Saskatchewan",
    "YT": "Yukon",
}  # fmt: skip
PLACES = {entry[:2]: entry[3:] for entry in _CODES.split("; ")}


def place_name(code: str | None) -> str:
    """The country or the Canadian province of an EDGAR code, which holds a digit; any other code as it is."""
    return PLACES.get(code, code) if code else ""


def seat(city: str | None, code: str | None) -> str:
    """City and state or country: Cupertino, CA; Ontario, Canada where a filer gave its province as the city."""
    province = PROVINCES.get(code or "") or (PLACES.get(code or "") if (code or "")[:1] == "A" else None)
    written = (city or "").title() if (city or "").isupper() else city or ""
    words = set(written.casefold().replace(",", " ").split())
    if province and words and words <= {"canada", *province.casefold().split()}:
        return f"{province}, Canada"
    return ", ".join(part for part in (written, place_name(code)) if part)
