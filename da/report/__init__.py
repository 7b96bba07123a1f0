"""One page for a folder of results: leaderboards, curves, confusions, failures; a file that needs nothing else."""
