"""The audit: what the four services hold, compared, and every disagreement named."""

from deploy.audit.asking import audit, quiet, read_books
from deploy.audit.books import Books, Disagreement
from deploy.audit.rules import compare

__all__ = ["Books", "Disagreement", "audit", "compare", "quiet", "read_books"]
