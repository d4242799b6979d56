"""A journal's records as tables: frames, CSV files and the data package that describes them."""

from mprunner.tables.csv import StreamedTables, frame_of, make_frame, plain_cells, write_csv
from mprunner.tables.datapackage import (
    FILE,
    concatenated,
    has_all_columns,
    journal_bytes_of,
    read_package,
    read_tables,
    write_package,
)
from mprunner.tables.frames import (
    Begin,
    Collector,
    Counts,
    Frames,
    StatusCounts,
    build_frames,
    forget,
    same_in_all_rows,
    state_order,
    state_text,
)

__all__ = [
    "FILE",
    "Begin",
    "Collector",
    "Counts",
    "Frames",
    "StatusCounts",
    "StreamedTables",
    "build_frames",
    "concatenated",
    "forget",
    "frame_of",
    "has_all_columns",
    "journal_bytes_of",
    "make_frame",
    "plain_cells",
    "read_package",
    "read_tables",
    "same_in_all_rows",
    "state_order",
    "state_text",
    "write_csv",
    "write_package",
]
