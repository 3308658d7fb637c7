#!/usr/bin/env python3
"""Writes a crate file with splines, an animation block and clip metadata: make_value_crate.py FILE. As usda:

    #usda 1.0
    def "P" (
        clips = { dictionary default = { string primPath = "/Clip"; asset[] assetPaths = [@./a.usda@]
                  double2[] active = [(0, 0)]; double2[] times = [(0, 0), (10, 2)] } }
    )
    {
        double v
        double s.spline = { pre: linear, 0: 1; post linear, 10: 5 & 6 }
        float e.spline = { }
        double b = AnimationBlock
    }
"""
import struct
import sys

from make_crate import Crate

SPLINE, ANIMATION_BLOCK = 59, 60


def main(path):
    c = Crate((0, 13, 0))
    tok = lambda t: c.inline('Token', c.tok(t))
    pairs = lambda *p: c.array('Vec2d', len(p), b''.join(struct.pack('<dd', *x) for x in p))
    info = c.dictionary([('primPath', c.inline('String', c.string('/Clip'))),
                         ('assetPaths', c.array('Asset', 1, struct.pack('<I', c.string('./a.usda')))),
                         ('active', pairs((0, 0))), ('times', pairs((0, 0), (10, 2)))])
    c.spec('/', 7, primChildren=c.token_vector(['P']))
    c.spec('/P', 6, specifier=c.inline('Specifier', 0), clips=c.dictionary([('default', info)]),
           properties=c.token_vector(['v', 's', 'e', 'b']))
    c.spec('/P.v', 1, typeName=tok('double'))
    blob = struct.pack('<BBI', 1 | 1 << 4, 2 | 1 << 3, 2)
    blob += struct.pack('<Bdddddd', 2 << 1, 0, 1, 0, 0, 0, 0)
    blob += struct.pack('<Bddddddd', 1 | 1 << 1, 10, 6, 5, 0, 0, 0, 0)
    c.spec('/P.s', 1, typeName=tok('double'), spline=SPLINE << 48 | c.at(struct.pack('<Q', len(blob)) + blob + struct.pack('<Q', 0)))
    c.spec('/P.e', 1, typeName=tok('float'), spline=SPLINE << 48 | 1 << 62)
    c.spec('/P.b', 1, typeName=tok('double'), default=ANIMATION_BLOCK << 48 | 1 << 62)
    with open(path, 'wb') as out:
        out.write(c.finish())


if __name__ == '__main__':
    main(sys.argv[1])
