"""The JSON endpoints, one noun a file; api.py keeps the blueprint."""
