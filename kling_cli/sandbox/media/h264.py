"""H.264 encoder: constrained baseline, painted macroblocks, no residual.

The first picture is one intra slice. Macroblocks that are painted are sent as raw
samples (I_PCM); all others repeat the one above them (vertical prediction without
residual: eight bits each). Every later picture skips all but what is painted anew.

Source: ITU-T H.264 (08/2021), sections 7.3 and 9.2; clause numbers are beside the code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


class BitWriter:
    """Writes bits, most significant first; whole bytes can be put in between."""

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


SIDE = 16  # luma samples a macroblock measures each way

Colour = tuple[int, int, int]
"""Y, Cb, Cr; each from 16 to 235 or 240."""
Paint = Mapping[tuple[int, int], Colour]
"""Macroblocks, by row and column, that get a flat colour."""

_FRAME_NUM_BITS = 4
_I_PCM_IN_I = ue_bits(25)  # mb_type, table 7-11
_I_PCM_IN_P = ue_bits(5 + 25)  # table 7-13: intra types follow the five of P
# mb_type I_16x16_0_0_0, intra_chroma_pred_mode vertical, mb_qp_delta 0
_REPEAT_ABOVE = ue_bits(1) + ue_bits(2) + "1"
_NO_COEFFICIENTS = "1"  # coeff_token, table 9-5, nC below 2
_NO_COEFFICIENTS_BESIDE_PCM = "000011"  # the same for nC of 8 or more
_EMULATION = re.compile(rb"\x00\x00(?=[\x00-\x03])")


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a picture in pixels (even numbers) and in macroblocks."""

    width: int
    height: int

    @property
    def columns(self) -> int:
        return -(-self.width // SIDE)

    @property
    def rows(self) -> int:
        return -(-self.height // SIDE)


def sequence_parameters(frame: Frame) -> bytes:
    """Return the SPS NAL unit (7.3.2.1.1)."""
    out = BitWriter()
    out.u(66, 8)  # baseline
    out.u(0b1100_0000, 8)  # constrained: constraint_set0 and 1
    out.u(_level(frame), 8)
    out.ue(0)  # seq_parameter_set_id
    out.ue(_FRAME_NUM_BITS - 4)
    out.ue(2)  # pic_order_cnt_type: output order is decoding order
    out.ue(1)  # max_num_ref_frames
    out.bits("0")  # gaps_in_frame_num_value_allowed_flag
    out.ue(frame.columns - 1)
    out.ue(frame.rows - 1)
    out.bits("11")  # frame_mbs_only_flag, direct_8x8_inference_flag
    out.bits("1")  # frame_cropping_flag; offsets count two samples
    for offset in (0, frame.columns * SIDE - frame.width):
        out.ue(offset // 2)
    for offset in (0, frame.rows * SIDE - frame.height):
        out.ue(offset // 2)
    out.bits("0")  # vui_parameters_present_flag
    return _nal(3, 7, out)


def picture_parameters() -> bytes:
    """Return the PPS NAL unit (7.3.2.2)."""
    out = BitWriter()
    for _ in ("pic_parameter_set_id", "seq_parameter_set_id"):
        out.ue(0)
    out.bits("00")  # CAVLC, no bottom field
    for _ in ("num_slice_groups_minus1", "num_ref_idx_l0", "num_ref_idx_l1"):
        out.ue(0)
    out.bits("000")  # weighted_pred_flag, weighted_bipred_idc
    for _ in ("pic_init_qp", "pic_init_qs", "chroma_qp_index_offset"):
        out.se(0)
    out.bits("100")  # deblocking control present, no constrained intra, no redundancy
    return _nal(3, 8, out)


def first_picture(frame: Frame, paint: Paint) -> bytes:
    """Return an IDR slice; `paint` has to cover row 0, from which the rest follows."""
    out = BitWriter()
    _slice_header(out, slice_type=7, number=0)
    painted_rows = {row for row, _ in paint}
    for row in range(frame.rows):
        if {row, row - 1} & painted_rows:
            _write_row(out, frame, paint, row)
        else:
            out.bits((_REPEAT_ABOVE + _NO_COEFFICIENTS) * frame.columns)
    return _nal(3, 5, out)


def next_picture(frame: Frame, paint: Paint, number: int) -> bytes:
    """Return a P slice: picture `number` (from 1) differs from the last by `paint`."""
    out = BitWriter()
    _slice_header(out, slice_type=5, number=number)
    done = 0
    for row, column in sorted(paint):
        at = row * frame.columns + column
        out.ue(at - done)  # mb_skip_run
        out.bits(_I_PCM_IN_P)
        out.aligned(_samples(paint[row, column]))
        done = at + 1
    if left := frame.rows * frame.columns - done:
        out.ue(left)
    return _nal(2, 1, out)


def _write_row(out: BitWriter, frame: Frame, paint: Paint, row: int) -> None:
    for column in range(frame.columns):
        if colour := paint.get((row, column)):
            out.bits(_I_PCM_IN_I)
            out.aligned(_samples(colour))
            continue
        # nC is the rounded mean of both neighbours; 9.2.1 counts I_PCM as 16
        beside_pcm = (row, column - 1) in paint or (row - 1, column) in paint
        out.bits(_REPEAT_ABOVE)
        out.bits(_NO_COEFFICIENTS_BESIDE_PCM if beside_pcm else _NO_COEFFICIENTS)


def _slice_header(out: BitWriter, *, slice_type: int, number: int) -> None:
    """Write 7.3.3; `slice_type` 7 is I and 5 is P, for the whole picture."""
    out.ue(0)  # first_mb_in_slice
    out.ue(slice_type)
    out.ue(0)  # pic_parameter_set_id
    out.u(number % (1 << _FRAME_NUM_BITS), _FRAME_NUM_BITS)
    if number == 0:
        out.ue(0)  # idr_pic_id
        out.bits("00")  # dec_ref_pic_marking of an IDR picture
    else:
        out.bits("00")  # no other count of references, no reordering
        out.bits("0")  # adaptive_ref_pic_marking_mode_flag
    out.se(0)  # slice_qp_delta
    out.ue(1)  # disable_deblocking_filter_idc: leave the samples alone


def _samples(colour: Colour) -> bytes:
    luma, blue, red = colour
    return bytes([luma]) * 256 + bytes([blue]) * 64 + bytes([red]) * 64


def _level(frame: Frame) -> int:
    """Return level_idc for the size of the picture at 24 a second (table A-1)."""
    size = frame.columns * frame.rows
    for level, max_size, max_rate in ((31, 3600, 108_000), (40, 8192, 245_760)):
        if size <= max_size and size * 24 <= max_rate:
            return level
    return 51


def _nal(ref_idc: int, unit_type: int, out: BitWriter) -> bytes:
    payload = _EMULATION.sub(b"\x00\x00\x03", out.end())
    return bytes([ref_idc << 5 | unit_type]) + payload
