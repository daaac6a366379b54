"""Where filed facts come from: bundled, imported (SEC data sets), live (SEC APIs)."""
