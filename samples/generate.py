#!/usr/bin/env python3
"""Write the sample scenes: gallery.usda, materials.usda, cornell.usda and their textures.

Run without arguments; files land beside this script. Python's standard library only. The output is the same on
every run and machine, so `git diff` after a run shows exactly what a change to this file did.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from generator import cornell, gallery, materials, textures  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def save(name, data):
    path = os.path.join(HERE, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode("utf-8"))
    print(f"{name}: {os.path.getsize(path) / 1000:.1f} kB")


def main():
    save("textures/terrazzo.png", textures.terrazzo())
    save("textures/sky.hdr", textures.sky())
    save("textures/studio.hdr", textures.studio())
    for name, build in (("gallery", gallery), ("materials", materials), ("cornell", cornell)):
        text, triangles = build.build()
        save(name + ".usda", text)
        print(f"  about {triangles} triangles, instances counted")


if __name__ == "__main__":
    main()
