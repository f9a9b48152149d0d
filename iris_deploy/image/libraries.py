"""Shared libraries without what no loader reads, as ``strip`` leaves them.

The base image has no binutils, and a build must not need a mirror of Debian's packages; so the
little that is needed is done here. What is mapped into memory stays: dropped are symbols for
debuggers, the table of sections, and old copies of tables that were moved to the end. Knows ELF of
64 bits with the lowest byte first, as x86-64 and AArch64 have it; other files stay as they are.
"""

import shutil
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

_MAGIC: Final = b"\x7fELF\x02\x01"
_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT: Final = struct.Struct("<IIQQQQQQ")
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_NULL, _LOAD = 0, 1  # types of segments
_ALLOCATED: Final = 2  # flag of a section that is in memory


class _Header(NamedTuple):
    ident: bytes
    type: int
    machine: int
    version: int
    entry: int
    segments_at: int
    sections_at: int
    flags: int
    size: int
    segment_size: int
    n_segments: int
    section_size: int
    n_sections: int
    names_section: int


class _Segment(NamedTuple):
    type: int
    flags: int
    offset: int
    address: int
    physical: int
    file_size: int
    memory_size: int
    alignment: int

    def holds(self, offset: int) -> bool:
        return self.offset <= offset < self.offset + self.file_size


class _Section(NamedTuple):
    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


def strip_library(path: Path) -> None:
    """Write a shared library again, without what no loader reads; one that is cut off stays.

    It is another file then: a process that has mapped the one before into its memory goes on.
    """
    content = path.read_bytes()
    if content.startswith(_MAGIC):
        with suppress(struct.error):
            stripped = path.with_name(f"{path.name}.stripped")
            stripped.write_bytes(strip(content))
            shutil.copymode(path, stripped)
            stripped.replace(path)


def strip(content: bytes) -> bytes:
    """Return a shared library without what no loader reads.

    Parameters
    ----------
    content : bytes
        Of an ELF file of 64 bits with the lowest byte first.

    Returns
    -------
    bytes
        The same bytes at the same addresses in memory, at other places of the file.
    """
    header = _Header(*_HEADER.unpack_from(content))
    if not header.n_sections:  # then nothing tells which segments are still of use
        return content
    segments = [
        _Segment(*_SEGMENT.unpack_from(content, header.segments_at + k * header.segment_size))
        for k in range(header.n_segments)
    ]
    sections = [
        _Section(*_SECTION.unpack_from(content, header.sections_at + k * header.section_size))
        for k in range(header.n_sections)
    ]
    parts = [_used_part(segment, sections, header) for segment in segments]
    stripped = bytearray()
    moves: dict[_Segment, int] = {}
    for part in sorted(filter(None, parts), key=lambda part: part.offset):
        # Offset and address have to agree as far as the alignment goes: whole pages are mapped.
        stripped += bytes((part.offset - len(stripped)) % max(part.alignment, 1))
        moves[part] = len(stripped) - part.offset
        stripped += content[part.offset : part.offset + part.file_size]

    def move(offset: int) -> int:
        return offset + next((by for part, by in moves.items() if part.holds(offset)), 0)

    start = move(header.segments_at)
    for k, (segment, used) in enumerate(zip(segments, parts, strict=True)):
        left_out = segment.type == _LOAD and used is None
        written = segment._replace(type=_NULL) if left_out else used or segment
        written = written._replace(offset=move(written.offset))
        _SEGMENT.pack_into(stripped, start + k * header.segment_size, *written)
    written_header = header._replace(
        segments_at=start, sections_at=0, n_sections=0, names_section=0
    )
    _HEADER.pack_into(stripped, 0, *written_header)
    return bytes(stripped)


def _used_part(segment: _Segment, sections: Iterable[_Section], header: _Header) -> _Segment | None:
    """Return a segment that is loaded up to its last section; None if nothing in it is used."""
    if segment.type != _LOAD:
        return None
    used = [
        section.address + section.size - segment.address
        for section in sections
        if section.flags & _ALLOCATED
        and segment.address <= section.address < segment.address + segment.memory_size
    ]
    if segment.holds(header.segments_at):
        table = header.n_segments * header.segment_size
        used.append(header.segments_at + table - segment.offset)
    if not used or segment.memory_size != segment.file_size:  # the rest of which is zeros
        return segment if used else None
    return segment._replace(file_size=max(used), memory_size=max(used))
