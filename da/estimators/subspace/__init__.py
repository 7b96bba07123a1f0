"""Methods that map source and target into a common space."""
