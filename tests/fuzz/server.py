"""A fuzzer for the whole way of a picture: python -m tests.fuzz.server [--seconds S] [--seed N]

Damaged files, small and large, go to a server of its own as a stranger would send them: an upload, then the question
for its logits. Each has to get logits or a sentence; how much memory and how many files the server had before and has
in the end is said. What has no answer lies in runs/ as answerless-....
"""

import argparse
import asyncio
import random
import sys
import time
from pathlib import Path

from tests.fuzz.seeds import seeds
from tests.library.test_images import mutated, repaired
from tests.load.pictures import File
from tests.load.server import serving
from tests.load.visitor import Visitor, page_of

AT_ONCE = 4
PATIENCE = 60  # seconds for one answer, with all workers busy


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.server", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="how long (default: 300)")
    parser.add_argument("--seed", type=int, default=0, help="of what is damaged (default: 0)")
    args = parser.parse_args()
    chance, files, lost = random.Random(args.seed), list(seeds().items()), []
    told: dict[str, int] = {}

    with serving() as server:

        async def visit(page, ends: float) -> None:
            async with Visitor(server.url, page) as visitor:
                await visitor.open()
                while time.monotonic() < ends:
                    name, data = chance.choice(files)
                    data = mutated(data, chance.choice(files)[1], chance)
                    data = (repaired(data) if chance.random() < 0.5 else data)[: 6 * 2**20]
                    try:
                        logits, sentence = await asyncio.wait_for(visitor.look(File("a.jpg", data)), PATIENCE)
                    except Exception as error:
                        lost.append(f"{name}: {type(error).__name__} {error}")
                        Path("runs").mkdir(exist_ok=True)
                        Path("runs", f"answerless-{len(lost)}").write_bytes(data)
                        await visitor.open()
                        continue
                    kind = "logits" if logits is not None else sentence
                    told[kind] = told.get(kind, 0) + 1

        async def all_of_them() -> None:
            page = await page_of(server.url)
            await asyncio.gather(*(visit(page, time.monotonic() + 10) for _ in range(AT_ONCE)))  # libraries settle
            held, handles = server.memory(), server.handles()
            await asyncio.gather(*(visit(page, time.monotonic() + args.seconds) for _ in range(AT_ONCE)))
            await asyncio.sleep(7)
            print(f"memory {held:.0f} -> {server.memory():.0f} MB, files and sockets {handles} -> {server.handles()}")

        asyncio.run(all_of_them())
        lost += server.complaints()
    for sentence, count in sorted(told.items(), key=lambda item: -item[1]):
        print(f"{count:7,}  {sentence}")
    print(f"{sum(told.values()):,} files answered, {len(lost)} not")
    print("\n".join(lost[:20]))
    return bool(lost)


if __name__ == "__main__":
    sys.exit(main())
