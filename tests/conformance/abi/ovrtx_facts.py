"""The ovrtx interface description as a model of abi_c.py."""


def fields(members, base_path="", base_offset=0):
    for m in members:
        path, offset = base_path + m["name"], base_offset + m["offset"]
        typed = None if m["type"].startswith("inline ") or m["type"] == "function pointer" else m["type"]
        yield {"path": path, "offset": offset, "size": m["size"], "type": typed}
        yield from fields(m.get("members", []), path + ".", offset)


def struct(name, s):
    return {"name": name, "size": s["size"], "align": s["align"], "fields": list(fields(s["fields"]))}


def enum(name, e):
    return {"name": name, "size": e["size"], "values": {v["name"]: v["value"] for v in e["enumerators"]}}


def function(f, exported):
    return {"name": f["name"], "returns": f["returns"], "exported": exported,
            "parameters": [p["type"] for p in f["parameters"]]}


def signature(f):
    return f"{f['returns']} (*)({', '.join(p['type'] for p in f['parameters'])})"


def vtable(name, table):
    slots = [{"path": s["name"], "offset": s["offset"], "size": 8, "type": None} for s in table["slots"]]
    return {"name": name, "size": table["size"], "align": table["align"], "fields": slots}


def raw(facts):
    """What the model has no word for: function pointers, the typed constant, the string macro."""
    for name, table in facts["path_dictionary"]["structs"].items():
        for s in table.get("slots", []):
            yield (f"_Static_assert(_Generic((({name} *)0)->{s['name']}, {signature(s)}: 1, default: 0), "
                   f"\"type of slot {s['name']}\");")
    for name, f in facts["dlpack"]["function_pointer_types"].items():
        yield f"_Static_assert(_Generic(({name})0, {signature(f)}: 1, default: 0), \"type of {name}\");"
    for name, c in facts["callbacks"].items():
        yield f"_Static_assert(_Generic(({name})0, {signature(c)}: 1, default: 0), \"type of {name}\");"
    for name, c in facts["typed_constants"].items():
        yield f"_Static_assert(_Generic((&{name}), const {c['type']} *: 1, default: 0), \"type of {name}\");"
    yield "_Static_assert(sizeof(literal_to_ovx_string(\"abc\")) == 16, \"literal_to_ovx_string\");"
    for name in facts["opaque_types"]:
        yield f"static inline void use_{name}({name} *p) {{ (void)p; }}"


def model(facts):
    parts = [facts, facts["ovx"], facts["dlpack"]]
    structs = [struct(n, s) for p in parts for n, s in p["structs"].items()]
    for name, s in facts["path_dictionary"]["structs"].items():
        structs.append(vtable(name, s) if "slots" in s else struct(name, s))
    constants = {n: c["value"] for n, c in facts["constants"].items()}
    constants.update(facts["dlpack"]["constants"])
    exported = set(facts["library"]["exported_symbols"])
    functions = [function(f, f["name"] in exported) for f in facts["functions"]]
    missing = exported - {f["name"] for f in facts["functions"]}
    assert not missing, missing
    return {
        "headers": [h["path"] for h in facts["headers"]],
        "structs": structs,
        "enums": [enum(n, e) for p in parts for n, e in p["enums"].items()],
        "constants": constants,
        "typedefs": [{"name": n, "type": t["type"], "size": t["size"]}
                     for n, t in facts["handle_types"].items()],
        "functions": functions + [function(f, False) for f in facts["inline_functions"]],
        "raw": list(raw(facts)),
    }
