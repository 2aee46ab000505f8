"""A WebSocket (RFC 6455) on a connection of the server: the handshake, frames, and what bounds them. Frames and
permessage-deflate (RFC 7692) are wsproto's, which is loaded with the first handshake.

    open       messages come and go; a ping goes out after PING_AFTER_S without a sign of life
    closing    our close frame is out: what still comes is dropped, until the peer closes or CLOSE_S have passed
    lost       the connection is gone

Messages are text; one that is larger than `limits.body_bytes_max`, also after decompression, closes the socket (1009),
a binary one, too (1003). What a message means is its receiver's business.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from asbru.core.errors import BadRequest, UpgradeRequired

if TYPE_CHECKING:
    import asyncio

    from wsproto.extensions import PerMessageDeflate

    from asbru.edge.limits import ServerLimits
    from asbru.edge.server.body import HeldBytes
    from asbru.edge.server.request import Head

PING_AFTER_S: Final = 30.0
"""After so long without a sign of life the peer is asked for one; it has `idle_timeout_s` to give it."""
UNUSED_S: Final = 3600.0
"""A socket on which nothing was asked for so long is closed."""
CLOSE_S: Final = 5.0
"""How long the peer may take to answer a close frame."""
VERSION: Final = b"13"
_ACCEPT_ID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES: Final = 16

NORMAL, GOING_AWAY, PROTOCOL_ERROR, UNSUPPORTED, TOO_BIG, TRY_LATER = 1000, 1001, 1002, 1003, 1009, 1013
"""Close codes (RFC 6455, 7.4.1, and the registry)."""


class Receiver(Protocol):
    """What uses a socket."""

    @property
    def busy(self) -> bool:
        """Whether something that was asked for is under way."""
        ...

    def receive(self, text: bytes) -> None:
        """A whole message, in UTF-8."""
        ...

    def pause(self) -> None:
        """The peer reads too slowly: bring nothing more for now."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...

    def close(self) -> None:
        """The socket is gone, or goes: end what is under way."""
        ...


def shake_hands(head: Head, limits: ServerLimits) -> tuple[bytes, PerMessageDeflate | None]:
    """The response to a request for a WebSocket, and the compression agreed upon. Raises what refuses the request."""
    if head.websocket_version != VERSION:
        raise UpgradeRequired("expected Sec-WebSocket-Version: 13")
    if head.method != b"GET" or b"upgrade" not in head.connection_options.lower() or head.http_1_0:
        raise BadRequest("expected GET over HTTP/1.1 with `Connection: Upgrade` for a WebSocket")
    try:
        key = b64decode(head.websocket_key, validate=True)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise BadRequest("expected 16 bytes in base64 in Sec-WebSocket-Key")
    import hashlib  # loads OpenSSL

    digest = hashlib.sha1(head.websocket_key.strip() + _ACCEPT_ID, usedforsecurity=False).digest()
    agreed, deflate = _compression(head.websocket_extensions, limits.body_bytes_max)
    lines = (
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        b"sec-websocket-accept: %b\r\n%b\r\n" % (b64encode(digest), agreed)
    )
    return lines, deflate


def _compression(offers: bytes, bytes_max: int) -> tuple[bytes, PerMessageDeflate | None]:
    from asbru.edge.server.deflate import BoundedDeflate

    for offer in offers.decode("latin-1").split(","):
        name, _, _ = offer.partition(";")
        if name.strip().lower() != BoundedDeflate.name:
            continue
        deflate = BoundedDeflate(bytes_max)
        try:
            agreed = deflate.accept(offer)
        except ValueError:  # a parameter that is no number
            continue
        if isinstance(agreed, str):
            parameters = f"; {agreed}" if agreed else ""
            return f"sec-websocket-extensions: {BoundedDeflate.name}{parameters}\r\n".encode("latin-1"), deflate
    return b"", None


