#!/usr/bin/env python3
"""Writes small crate files for the tests: make_crate.py FOLDER. One stage in several versions of the format.

The same stage as usda:

    #usda 1.0
    ( defaultPrim = "W"
      subLayers = [] )
    def Xform "W" ( variants = { string v = "a" } prepend variantSets = "v" ) {
        def Mesh "m" (customData = {int n = 7; dictionary d = {string s = "deep"}}) {
            point3f[] points = [(0,0,0), ... 20 of them, (i, 2i, -i)]
            int[] faceVertexIndices = [0 .. 19]
            float[] widths = [1, 2, 1, 2 ...]          (compressed by table from 0.6.0)
            double x = 0.1; double x.timeSamples = {0: 0, 10: 5, 20: None}
            asset tex = @t.png@; token[] names = ["p", "q"]; matrix4d mat = diagonal(1, 2, 3, 4)
            rel r = </W/k>; float f.connect = </W/m.x>
        }
        def "k" {}
        variantSet "v" = { "a" { def "inside" {} } }
    }
    def "I" (references = </W/m>) {}
"""
import struct
import sys

T = {n: i for i, n in enumerate(
    'Invalid Bool UChar Int UInt Int64 UInt64 Half Float Double String Token Asset Matrix2d Matrix3d Matrix4d Quatd Quatf '
    'Quath Vec2d Vec2f Vec2h Vec2i Vec3d Vec3f Vec3h Vec3i Vec4d Vec4f Vec4h Vec4i Dictionary TokenListOp StringListOp '
    'PathListOp ReferenceListOp IntListOp Int64ListOp UIntListOp UInt64ListOp PathVector TokenVector Specifier Permission '
    'Variability VariantSelectionMap TimeSamples Payload DoubleVector LayerOffsetVector StringVector ValueBlock'.split())}
ARRAY, INLINED, COMPRESSED = 1 << 63, 1 << 62, 1 << 61


