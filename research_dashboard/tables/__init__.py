"""The tables, one noun a file; models.py gathers them."""
