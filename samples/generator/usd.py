"""A small writer of usda text: nested prims, attributes, meshes, materials."""

import math


def num(x):
    if isinstance(x, int):
        return str(x)
    text = f"{x:.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def vec(v):
    return "(" + ", ".join(num(x) for x in v) + ")"


def array(items):
    return "[" + ", ".join(vec(i) if isinstance(i, tuple) else num(i) for i in items) + "]"


class Writer:
    """Collects lines; `with writer.prim(...)` nests."""

    def __init__(self):
        self.lines, self.depth, self.triangles = [], 0, 0

    def line(self, text=""):
        self.lines.append("    " * self.depth + text if text else "")

    def text(self):
        return "\n".join(self.lines) + "\n"

    def block(self, head):
        """A variant set or a variant: the brace on the same line."""
        return _Block(self, head, None)

    def prim(self, kind, name, metadata=(), specifier="def"):
        return _Block(self, f'{specifier} {kind + " " if kind else ""}"{name}"', metadata)

    def translate(self, *v):
        self.line(f"double3 xformOp:translate = {vec(v)}")
        self.line('uniform token[] xformOpOrder = ["xformOp:translate"]')

    def place(self, translate, rotate=(0, 0, 0), scale=(1, 1, 1)):
        self.line(f"double3 xformOp:translate = {vec(translate)}")
        self.line(f"float3 xformOp:rotateXYZ = {vec(rotate)}")
        self.line(f"float3 xformOp:scale = {vec(scale)}")
        self.line('uniform token[] xformOpOrder = ["xformOp:translate", "xformOp:rotateXYZ", "xformOp:scale"]')

    def bind(self, path):
        self.line(f"rel material:binding = <{path}>")

    def mesh(self, m, double_sided=False):
        """The attributes of a mesh; the caller opens the prim."""
        self.triangles += m.triangles()
        lo = tuple(min(p[a] for p in m.points) for a in range(3))
        hi = tuple(max(p[a] for p in m.points) for a in range(3))
        self.line('uniform token subdivisionScheme = "none"')
        if double_sided:
            self.line("uniform bool doubleSided = 1")
        self.line(f"float3[] extent = [{vec(lo)}, {vec(hi)}]")
        self.line("int[] faceVertexCounts = " + array([len(f) for f in m.faces]))
        self.line("int[] faceVertexIndices = " + array([i for f in m.faces for i in f]))
        self.line("point3f[] points = " + array(m.points))
        self.line("normal3f[] normals = " + array(m.normals) + ' (')
        self.line('    interpolation = "vertex"')
        self.line(")")
        if m.st:
            self.line("texCoord2f[] primvars:st = " + array(m.st) + ' (')
            self.line('    interpolation = "vertex"')
            self.line(")")


class _Block:
    def __init__(self, writer, head, metadata):
        self.w, self.head, self.metadata = writer, head, metadata

    def __enter__(self):
        w = self.w
        if self.metadata is None:
            w.line(self.head + " {")
            w.depth += 1
            return w
        if self.metadata:
            w.line(self.head + " (")
            for item in self.metadata:
                w.line("    " + item)
            w.line(")")
        else:
            w.line(self.head)
        w.line("{")
        w.depth += 1
        return w

    def __exit__(self, *error):
        self.w.depth -= 1
        self.w.line("}")
        self.w.line()


def header(w, doc, up="Y"):
    w.line("#usda 1.0")
    w.line("(")
    w.line('    defaultPrim = "World"')
    w.line(f'    doc = "{doc}"')
    w.line("    metersPerUnit = 1")
    w.line(f'    upAxis = "{up}"')
    w.line(")")
    w.line()


def surface(w, parent, name, texture=None, repeat_st=False, **inputs):
    """A UsdPreviewSurface material. inputs: numbers or colours; `texture` (file) drives diffuseColor."""
    path = f"{parent}/{name}"
    with w.prim("Material", name):
        w.line(f"token outputs:surface.connect = <{path}/Surface.outputs:surface>")
        with w.prim("Shader", "Surface"):
            w.line('uniform token info:id = "UsdPreviewSurface"')
            if texture:
                w.line(f"color3f inputs:diffuseColor.connect = <{path}/Picture.outputs:rgb>")
            for key, value in inputs.items():
                kind = "color3f" if isinstance(value, tuple) else "float"
                w.line(f"{kind} inputs:{key} = {vec(value) if isinstance(value, tuple) else num(value)}")
            w.line("token outputs:surface")
        if texture:
            with w.prim("Shader", "Picture"):
                w.line('uniform token info:id = "UsdUVTexture"')
                w.line(f"asset inputs:file = @{texture}@")
                w.line('token inputs:sourceColorSpace = "sRGB"')
                w.line(f"float2 inputs:st.connect = <{path}/Coordinates.outputs:result>")
                w.line('token inputs:wrapS = "repeat"')
                w.line('token inputs:wrapT = "repeat"')
                w.line("float3 outputs:rgb")
            with w.prim("Shader", "Coordinates"):
                w.line('uniform token info:id = "UsdPrimvarReader_float2"')
                w.line('string inputs:varname = "st"')
                w.line("float2 outputs:result")


def look_at(eye, target, up=(0, 1, 0)):
    """Row-major camera matrix, rows as USD stores them."""
    forward = [t - e for t, e in zip(target, eye)]
    n = math.sqrt(sum(x * x for x in forward))
    f = [x / n for x in forward]
    r = [f[1] * up[2] - f[2] * up[1], f[2] * up[0] - f[0] * up[2], f[0] * up[1] - f[1] * up[0]]
    n = math.sqrt(sum(x * x for x in r))
    r = [x / n for x in r]
    u = [r[1] * f[2] - r[2] * f[1], r[2] * f[0] - r[0] * f[2], r[0] * f[1] - r[1] * f[0]]
    rows = [(*r, 0), (*u, 0), (*[-x for x in f], 0), (*eye, 1)]
    return "( " + ", ".join("(" + ", ".join(f"{x:.6g}" for x in row) + ")" for row in rows) + " )"


def aim(direction):
    """rotateXYZ that turns a light's -Z so that it shines from `direction`."""
    n = math.sqrt(sum(x * x for x in direction))
    x, y, z = (c / n for c in direction)
    return (round(-math.degrees(math.asin(y)), 2), round(math.degrees(math.atan2(x, z)), 2), 0.0)


def camera(w, name, eye, target, focal_length=35.0):
    distance = math.dist(eye, target)
    with w.prim("Camera", name):
        w.line('token projection = "perspective"')
        w.line(f"float focalLength = {num(focal_length)}")
        w.line("float horizontalAperture = 36")
        w.line("float verticalAperture = 20.25")
        w.line(f"float focusDistance = {num(distance)}")
        w.line("float2 clippingRange = (0.05, 500)")
        w.line(f"matrix4d xformOp:transform = {look_at(eye, target)}")
        w.line('uniform token[] xformOpOrder = ["xformOp:transform"]')
