"""Terms of a loss that stand alone: added to any deep method whose needs cover theirs, by ``terms=[NAME]``."""
