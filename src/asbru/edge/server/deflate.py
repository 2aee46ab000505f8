"""permessage-deflate with a bound: what a message may become when it is decompressed. Short messages go uncompressed,
since compressing them costs more than it saves."""

from __future__ import annotations

import zlib
from typing import Final

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits

COMPRESSED_BYTES_MIN: Final = 1024


class BoundedDeflate(PerMessageDeflate):
    """See the module."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__()
        self._left = self._bytes_max = bytes_max

    def frame_inbound_header(
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """See `Extension`: a frame begins. A control frame may stand within a message that is compressed, of which the
        library's own would then forget that it is."""
        if not opcode.iscontrol():
            return super().frame_inbound_header(proto, opcode, rsv, payload_length)
        self._inbound_is_compressible = False
        return CloseReason.PROTOCOL_ERROR if rsv.rsv1 else RsvBits(True, False, False)

    def frame_inbound_payload_data(self, proto: FrameDecoder | FrameProtocol, data: bytes) -> bytes | CloseReason:
        """See `Extension`: a piece of a message, decompressed."""
        decompressor = self._decompressor
        if decompressor is None or not self._inbound_compressed or not self._inbound_is_compressible:
            return data
        try:
            text = decompressor.decompress(bytes(data), self._left + 1)
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        self._left -= len(text)
        if self._left < 0 or decompressor.unconsumed_tail:
            return CloseReason.MESSAGE_TOO_BIG
        return text

    def frame_inbound_complete(self, proto: FrameDecoder | FrameProtocol, fin: bool) -> bytes | CloseReason | None:
        """See `Extension`: the end of a frame."""
        if not self._inbound_is_compressible:
            return None
        if fin:
            self._left = self._bytes_max
        return super().frame_inbound_complete(proto, fin)

    def frame_outbound(  # noqa: PLR0917 -- the library's own signature
        self, proto: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        """See `Extension`: a frame that is sent; each message is one."""
        if fin and len(data) < COMPRESSED_BYTES_MIN:
            return rsv, data
        return super().frame_outbound(proto, opcode, rsv, data, fin)
