"""Zips that have the same bytes wherever and whenever they are made, and wheels by their
checksums."""

from __future__ import annotations

import email
import hashlib
import os
import shutil
import tempfile
import zipfile
from pathlib import Path


def write_zip(target: Path, contents: dict[str, bytes | Path]) -> None:
    """Sorted names, one date, one set of permissions; moved into place when complete.

    Nothing is compressed: compressors differ from one Python to the next, and what is large is
    compressed already.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=target.parent, prefix=".build-", suffix=".zip")
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            for name in sorted(contents):
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                content = contents[name]
                entry.create_system, entry.external_attr = 3, 0o100644 << 16
                if isinstance(content, bytes):
                    archive.writestr(entry, content)
                    continue
                entry.file_size = content.stat().st_size
                with open(content, "rb") as source, archive.open(entry, "w") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
        os.chmod(scratch, 0o644)
        os.replace(scratch, target)
    except BaseException:
        os.unlink(scratch)
        raise


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def licence_of_wheel(wheel: zipfile.ZipFile) -> str:
    """What a wheel says of its licence."""
    name = next((name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")), None)
    if name is None:
        return "unknown"
    facts = email.message_from_bytes(wheel.read(name))
    classifiers = [
        c.rpartition(" :: ")[2]
        for c in facts.get_all("Classifier", [])
        if c.startswith("License ::")
    ]
    stated = (facts.get("License-Expression") or facts.get("License") or "").strip().splitlines()
    return (stated[0] if stated else "") or ", ".join(classifiers) or "unknown"
