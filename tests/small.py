"""Overrides that make a run take a moment."""

SMALL = [
    "data=toy",
    "data.samples=60",
    "trainer.max_epochs=1",
    "steps_per_epoch=2",
    "trainer.enable_progress_bar=false",
]
