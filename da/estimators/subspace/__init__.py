"""Source and target are mapped into one space."""
