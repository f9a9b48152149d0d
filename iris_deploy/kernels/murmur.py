"""MurmurHash3 (x86, 32 bits) of bytes, by which words find their features without a vocabulary.

References
----------
Appleby (2011): MurmurHash3, in the public domain.
"""

from struct import iter_unpack

_MASK = 0xFFFFFFFF


def hash_bytes(data: bytes) -> int:
    """Return the signed hash of 32 bits, with a seed of 0; work is in proportion to the bytes."""
    found, whole = 0, len(data) & ~3
    for (block,) in iter_unpack("<I", data[:whole]):
        mixed = block * 0xCC9E2D51 & _MASK
        found ^= (mixed << 15 | mixed >> 17) * 0x1B873593 & _MASK
        found = (found << 13 | found >> 19) * 5 + 0xE6546B64 & _MASK
    mixed = int.from_bytes(data[whole:], "little") * 0xCC9E2D51 & _MASK
    found ^= (mixed << 15 | mixed >> 17) * 0x1B873593 & _MASK
    found ^= len(data) & _MASK
    found = (found ^ found >> 16) * 0x85EBCA6B & _MASK
    found = (found ^ found >> 13) * 0xC2B2AE35 & _MASK
    found ^= found >> 16
    return found - (1 << 32) if found >> 31 else found
