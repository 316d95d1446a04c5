"""Passes connections on, as the processes of a service do that keeps its state elsewhere: forward.py PORT TARGET."""
import asyncio
import sys


async def copy(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve(reader, writer):
    target_reader, target_writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
    await asyncio.gather(copy(reader, target_writer), copy(target_reader, writer))


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    print("up", flush=True)
    await server.serve_forever()


asyncio.run(main())
