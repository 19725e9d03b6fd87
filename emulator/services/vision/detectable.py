"""What the detector knows."""

from pathlib import Path

# The names of the eighty COCO classes, in the order of the detector's outputs.
DETECTABLE = Path(__file__).with_name("coco.txt").read_text().splitlines()
