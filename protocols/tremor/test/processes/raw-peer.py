"""A peer written from RFC 6455 alone: python3 raw-peer.py <port> <token>

Pushes one price in three fragments with a ping between them, then one as a binary message, and closes. Prints what it gets back, one
line each: the status of the upgrade, then opcode and payload of every frame.
"""

import base64
import hashlib
import os
import socket
import struct
import sys

port, token = int(sys.argv[1]), sys.argv[2]
key = base64.b64encode(os.urandom(16)).decode()
wire = socket.create_connection(("127.0.0.1", port), timeout=60)
request = [
    "GET /any/path HTTP/1.1",
    f"Host: 127.0.0.1:{port}",
    "Upgrade: websocket",
    "Connection: keep-alive, Upgrade",
    f"Sec-WebSocket-Key: {key}",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: one, two",
    "Sec-WebSocket-Extensions: permessage-deflate",
    f"Authorization: Bearer {token}",
    "",
    "",
]
wire.sendall("\r\n".join(request).encode())
buffer = b""


def read(count):
    global buffer
    while len(buffer) < count:
        piece = wire.recv(65536)
        if not piece:
            raise EOFError
        buffer += piece
    taken, buffer = buffer[:count], buffer[count:]
    return taken


head = b""
while not head.endswith(b"\r\n\r\n"):
    head += read(1)
lines = head.decode().split("\r\n")
print(lines[0], flush=True)
headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
expected = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
assert headers["sec-websocket-accept"] == expected
assert "sec-websocket-protocol" not in headers and "sec-websocket-extensions" not in headers


def send(opcode, payload, fin=True):
    mask = os.urandom(4)
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0x80 | 126]) + struct.pack(">H", len(payload))
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    wire.sendall(bytes([(0x80 if fin else 0) | opcode]) + length + mask + masked)


text = b'{"base":"ETH","quote":"USD","price":1800.5}'
send(1, text[:10], fin=False)
send(9, b"between")
send(0, text[10:20], fin=False)
send(0, text[20:])
send(2, b'{"base":"BTC","quote":"USD","price":60000}')
send(8, struct.pack(">H", 1000))
try:
    while True:
        first, second = read(2)
        assert second < 126
        payload = read(second)
        print(first & 0x0F, payload.hex(), flush=True)
        if first & 0x0F == 8:
            break
except EOFError:
    print("end", flush=True)
