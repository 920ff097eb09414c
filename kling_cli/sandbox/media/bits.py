"""Bits in the order in which H.264 wants them."""

from __future__ import annotations


class BitWriter:
    """Collects bits, most significant first; whole bytes can be put in between."""

    def __init__(self) -> None:
        self._done = bytearray()
        self._bits: list[str] = []

    def bits(self, text: str) -> None:
        """Append bits written as `0` and `1`."""
        self._bits.append(text)

    def u(self, value: int, width: int) -> None:
        """Append an unsigned number of `width` bits."""
        self._bits.append(f"{value:0{width}b}")

    def ue(self, value: int) -> None:
        """Append an unsigned Exp-Golomb number (H.264, 9.1)."""
        self._bits.append(ue_bits(value))

    def se(self, value: int) -> None:
        """Append a signed Exp-Golomb number (H.264, 9.1.1)."""
        self.ue(2 * value - 1 if value > 0 else -2 * value)

    def aligned(self, raw: bytes) -> None:
        """Fill up the byte with zeros, then append whole bytes."""
        self._flush()
        self._done += raw

    def end(self) -> bytes:
        """Return all of it after the stop bit and its padding (rbsp_trailing_bits)."""
        self._bits.append("1")
        self._flush()
        return bytes(self._done)

    def _flush(self) -> None:
        text = "".join(self._bits)
        self._bits.clear()
        if text:
            size = (len(text) + 7) // 8
            self._done += int(text.ljust(size * 8, "0"), 2).to_bytes(size, "big")


def ue_bits(value: int) -> str:
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code
