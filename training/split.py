"""Which subjects are kept for validation: nothing is ever fitted to them or trained on them."""

from pathlib import Path

SUBJECTS_FILE = Path(__file__).with_name("validation_subjects.txt")


def validation_subjects() -> list[str]:
    """Subjects, the part of a clip's file name before the first underscore."""
    return listed(SUBJECTS_FILE)


def listed(file: Path) -> list[str]:
    """The lines of a list that are not comments."""
    return [
        line
        for line in file.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]


def is_validation(clip: Path) -> bool:
    return clip.stem.split("_")[0] in validation_subjects()
