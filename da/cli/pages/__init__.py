"""Pages of the documentation that are rendered from the catalogue, from docstrings and from committed results."""
