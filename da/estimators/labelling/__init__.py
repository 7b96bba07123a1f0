"""Methods that train on target samples with pseudo-labels, or with a few given labels."""
