"""The open body, the trained network, the pose prior, and tables of names."""

from pathlib import Path

DATA = Path(__file__).parent
