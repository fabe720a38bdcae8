"""What is on disk: names and formats of a run's and a model's files, and how a file is written."""

from .atomic import (
    WriteError,
    file_written_beside,
    folder_written_beside,
    make_folder,
    sha256,
    write_json,
    write_text,
)

__all__ = [
    "WriteError",
    "file_written_beside",
    "folder_written_beside",
    "make_folder",
    "sha256",
    "write_json",
    "write_text",
]
