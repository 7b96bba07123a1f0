"""From records to tables: what the runs of a folder, or the cells of a published table, come to."""