class WebSocket:
    """See the module. `receiver` is set by whoever opens the socket. `held` counts what messages on their way take;
    `has_room`: whether that and all other bodies are within bounds."""

    def __init__(
        self,
        transport: asyncio.Transport,
        limits: ServerLimits,
        held: HeldBytes,
        deflate: PerMessageDeflate | None,
        *,
        is_draining: Callable[[], bool],
        has_room: Callable[[], bool],
        now_s: float,
    ) -> None:
        from wsproto.connection import Connection, ConnectionType

        self.receiver: Receiver | None = None
        self._transport = transport
        self._limits = limits
        self._held = held
        self._protocol = Connection(ConnectionType.SERVER, [deflate] if deflate is not None else [])
        self._is_draining = is_draining
        self._has_room = has_room
        self._pieces: list[str] = []
        self._bytes = 0
        self._heard_s = self._used_s = self._now_s = now_s
        self._pinged = False
        self._closing_since_s = 0.0
        self._closed = False

    @property
    def is_quiet(self) -> bool:
        """Whether nothing that was asked for is under way."""
        return self.receiver is None or not self.receiver.busy

    # Bytes in

    def feed(self, data: bytes) -> None:
        """What has come from the peer."""
        self._heard_s, self._pinged = self._now_s, False
        if self._closed:
            return
        from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

        self._protocol.receive_data(data)
        for event in self._protocol.events():
            if isinstance(event, CloseConnection):
                self._on_close(int(event.code))
                return
            if self._closing_since_s:
                continue
            if isinstance(event, TextMessage):
                self._on_text(event.data, whole=event.message_finished)
            elif isinstance(event, BytesMessage):
                self.close(UNSUPPORTED, "only text messages are supported")
            elif isinstance(event, Ping):
                self._transport.write(self._protocol.send(event.response()))

    def _on_text(self, text: str, *, whole: bool) -> None:
        if self._pieces or not whole:
            if text:  # empty ones would count as nothing, however many they are
                self._pieces.append(text)
            size = len(text.encode())
            self._bytes += size
            self._held.add(size)
            if self._bytes > self._limits.body_bytes_max:
                self.close(TOO_BIG, "the message is larger than limits.body_bytes_max")
                return
            if not whole:
                if not self._has_room():
                    self.close(TRY_LATER, "messages and bodies take more than limits.bodies_bytes_max")
                return
            text = "".join(self._pieces)
            self._pieces.clear()
            self._bytes = 0
        message = text.encode()
        if len(message) > self._limits.body_bytes_max:
            self.close(TOO_BIG, "the message is larger than limits.body_bytes_max")
            return
        self._used_s = self._now_s
        if self.receiver is not None:
            self.receiver.receive(message)
        self._held.keep(0)

    def _on_close(self, code: int) -> None:
        """The peer closes, or has broken the protocol."""
        if not self._closing_since_s:
            self._send_close(code if code in (NORMAL, GOING_AWAY, PROTOCOL_ERROR, TOO_BIG, 1007) else NORMAL, "")
        self._end()

    # Messages out

    def send(self, text: bytes) -> None:
        """A text message; dropped once the socket closes."""
        if self._closing_since_s or self._closed:
            return
        from wsproto.events import TextMessage

        self._transport.write(self._protocol.send(TextMessage(data=text.decode("utf-8", "replace"))))

    def close(self, code: int, reason: str) -> None:
        """Say that no more comes, and end what is under way."""
        if self._closing_since_s or self._closed:
            return
        self._send_close(code, reason)
        self._closing_since_s = self._now_s or 1.0
        self._pieces.clear()
        self._held.keep(0)
        if self.receiver is not None:
            self.receiver.close()

    def _send_close(self, code: int, reason: str) -> None:
        from wsproto.events import CloseConnection
        from wsproto.utilities import LocalProtocolError

        try:
            self._transport.write(self._protocol.send(CloseConnection(code=code, reason=reason)))
        except LocalProtocolError:  # it is closed already
            return

    def _end(self) -> None:
        self.lost()
        self._transport.close()

    # What the connection tells

    def lost(self) -> None:
        """The connection is gone."""
        if self._closed:
            return
        self._closed = True
        self._pieces.clear()
        self._held.keep(0)
        if self.receiver is not None:
            self.receiver.close()

    def pause_writing(self) -> None:
        """The peer reads too slowly."""
        if self.receiver is not None and not self._closed:
            self.receiver.pause()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        if self.receiver is not None and not self._closed:
            self.receiver.resume()

    def sweep(self, now_s: float) -> None:
        """Deadlines, four times a second."""
        self._now_s = now_s
        if self._closed:
            return
        if self._closing_since_s:
            if now_s - self._closing_since_s > CLOSE_S:
                self._end()
            return
        if not self.is_quiet:
            self._used_s = now_s
        elif self._is_draining():
            self.close(GOING_AWAY, "the gateway is shutting down; connect again")
            return
        elif now_s - self._used_s > UNUSED_S:
            self.close(NORMAL, "no request for an hour")
            return
        silent_s = now_s - self._heard_s
        if silent_s > PING_AFTER_S + self._limits.idle_timeout_s:
            self.lost()
            self._transport.abort()
        elif silent_s > PING_AFTER_S and not self._pinged:
            from wsproto.events import Ping

            self._pinged = True
            self._transport.write(self._protocol.send(Ping(payload=b"")))
