"""As much of a WebSocket client (RFC 6455) as the test needs: text frames below 64 KiB or above."""

import base64
import json
import os
import socket
import struct


class WebSocket:
    def __init__(self, port, path, timeout=20.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Protocol: svgx.v1\r\n\r\n".encode()
        )
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            self.rest += self.more()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 101"), head

    def more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("the stream ended")
        return piece

    def take(self, count):
        while len(self.rest) < count:
            self.rest += self.more()
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def send(self, frame, kind=1):
        data = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
        size = len(data)
        head = bytes([0x80 | kind])
        head += bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + struct.pack(">H", size)
        mask = os.urandom(4)
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def frame(self):
        """The next frame of text; pings are answered on the way. `None` at the end."""
        while True:
            first, size = self.take(2)
            size &= 0x7F
            if size == 126:
                size = struct.unpack(">H", self.take(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.take(8))[0]
            data = self.take(size)
            kind = first & 0x0F
            if kind == 1:
                return json.loads(data)
            if kind == 8:
                return None
            if kind == 9:
                self.send(data, kind=10)

    def until(self, wanted):
        """The next frame that is wanted."""
        while True:
            frame = self.frame()
            assert frame is not None, "the stream was closed"
            if wanted(frame):
                return frame

    def close(self):
        self.socket.close()
