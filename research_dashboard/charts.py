"""Charts as SVG, drawn from figures."""
