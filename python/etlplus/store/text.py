"""Text as the stores can hold it."""

from __future__ import annotations


def clean_text(text: str) -> str:
    """A text in which replacement characters stand for NUL and lone surrogates.

    PostgreSQL cannot hold these. Messages quote what they are about, and bad data has both.
    """
    return text.replace("\0", "\ufffd").encode("utf-8", "surrogatepass").decode("utf-8", "replace")
