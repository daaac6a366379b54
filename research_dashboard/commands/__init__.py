"""The `flask …` command groups, one noun a file; cli.py gathers them."""
