"""Published result tables, run again: a protocol and its figures in, paper, ours and the gap out."""
