#!/usr/bin/env python3
"""embed_web.py OUT DEPFILE ROOT: the files below ROOT as C arrays (see web_files.h)."""
import os
import sys

TOOLING = ('package.json', 'package-lock.json', 'jsconfig.json')
out, depfile, root = sys.argv[1:]
files = []
for folder, folders, names in os.walk(root):
    folders[:] = sorted(f for f in folders if not f.startswith('.') and f not in ('test', 'tests', 'node_modules'))
    for name in sorted(names):
        if not name.startswith('.') and not name.endswith(('.md', '.build')) and name not in TOOLING:
            files.append(os.path.join(folder, name))

with open(out, 'w') as c:
    c.write('#include "web_files.h"\n\n')
    for i, path in enumerate(files):
        data = open(path, 'rb').read()
        c.write(f'static const unsigned char file_{i}[] = {{\n')
        for at in range(0, len(data), 24):
            c.write(','.join(map(str, data[at:at + 24])) + ',\n')
        c.write('0};\n')
    c.write('\nconst struct web_file web_files[] = {\n')
    for i, path in enumerate(files):
        name = os.path.relpath(path, root).replace('\\', '/')
        c.write(f'    {{ "{name}", file_{i}, sizeof(file_{i}) - 1 }},\n')
    c.write('    { 0, 0, 0 },\n};\n')
with open(depfile, 'w') as d:
    folders = sorted({os.path.dirname(f) for f in files} | {root})
    d.write(f'{out}: ' + ' '.join(p.replace(' ', '\\ ') for p in files + folders if os.path.exists(p)) + '\n')
