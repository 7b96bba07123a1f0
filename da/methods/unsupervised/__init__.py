"""No labels on either side."""
