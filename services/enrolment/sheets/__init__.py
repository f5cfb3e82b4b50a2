"""Lists as people keep them: .xlsx and .csv read row by row, .xlsx written."""

from services.enrolment.sheets.cells import tidy
from services.enrolment.sheets.columns import FIELDS, POSITION_LEVELS
from services.enrolment.sheets.reading import Sheet, SheetRow, read_nominations, read_staff
from services.enrolment.sheets.writing import nominations_template, staff_template, write_roster

__all__ = [
    "FIELDS",
    "POSITION_LEVELS",
    "Sheet",
    "SheetRow",
    "nominations_template",
    "read_nominations",
    "read_staff",
    "staff_template",
    "tidy",
    "write_roster",
]
