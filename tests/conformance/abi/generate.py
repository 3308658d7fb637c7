"""generate.py NAME FACTS.json OUT.c: the ABI test of one library; NAME_facts.py reads its description."""

import importlib
import json
import sys

import abi_c

name, facts_path, out_path = sys.argv[1:4]
with open(facts_path, encoding="utf-8") as f:
    facts = json.load(f)
model = importlib.import_module(f"{name}_facts").model(facts)
with open(out_path, "w", encoding="utf-8") as f:
    f.write(abi_c.emit(model))
