"""The ovstream interface description as a model of abi_c.py: the newest layouts, every function of every version."""

NEWEST = "0.4.3"


def fields(members, base=""):
    for m in members:
        if m["name"] is None:  # an anonymous union: its members are reached directly
            yield from fields(m["members"], base)
            continue
        path, nested = base + m["name"], m.get("fields", [])
        if nested:
            typed = None  # an anonymous struct has no type name
        elif "array_length" in m:
            typed = f"{m['type']}[{m['array_length']}]"
        else:
            typed = m["type"]
        yield {"path": path, "offset": m["offset"], "size": m["size"], "type": typed}
        yield from fields(nested, path + ".")


def newest(entries):
    """One entry per name: of several layouts the one of the newest version."""
    chosen = {}
    for e in entries:
        if e["name"] not in chosen or NEWEST in e["versions"]:
            chosen[e["name"]] = e
    return list(chosen.values())


def function(f, exported):
    return {"name": f["name"], "returns": f["return"], "exported": exported,
            "parameters": [p["type"] for p in f["params"]]}


def constants(facts):
    for c in facts["constants"]:
        yield c["name"], c["value_by_version"][NEWEST] if "value_by_version" in c else c["value"]


def raw(facts):
    """What the model has no word for: callback types, opaque handles, macros."""
    for c in facts["callbacks"]:
        if c["name"]:
            signature = f"{c['return']} (*)({', '.join(p['type'] for p in c['params'])})"
            yield f"_Static_assert(_Generic(({c['name']})0, {signature}: 1, default: 0), \"type of {c['name']}\");"
    for h in facts["opaque_handles"]:
        yield f"static inline void use_{h['name']}({h['name']} *p, {h['tag']} *q) {{ p = q; (void)p; }}"
    yield "static inline bool use_ok(ovstream_result_t r) { return OVSTREAM_OK(r); }"
    yield "static inline size_t use_literal(void) { return OVSTREAM_STRING_LITERAL(\"abc\").length; }"
    yield "#ifndef OVSTREAM_DEPRECATED\n#error OVSTREAM_DEPRECATED is missing\n#endif"


def model(facts):
    structs = [{"name": s["name"], "size": s["size"], "align": s["align"], "fields": list(fields(s["fields"]))}
               for s in newest(facts["structs"])]
    enums = [{"name": e["name"], "size": e["size"], "values": e["values"]} for e in facts["enums"]]
    return {
        "headers": ["stdbool.h"] + sorted(facts["header_index"]),
        "structs": structs,
        "enums": enums,
        "constants": dict(constants(facts)),
        "typedefs": [],
        "functions": [function(f, True) for f in facts["functions"]],
        "raw": list(raw(facts)),
    }
