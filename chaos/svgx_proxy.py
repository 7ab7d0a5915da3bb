"""A proxy that makes connections late, narrow, dead or short.

    python3 svgx_proxy.py HOST:PORT TO_HOST:PORT SETTINGS

Both addresses are of loopback. SETTINGS is a JSON file that is read again when it changes: `delay_ms` of
each piece, each way; `rate`, bytes a second each way, 0 for any; `hole`, nothing goes through and nothing
is closed; `reset`, the share of answers instead of which the connection is reset, drawn from a fixed
seed. The proxy ends when the file is gone, or after ten minutes.
"""

import asyncio
import ipaddress
import json
import random
import socket
import struct
import sys
from pathlib import Path

LIFE = 600
PIECE = 4096


def address(text):
    host, _, port = text.rpartition(":")
    if not ipaddress.ip_address(host.strip("[]")).is_loopback:
        sys.exit(f"svgx_proxy: {text} is not an address of loopback")
    return host.strip("[]"), int(port)


class Settings:
    def __init__(self, path):
        self.path, self.chance = path, random.Random(1)
        self.now = json.loads(path.read_text())

    async def follow(self):
        """Reads the file again and again, until it is gone."""
        for _ in range(20 * LIFE):
            try:
                self.now = json.loads(self.path.read_text())
            except FileNotFoundError:
                return
            await asyncio.sleep(0.05)


def reset(writer):
    """Ends a connection with a reset."""
    if raw := writer.get_extra_info("socket"):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def pump(settings, reader, writer, is_answer):
    while data := await reader.read(PIECE):
        if is_answer and settings.chance.random() < settings.now["reset"]:
            return reset(writer)
        if settings.now["delay_ms"]:
            await asyncio.sleep(settings.now["delay_ms"] / 1000)
        if settings.now["rate"]:
            await asyncio.sleep(len(data) / settings.now["rate"])
        while settings.now["hole"]:
            await asyncio.sleep(0.05)
        writer.write(data)
        await writer.drain()


async def main(at, to, path):
    settings = Settings(path)

    async def serve(reader, writer):
        writers = [writer]
        try:
            there, out = await asyncio.open_connection(*to)
            writers.append(out)
            ways = [(reader, out, False), (there, writer, True)]
            pumps = [asyncio.create_task(pump(settings, *way)) for way in ways]
            # A half that is closed closes both: HTTP needs no more.
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for one in pumps:
                one.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass
        finally:
            for one in writers:
                one.close()

    server = await asyncio.start_server(serve, *at, backlog=512)
    host, port = server.sockets[0].getsockname()[:2]
    print(json.dumps({"at": f"{host}:{port}"}), flush=True)
    await settings.follow()


if __name__ == "__main__":
    asyncio.run(main(address(sys.argv[1]), address(sys.argv[2]), Path(sys.argv[3])))
