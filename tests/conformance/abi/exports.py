"""exports.py LIBRARY PREFIX: the library exports names of its prefix and nothing else."""

import subprocess
import sys

library, prefix = sys.argv[1:3]
nm = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", library], text=True, capture_output=True)
if nm.returncode:
    print(nm.stderr)
    sys.exit(1)
names = [line.split()[0] for line in nm.stdout.splitlines()]
strays = [n for n in names if not n.startswith(prefix)]
print(f"{len(names)} names, strays: {strays}")
sys.exit(bool(strays) or not names)
