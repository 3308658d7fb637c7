#!/usr/bin/env python3
"""Write the sample scenes: gallery.usda, materials.usda, cornell.usda and their textures.

Files land beside this script. Python's standard library only. The output is the same on every run, so `git diff`
after a run shows exactly what a change to the generator did. With --check nothing is written: the exit status says
whether the files are what the generator makes.
"""

import os
import sys
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from generator import cornell, gallery, materials, textures  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def content(data):
    """What is compared: a PNG's pixels, whatever zlib packed them; everything else byte for byte."""
    start = data.find(b"IDAT")
    if not data.startswith(b"\x89PNG") or start < 0:
        return data
    size = int.from_bytes(data[start - 4:start], "big")
    return data[:start - 8] + zlib.decompress(data[start + 4:start + 4 + size])


def main():
    files = {"textures/terrazzo.png": textures.terrazzo(), "textures/sky.hdr": textures.sky(),
             "textures/studio.hdr": textures.studio()}
    for name, scene in (("gallery", gallery), ("materials", materials), ("cornell", cornell)):
        text, triangles = scene.build()
        files[name + ".usda"] = text.encode("utf-8")
        print(f"{name}: about {triangles} triangles, instances counted")
    different = []
    for name, data in files.items():
        path = os.path.join(HERE, name)
        if "--check" in sys.argv:
            with open(path, "rb") as f:
                if content(f.read()) != content(data):
                    different.append(name)
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        print(f"{name}: {len(data) / 1000:.1f} kB")
    if different:
        sys.exit("not what the generator makes: " + ", ".join(different))


if __name__ == "__main__":
    main()
