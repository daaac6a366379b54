"""One report model, many formats."""
