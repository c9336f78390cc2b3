"""Search the cells of workbooks row by row: a name may be parted over two cells, a number be a float.

Belongs here: spreadsheets by calamine. Does not: their XML, which is searched as members of the archive.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pyarrow as pa
from python_calamine import CalamineWorkbook

from orchestration.lib.ingest.readers.excel import cell_text
from orchestration.lib.privacy.byte_search.matcher import PatternSet
from orchestration.lib.privacy.byte_search.tables import Found

PARTS = ("xl/workbook.xml", "xl/workbook.bin")
OPEN_DOCUMENT = "application/vnd.oasis.opendocument.spreadsheet"


def is_workbook(path: Path) -> bool:
    """Whether an archive is a workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if any(part in names for part in PARTS):
                return True
            return "mimetype" in names and archive.read("mimetype").decode() == OPEN_DOCUMENT
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError):
        return False


def search_workbook(patterns: PatternSet, path: Path, found: Found) -> None:
    """Search every row of every sheet, its cells side by side.

    Raises
    ------
    ValueError
        When the workbook can't be read.
    """
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        sheets = [
            (name, workbook.get_sheet_by_name(name).to_python()) for name in workbook.sheet_names
        ]
    except BaseException as error:  # calamine's panics are no Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
            raise
        raise ValueError("no workbook that can be read") from None
    for number, (_, rows) in enumerate(sheets, start=1):
        texts = [";".join(cell_text(cell, is_time=False) or "" for cell in row) for row in rows]
        for position in map(int, patterns.find_in_values(pa.array(texts, pa.string()))[1]):
            found(f"cells of sheet {number}", position)
