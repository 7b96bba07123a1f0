"""Boosting: a sequence of learners on source and few target samples, reweighted by the errors of earlier learners."""
