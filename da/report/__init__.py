"""One page for a folder of results: leaderboards, curves, confusions, failures; a file that needs nothing else.

The modules make plain data of records, :mod:`da.report.page` puts them together, and ``templates/`` draws them.
"""
