"""The HTML pages, one noun a file; views.py keeps the blueprint."""
