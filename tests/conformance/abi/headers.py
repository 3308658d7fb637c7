"""headers.py INCLUDE_DIR CC CXX HEADER...: every public header compiles alone, as C11 and as C++17.

CXX may be missing; then only C is checked and the output says so.
"""

import shutil
import subprocess
import sys

include, cc, cxx = sys.argv[1:4]
languages = [([cc, "-x", "c", "-std=c11"], "C11")]
if shutil.which(cxx):
    languages.append(([cxx, "-x", "c++", "-std=c++17"], "C++17"))
else:
    print(f"no C++ compiler ({cxx}): C++17 not checked")

failed = 0
for header in sys.argv[4:]:
    # Twice, so that a missing include guard shows.
    source = f'#include "{header}"\n#include "{header}"\nint main(void) {{ return 0; }}\n'
    for command, language in languages:
        run = subprocess.run(command + ["-Wall", "-Wextra", "-Werror", "-Wno-unused-variable", "-fsyntax-only",
                                        f"-I{include}", "-"], input=source, text=True, capture_output=True)
        if run.returncode:
            failed += 1
            print(f"{header} as {language}:\n{run.stderr}")
print(f"{failed} failures")
sys.exit(failed != 0)
