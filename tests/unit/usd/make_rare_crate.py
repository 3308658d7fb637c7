#!/usr/bin/env python3
"""Writes a crate file with values that few exporters write: make_rare_crate.py FILE. As usda, but for the edit of a sample
(make_rare_crate.py FILE bomb: a dictionary that holds itself):

    #usda 1.3
    def "P" (
        prepend ids = [1, -2]
        delete big = [18446744073709551615]
        all = None
        note = (1, "two")
        append notes = [3, "four"]
        table = { int a = 1; string b = "x" }
    )
    {
        int[] e = edit [write 5 to [0]; write [1] to [-1]; prepend 6; insert [2] at [1]; append 5; erase [3]; minsize 4; resize 9 fill 6; maxsize 8]
        int[] dense = [7, 8]
        uniform int old
        double s.spline = { 0: 1; { string n = "first" } }
        timecode b.spline = { post: loop reset(1), 0: 0, 1: 1; post linear, 2: 3; post curve (0, 0, autoEase) }
        int[] t.timeSamples = { 0: [1], 1: edit [append 2] }
    }
    def "R" (references = </P> (offset = 2; customData = { int a = 1; dictionary d = { string s = "deep" } })) {}
"""
import struct
import sys

from make_crate import ARRAY, Crate, T

UNREGISTERED, UNREGISTERED_LISTOP, SPLINE, EDIT = 53, 54, 59, 1 << 60
END = -1 << 63
WRITE, WRITE_REF, INSERT, INSERT_REF, ERASE, MIN_SIZE, MIN_FILL, SIZE, SIZE_FILL, MAX_SIZE = range(10)


def unregistered(c, rep):
    return UNREGISTERED << 48 | c.at(struct.pack('<qQ', 8, rep))


def list_of(c, kind, bits, fmt, values):
    return c.listop(kind, bits, [struct.pack(fmt, v) for v in values])


def edit(c, literals, code, dense=0):
    ops = b''.join(struct.pack('<q%dq' % len(args), op << 56 | 1, *args) for op, *args in code)
    values = c.int_array(literals)
    indices = c.array('Int64', len(ops) // 8, ops) if ops else ARRAY | T['Int64'] << 48
    return T['Int'] << 48 | EDIT | c.at(struct.pack('<QQB', values, indices, dense))


def main(path):
    c = Crate((0, 15, 0))
    tok = lambda t: c.inline('Token', c.tok(t))
    text = lambda t: c.inline('String', c.string(t))
    c.spec('/', 7, primChildren=c.token_vector(['P', 'R']))
    notes = UNREGISTERED_LISTOP << 48 | c.at(struct.pack('<BQ', 64, 2) + b''.join(struct.pack('<qQ', 8, text(t)) for t in ('3', '"four"')))
    table = c.dictionary([('a', c.inline('Int', 1)), ('b', text('x'))])
    c.spec('/P', 6, specifier=c.inline('Specifier', 0), ids=list_of(c, 'IntListOp', 32, '<i', [1, -2]),
           big=list_of(c, 'UInt64ListOp', 8, '<Q', [(1 << 64) - 1]), all=c.rep('Int64ListOp', c.at(b'\1')),
           note=unregistered(c, text('(1, "two")')), notes=unregistered(c, notes), table=unregistered(c, table),
           bad=unregistered(c, text('1)\n)\ndef "Q" {}\n(')), properties=c.token_vector(['e', 'dense', 'old', 's', 'b', 't']))
    code = [(WRITE, 0, 0), (WRITE_REF, 1, -1), (INSERT, 1, 0), (INSERT_REF, 2, 1), (INSERT, 0, END), (ERASE, 3), (WRITE, 9, 0),
            (MIN_SIZE, 4), (SIZE, -1), (SIZE_FILL, 9, 1), (MAX_SIZE, 8)]
    c.spec('/P.e', 1, typeName=tok('int[]'), default=edit(c, [5, 6], code))
    c.spec('/P.dense', 1, typeName=tok('int[]'), default=edit(c, [7, 8], [], dense=1))
    c.spec('/P.old', 1, typeName=tok('int'), variability=c.inline('Variability', 2))
    blob = struct.pack('<BBI', 1, 1 << 3 | 1, 1) + struct.pack('<Bdddddd', 2 << 1, 0, 1, 0, 0, 0, 0)
    knots = struct.pack('<Qd', 1, 0) + c.map_of([('n', text('first'))])
    c.spec('/P.s', 1, typeName=tok('double'), spline=SPLINE << 48 | c.at(struct.pack('<Q', len(blob)) + blob + knots))
    blob = struct.pack('<BBBdI', 3 | 4 << 4, 1 | 5 << 3, 2, 1, 3)
    for interp, time, value, algorithm in ((1, 0, 0, 0), (2, 1, 1, 0), (3, 2, 3, 2 << 4)):
        blob += struct.pack('<BddddddB', interp << 1, time, value, 0, 0, 0, 0, algorithm)
    c.spec('/P.b', 1, typeName=tok('timecode'), spline=SPLINE << 48 | c.at(struct.pack('<Q', len(blob)) + blob + struct.pack('<Q', 0)))
    c.spec('/P.t', 1, typeName=tok('int[]'), timeSamples=c.samples([0, 1], [c.int_array([1]), edit(c, [2], [(INSERT, 0, END)])]))
    deep = c.dictionary([('s', text('deep'))])
    ref = struct.pack('<IIdd', c.string(''), c.path('/P'), 2, 1) + c.map_of([('a', c.inline('Int', 1)), ('d', deep)])
    c.spec('/R', 6, specifier=c.inline('Specifier', 0), references=c.listop('ReferenceListOp', 1 | 2, [ref]))
    with open(path, 'wb') as out:
        out.write(c.finish())


def bomb(path):
    """A dictionary that holds itself, twice."""
    c = Crate((0, 8, 0))
    itself = c.rep('Dictionary', (len(c.data) + 7) // 8 * 8)
    c.dictionary([('a', itself), ('b', itself)])
    c.spec('/', 7, customLayerData=itself)
    with open(path, 'wb') as out:
        out.write(c.finish())


if __name__ == '__main__':
    (bomb if len(sys.argv) > 2 else main)(sys.argv[1])