def lz4(data):
    """Literals only, wrapped as one chunk."""
    n = len(data)
    head = bytes([min(n, 15) << 4])
    if n >= 15:
        rest = n - 15
        head += b'\xff' * (rest // 255) + bytes([rest % 255])
    return b'\0' + head + data


def ints(values):
    """Integer coding: common delta, two bits per value, deltas."""
    deltas, prev = [], 0
    for v in values:
        d = (v - prev) & 0xffffffff
        deltas.append(d - (1 << 32) if d >> 31 else d)
        prev = v
    common = max(set(deltas), key=deltas.count) if deltas else 0
    codes, tail = bytearray((len(values) * 2 + 7) // 8), b''
    for i, d in enumerate(deltas):
        if d == common:
            continue
        code, fmt = (1, '<b') if -128 <= d < 128 else (2, '<h') if -32768 <= d < 32768 else (3, '<i')
        codes[i // 4] |= code << (i % 4 * 2)
        tail += struct.pack(fmt, d)
    packed = lz4(struct.pack('<i', common) + bytes(codes) + tail)
    return struct.pack('<Q', len(packed)) + packed


class Crate:
    def __init__(self, version):
        self.v = version
        self.data = bytearray(88)
        self.tokens, self.strings, self.fields, self.sets, self.specs = [''], [], [], [], []
        self.paths = ['/']

    def tok(self, t):
        if t not in self.tokens:
            self.tokens.append(t)
        return self.tokens.index(t)

    def string(self, s):
        i = self.tok(s)
        if i not in self.strings:
            self.strings.append(i)
        return self.strings.index(i)

    def path(self, p):
        if p not in self.paths:
            self.paths.append(p)
        return self.paths.index(p)

    def at(self, data):
        while len(self.data) % 8:
            self.data.append(0)
        where = len(self.data)
        self.data += data
        return where

    def rep(self, type_name, payload, flags=0):
        return flags | T[type_name] << 48 | payload

    def inline(self, type_name, payload):
        return self.rep(type_name, payload, INLINED)

    def head(self, n):
        rank = struct.pack('<I', 1) if self.v < (0, 5, 0) else b''
        return rank + struct.pack('<I' if self.v < (0, 7, 0) else '<Q', n)

    def array(self, type_name, n, raw):
        return self.rep(type_name, self.at(self.head(n) + raw), ARRAY)

    def int_array(self, values):
        if self.v < (0, 5, 0) or len(values) < 16:
            return self.array('Int', len(values), struct.pack('<%di' % len(values), *values))
        return self.array('Int', len(values), ints(values)) | COMPRESSED

    def float_array(self, values):
        raw = struct.pack('<%df' % len(values), *values)
        if self.v < (0, 6, 0) or len(values) < 16:
            return self.array('Float', len(values), raw)
        table = sorted(set(values))
        body = b't' + struct.pack('<I%df' % len(table), len(table), *table) + ints([table.index(v) for v in values])
        return self.array('Float', len(values), body) | COMPRESSED

    def token_vector(self, names):
        return self.rep('TokenVector', self.at(struct.pack('<Q%dI' % len(names), len(names), *map(self.tok, names))))

    def listop(self, kind, bits, items):
        return self.rep(kind, self.at(struct.pack('<BQ', bits, len(items)) + b''.join(items)))

    def paths_op(self, *paths):
        return self.listop('PathListOp', 1 | 2, [struct.pack('<I', self.path(p)) for p in paths])

    def samples(self, times, reps):
        t = self.rep('DoubleVector', self.at(struct.pack('<Q%dd' % len(times), len(times), *times)))
        body = struct.pack('<qQqQ', 8, t, 8, len(reps)) + struct.pack('<%dQ' % len(reps), *reps)
        return self.rep('TimeSamples', self.at(body))

    def dictionary(self, entries):
        for name, rep in entries:
            self.string(name)
        return self.rep('Dictionary', self.at(self.map_of(entries)))

    def map_of(self, entries):
        """Each value's representation follows its offset, which would jump over what the value had to write first."""
        body = struct.pack('<Q', len(entries))
        for name, rep in entries:
            body += struct.pack('<IqQ', self.string(name), 8, rep)
        return body

    def spec(self, path, kind, **fields):
        first = len(self.sets)
        for name, rep in fields.items():
            self.fields.append((self.tok(name), rep))
            self.sets.append(len(self.fields) - 1)
        self.sets.append(0xffffffff)
        self.specs.append((self.path(path), first, kind))

    # Paths as a tree: (element, is property, children)
    def tree(self):
        def split(p):
            cut = max(p.rfind('/'), p.rfind('.'), p.rfind('{'))
            if p[cut] == '{':
                return p[:cut], p[cut:], False
            if cut and p[cut - 1] == '}' and p[cut] == '/':
                return p[:cut], p[cut + 1:], False
            return (p[:cut] or '/'), p[cut + 1:], p[cut] == '.'
        kids = {}
        for p in list(self.paths[1:]):
            parent = split(p)[0]
            self.path(parent)
        for p in self.paths[1:]:
            parent, element, prop = split(p)
            kids.setdefault(parent, []).append((p, self.tok(element), prop))
        return kids

    def paths_section(self):
        kids = self.tree()
        if self.v < (0, 4, 0):
            pad = b'\0\0\0\0' if self.v == (0, 0, 1) else b''
            out = bytearray(struct.pack('<Q', len(self.paths)))
            base = self.at(b'')

            def write(p, token, prop, siblings):
                nonlocal out
                children = kids.get(p, [])
                bits = (1 if children else 0) | (2 if siblings else 0) | (4 if prop else 0)
                out += pad + struct.pack('<IIB3x', self.path(p), token, bits)
                hole = None
                if children and siblings:
                    hole = len(out)
                    out += b'\0' * 8
                if children:
                    write(*children[0], children[1:])
                if siblings:
                    if hole is not None:
                        out[hole:hole + 8] = struct.pack('<q', base + len(out))
                    write(*siblings[0], siblings[1:])
            write('/', 0, False, [])
            return bytes(out)
        index, token, jump = [], [], []

        def walk(p, t, prop, siblings):
            me = len(index)
            index.append(self.path(p))
            token.append((-t if prop else t) & 0xffffffff)
            jump.append(0)
            children = kids.get(p, [])
            if children:
                walk(*children[0], children[1:])
            if siblings:
                jump[me] = len(index) - me if children else 0
                walk(*siblings[0], siblings[1:])
            else:
                jump[me] = (-1 if children else -2) & 0xffffffff
        walk('/', 0, False, [])
        return struct.pack('<QQ', len(self.paths), len(index)) + ints(index) + ints(token) + ints(jump)

    def finish(self):
        packed = self.v >= (0, 4, 0)
        pad = b'\0\0\0\0' if self.v == (0, 0, 1) else b''
        sections = []

        def section(name, body):
            sections.append((name, self.at(body), len(body)))
        section('PATHS', self.paths_section())
        text = b''.join(t.encode() + b'\0' for t in self.tokens)
        if packed:
            z = lz4(text)
            section('TOKENS', struct.pack('<QQQ', len(self.tokens), len(text), len(z)) + z)
        else:
            section('TOKENS', struct.pack('<QQ', len(self.tokens), len(text)) + text)
        section('STRINGS', struct.pack('<Q%dI' % len(self.strings), len(self.strings), *self.strings))
        n = len(self.fields)
        if packed:
            z = lz4(struct.pack('<%dQ' % n, *[r for _, r in self.fields]))
            section('FIELDS', struct.pack('<Q', n) + ints([t for t, _ in self.fields]) + struct.pack('<Q', len(z)) + z)
            section('FIELDSETS', struct.pack('<Q', len(self.sets)) + ints(self.sets))
            section('SPECS', struct.pack('<Q', len(self.specs)) + b''.join(ints([s[i] for s in self.specs]) for i in range(3)))
        else:
            section('FIELDS', struct.pack('<Q', n) + b''.join(struct.pack('<4xIQ', t, r) for t, r in self.fields))
            section('FIELDSETS', struct.pack('<Q%dI' % len(self.sets), len(self.sets), *self.sets))
            section('SPECS', struct.pack('<Q', len(self.specs)) + b''.join(pad + struct.pack('<III', *s) for s in self.specs))
        toc = self.at(struct.pack('<Q', len(sections)) + b''.join(struct.pack('<16sqq', s[0].encode(), s[1], s[2]) for s in sections))
        self.data[:24] = b'PXR-USDC' + bytes(self.v) + b'\0' * 5 + struct.pack('<q', toc)
        return bytes(self.data)


def stage(version):
    c = Crate(version)
    tok = lambda t: c.inline('Token', c.tok(t))
    spec = lambda k: c.inline('Specifier', k)
    c.spec('/', 7, defaultPrim=tok('W'), primChildren=c.token_vector(['W', 'I']))
    sel = c.rep('VariantSelectionMap', c.at(struct.pack('<QII', 1, c.string('v'), c.string('a'))))
    names = c.listop('StringListOp', 32, [struct.pack('<I', c.string('v'))]) if version >= (0, 2, 0) else \
        c.listop('StringListOp', 1 | 2, [struct.pack('<I', c.string('v'))])
    c.spec('/W', 6, specifier=spec(0), typeName=tok('Xform'), variantSelection=sel, variantSetNames=names,
           primChildren=c.token_vector(['m', 'k']))
    deep = c.dictionary([('s', c.inline('String', c.string('deep')))])
    data = c.dictionary([('n', c.inline('Int', 7)), ('d', deep)])
    c.spec('/W/m', 6, specifier=spec(0), typeName=tok('Mesh'), customData=data,
           properties=c.token_vector(['points', 'faceVertexIndices', 'widths', 'x', 'tex', 'names', 'mat', 'r', 'f']))
    pts = [x for i in range(20) for x in (i, 2 * i, -i)]
    attr = lambda path, type_name, **f: c.spec(path, 1, typeName=tok(type_name), **f)
    attr('/W/m.points', 'point3f[]', default=c.array('Vec3f', 20, struct.pack('<60f', *pts)))
    attr('/W/m.faceVertexIndices', 'int[]', default=c.int_array(list(range(20))))
    attr('/W/m.widths', 'float[]', default=c.float_array([1 + i % 2 for i in range(20)]))
    half = lambda v: c.inline('Double', struct.unpack('<I', struct.pack('<f', v))[0])
    attr('/W/m.x', 'double', default=c.rep('Double', c.at(struct.pack('<d', 0.1))),
         timeSamples=c.samples([0, 10, 20], [half(0), half(5), c.inline('ValueBlock', 0)]))
    attr('/W/m.tex', 'asset', default=c.inline('Asset', c.tok('t.png')))
    attr('/W/m.names', 'token[]', default=c.array('Token', 2, struct.pack('<II', c.tok('p'), c.tok('q'))))
    attr('/W/m.mat', 'matrix4d', default=c.inline('Matrix4d', 1 | 2 << 8 | 3 << 16 | 4 << 24), custom=c.inline('Bool', 1))
    c.spec('/W/m.r', 8, targetPaths=c.paths_op('/W/k'), variability=c.inline('Variability', 1))
    attr('/W/m.f', 'float', connectionPaths=c.paths_op('/W/m.x'))
    c.spec('/W/k', 6, specifier=spec(0))
    c.spec('/W{v=}', 11)
    c.spec('/W{v=a}', 10, primChildren=c.token_vector(['inside']))
    c.spec('/W{v=a}/inside', 6, specifier=spec(0))
    ref = struct.pack('<IIddQ', c.string(''), c.path('/W/m'), 0.0, 1.0, 0)
    c.spec('/I', 6, specifier=spec(0), references=c.listop('ReferenceListOp', 1 | 2, [ref]))
    return c.finish()


if __name__ == '__main__':
    for v in ((0, 0, 1), (0, 1, 0), (0, 2, 0), (0, 4, 0), (0, 5, 0), (0, 6, 0), (0, 7, 0), (0, 8, 0), (0, 13, 0)):
        with open('%s/v%d_%d_%d.usdc' % ((sys.argv[1],) + v), 'wb') as out:
            out.write(stage(v))
