"""Methods without labels in either domain."""
