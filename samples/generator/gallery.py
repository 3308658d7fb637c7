"""gallery.usda: a small sunlit courtyard. Steps with metal spheres, a golden knot, glazed pots, a pool and a tree."""

import math
import random

from . import mesh, usd

BOUND = 'prepend apiSchemas = ["MaterialBindingAPI"]'
LOOKS = "/World/Looks"

# What the colour theme changes: material -> diffuse colour. Everything else is fixed.
THEMES = {
    "coral": {"Plaster": (0.80, 0.36, 0.27), "PlasterPale": (0.86, 0.60, 0.48), "Stone": (0.78, 0.70, 0.62),
              "Glaze": (0.02, 0.30, 0.33), "Water": (0.02, 0.22, 0.25)},
    "riviera": {"Plaster": (0.82, 0.80, 0.76), "PlasterPale": (0.20, 0.36, 0.62), "Stone": (0.80, 0.76, 0.70),
                "Glaze": (0.75, 0.26, 0.06), "Water": (0.02, 0.17, 0.34)},
    "olive": {"Plaster": (0.44, 0.44, 0.27), "PlasterPale": (0.77, 0.66, 0.45), "Stone": (0.70, 0.66, 0.58),
              "Glaze": (0.45, 0.07, 0.06), "Water": (0.05, 0.20, 0.16)},
}


def parts(w):
    """Prototypes that the courtyard references, most of them as instances."""
    with w.prim("", "_Parts", specifier="class"):
        with w.prim("Xform", "Step"):
            with w.prim("Mesh", "Block"):
                w.mesh(mesh.box(0.86, 0.19, 0.46, 0.018))
        with w.prim("Xform", "Pot"):
            with w.prim("Mesh", "Body"):
                w.mesh(mesh.lathe(pot_profile(), 40))
            with w.prim("Mesh", "Soil", [BOUND]):
                w.bind("/_Parts/Pot/Earth")
                w.mesh(mesh.lathe([(0.262, 0.47), (0.0, 0.485)], 24))
            usd.surface(w, "/_Parts/Pot", "Earth", diffuseColor=(0.11, 0.07, 0.05), roughness=0.95)
        with w.prim("Xform", "Lantern"):
            with w.prim("Mesh", "Globe", [BOUND]):
                w.bind("/_Parts/Lantern/Looks/Paper")
                w.mesh(mesh.sphere(2))
                w.place((0, 0, 0), scale=(0.15, 0.15, 0.15))
            with w.prim("Mesh", "Cap", [BOUND]):
                w.bind("/_Parts/Lantern/Looks/Brass")
                w.mesh(mesh.lathe([(0.07, 0.13), (0.07, 0.15), (0.07, 0.15), (0.014, 0.175), (0.008, 0.2),
                                   (0.008, 0.2), (0.008, 0.9)], 20))
            with w.prim("Scope", "Looks"):
                usd.surface(w, "/_Parts/Lantern/Looks", "Paper", diffuseColor=(0.9, 0.82, 0.7),
                            emissiveColor=(3.4, 2.0, 0.85), roughness=0.6)
                usd.surface(w, "/_Parts/Lantern/Looks", "Brass", diffuseColor=(0.88, 0.62, 0.28), metallic=1.0,
                            roughness=0.3)
        with w.prim("Mesh", "Knot"):
            def knot(t):
                a = 2 * math.pi * t
                r = 0.36 + 0.14 * math.cos(3 * a)
                return r * math.cos(2 * a), 0.2 * math.sin(3 * a) * 1.15, r * math.sin(2 * a)
            w.mesh(mesh.tube(knot, 0.082, 180, 16))
        with w.prim("Mesh", "Ring"):
            def ring(t):
                a = 2 * math.pi * t
                return 0.42 * math.cos(a), 0.42 * math.sin(a), 0.0
            w.mesh(mesh.tube(ring, 0.055, 72, 14))
        with w.prim("Mesh", "Pebble"):
            w.mesh(mesh.sphere(1))
        with w.prim("Mesh", "SmallBall"):
            w.mesh(mesh.sphere(2))
        with w.prim("Mesh", "Ball"):
            w.mesh(mesh.sphere(3))
        with w.prim("Mesh", "Leaf"):
            w.mesh(mesh.leaf(), double_sided=True)


def pot_profile():
    outside = [(0.0, 0.0), (0.17, 0.0), (0.17, 0.0), (0.20, 0.02), (0.26, 0.16), (0.30, 0.34), (0.305, 0.44),
               (0.30, 0.50), (0.29, 0.515), (0.27, 0.505), (0.262, 0.46), (0.258, 0.40)]
    return outside


def instance(w, kind, name, part, place, material=None, extra=()):
    metadata = ["instanceable = true", f"prepend references = </_Parts/{part}>", *extra]
    if material:
        metadata.append(BOUND)
    with w.prim(kind, name, metadata):
        if material:
            w.bind(f"{LOOKS}/{material}")
        w.place(*place)


def court(w):
    with w.prim("Xform", "Court", ['kind = "group"']):
        with w.prim("Mesh", "Base", [BOUND]):
            w.bind(f"{LOOKS}/Stone")
            w.mesh(mesh.box(6.0, 0.34, 6.0, 0.05))
            w.translate(0, -0.345, 0)
        with w.prim("Mesh", "Floor", [BOUND]):
            w.bind(f"{LOOKS}/Terrazzo")
            w.mesh(mesh.plane(5.84, 5.84, 0.5))
        with w.prim("Mesh", "WallNorth", [BOUND]):
            w.bind(f"{LOOKS}/Plaster")
            w.mesh(mesh.wall(5.6, 2.9, 0.34, [(1.75, 0.46, 0.0, 1.5), (3.1, 0.46, 0.0, 1.5), (4.45, 0.46, 0.0, 1.5)]))
            w.translate(-2.8, 0, -2.8)
        with w.prim("Mesh", "WallWest", [BOUND]):
            w.bind(f"{LOOKS}/PlasterPale")
            w.mesh(mesh.wall(5.26, 2.35, 0.3, [(1.7, 0.62, 1.42, -1)], 40))
            w.place((-2.8, 0, 2.8), (0, 90, 0))
        with w.prim("Xform", "Stairs", ['kind = "group"']):
            for i in range(6):
                for j in range(i + 1):
                    instance(w, "Xform", f"Step{i + 1}_{j + 1}", "Step",
                             ((-2.05, 0.19 * j, 0.42 - 0.46 * i), (0, 0, 0), (1, 1, 1)), "PlasterPale")
        with w.prim("Xform", "Pool", ['kind = "group"']):
            for name, size, place in (("South", (3.0, 0.16, 0.16), (1.1, 0, 2.42)),
                                      ("North", (3.0, 0.16, 0.16), (1.1, 0, 1.14)),
                                      ("East", (0.16, 0.16, 1.12), (2.52, 0, 1.78)),
                                      ("West", (0.16, 0.16, 1.12), (-0.32, 0, 1.78))):
                with w.prim("Mesh", "Rim" + name, [BOUND]):
                    w.bind(f"{LOOKS}/Stone")
                    w.mesh(mesh.box(*size, 0.03))
                    w.translate(*place)
            with w.prim("Mesh", "Water", [BOUND]):
                w.bind(f"{LOOKS}/Water")
                w.mesh(mesh.plane(2.7, 1.14, 1))
                w.translate(1.1, 0.11, 1.78)
            ball(w, "FloatA", 0.17, (0.45, 0.19, 1.95), "Coral")
            ball(w, "FloatB", 0.11, (0.86, 0.16, 1.62), "Pearl")


def sculpture(w):
    forms = {
        "knot": lambda: part(w, "Form", "Knot", ((0, 1.24, 0), (68, 0, 18), (1, 1, 1)), "Gold"),
        "rings": lambda: [part(w, f"Ring{i + 1}", "Ring", ((0, 1.12 + 0.1 * i, 0), (20 + 55 * i, 60 * i, 0),
                                                           (1 - 0.24 * i,) * 3), m)
                          for i, m in enumerate(("Gold", "Chrome", "Copper"))],
        "pearl": lambda: part(w, "Form", "Pebble", ((0, 1.14, 0), (0, 0, 0), (0.5, 0.5, 0.5)), "Chrome", sphere=True),
    }
    with w.prim("Xform", "Sculpture", ['kind = "component"', "variants = {", '    string form = "knot"', "}",
                                       'prepend variantSets = "form"']):
        w.translate(0.45, 0, -0.75)
        with w.prim("Mesh", "Plinth", [BOUND]):
            w.bind(f"{LOOKS}/Stone")
            w.mesh(mesh.lathe([(0.66, 0.0), (0.66, 0.1), (0.64, 0.12), (0.64, 0.12), (0.5, 0.12), (0.5, 0.12),
                               (0.5, 0.6), (0.495, 0.615), (0.48, 0.62), (0.48, 0.62), (0.0, 0.62)], 64))
        with w.block('variantSet "form" ='):
            for name, build in forms.items():
                with w.block(f'"{name}"'):
                    build()


BALLS = {"SmallBall": 320, "Ball": 1280}  # triangles


def ball(w, name, radius, place, material, source="Ball"):
    part(w, name, source, (place, (0, 0, 0), (radius,) * 3), material)
    w.triangles += BALLS[source]


def part(w, name, source, place, material, sphere=False):
    if sphere:
        with w.prim("Sphere", name, [BOUND]):
            w.bind(f"{LOOKS}/{material}")
            w.line("double radius = 1")
            w.place(*place)
        return
    with w.prim("Mesh", name, [f"prepend references = </_Parts/{source}>", BOUND]):
        w.bind(f"{LOOKS}/{material}")
        w.place(*place)


def still_life(w):
    with w.prim("Xform", "StillLife", ['kind = "group"']):
        sweep = ("Chrome", "Steel", "Gold", "Copper", "Iron")
        for i, material in enumerate(sweep):
            ball(w, f"{material}Sphere", 0.15, (-1.87 - 0.36 * (i % 2), 0.19 * (i + 1) + 0.15, 0.42 - 0.46 * i), material)
        with w.prim("Mesh", "Vase", ['kind = "component"', BOUND]):
            w.bind(f"{LOOKS}/Glaze")
            profile = [(0.0, 0.0), (0.12, 0.0), (0.12, 0.0), (0.15, 0.02)]
            profile += [(0.15 + 0.13 * math.sin(math.pi * min(1, t * 1.12)) ** 1.4 - 0.065 * t, 0.02 + 0.72 * t)
                        for t in (i / 16 for i in range(1, 17))]
            profile += [(0.088, 0.78), (0.115, 0.83), (0.12, 0.845), (0.108, 0.845), (0.082, 0.79), (0.07, 0.7)]
            w.mesh(mesh.lathe(profile, 56))
            w.translate(1.5, 0.42, 0.28)
        for name, size, place, material in (("PlinthTall", (0.62, 0.42, 0.62), (1.5, 0, 0.28), "PlasterPale"),
                                            ("PlinthLow", (0.52, 0.2, 0.52), (2.12, 0, 0.42), "Wood")):
            with w.prim("Mesh", name, [BOUND]):
                w.bind(f"{LOOKS}/{material}")
                w.mesh(mesh.box(*size, 0.02))
                w.translate(*place)
        with w.prim("Mesh", "Bowl", ['kind = "component"', BOUND]):
            w.bind(f"{LOOKS}/Porcelain")
            w.mesh(mesh.lathe([(0.0, 0.0), (0.08, 0.0), (0.08, 0.0), (0.09, 0.015), (0.17, 0.07), (0.215, 0.15),
                               (0.22, 0.17), (0.212, 0.172), (0.16, 0.085), (0.08, 0.04), (0.0, 0.03)], 48))
            w.translate(2.12, 0.2, 0.42)
        for i, (x, z, r, m) in enumerate(((2.08, 0.40, 0.075, "Coral"), (2.2, 0.46, 0.062, "Lemon"),
                                          (2.12, 0.52, 0.055, "Glaze"))):
            ball(w, f"Fruit{i + 1}", r, (x, 0.27 + r, z), m, "SmallBall")


def instancer(w, name, prototypes, items):
    """items: (prototype index, position, quaternion (w, x, y, z), scale)."""
    with w.prim("PointInstancer", name):
        w.line("int[] protoIndices = " + usd.array([i[0] for i in items]))
        w.line("point3f[] positions = " + usd.array([i[1] for i in items]))
        w.line("quath[] orientations = " + usd.array([i[2] for i in items]))
        w.line("float3[] scales = " + usd.array([i[3] for i in items]))
        w.line("rel prototypes = [" + ", ".join(f"<{p}>" for p in prototypes) + "]")
        yield w


def turn(axis, degrees):
    a = math.radians(degrees) / 2
    return (math.cos(a), *(math.sin(a) * x for x in axis))


def multiply(p, q):
    return (p[0] * q[0] - p[1] * q[1] - p[2] * q[2] - p[3] * q[3],
            p[0] * q[1] + p[1] * q[0] + p[2] * q[3] - p[3] * q[2],
            p[0] * q[2] - p[1] * q[3] + p[2] * q[0] + p[3] * q[1],
            p[0] * q[3] + p[1] * q[2] - p[2] * q[1] + p[3] * q[0])


def scatter(w, parent, name, part_name, materials, items):
    """A PointInstancer whose prototypes are the same part in several materials."""
    path = f"{parent}/{name}"
    protos = [f"{path}/Prototypes/{m}" for m in materials]
    for _ in instancer(w, name, protos, items):
        with w.prim("Scope", "Prototypes"):
            for m in materials:
                with w.prim("Mesh", m, [f"prepend references = </_Parts/{part_name}>", BOUND]):
                    w.bind(f"{LOOKS}/{m}")


def agave(count, size, seed):
    random.seed(seed)
    items = []
    for i in range(count):
        t = i / (count - 1)  # 0 outermost
        around = turn((0, 1, 0), i * 137.508)
        up = turn((1, 0, 0), -(4 + 62 * t))
        s = size * (1.0 - 0.45 * t) * random.uniform(0.92, 1.08)
        items.append((i % 2, (0, 0.02 * t, 0), multiply(around, up), (s, s, s)))
    return items


def crown(count, radius, seed):
    """Leaf balls on a ball: golden-angle spiral, slightly jittered."""
    random.seed(seed)
    items = []
    for i in range(count):
        y = 1 - 2 * (i + 0.5) / count
        ring = math.sqrt(1 - y * y)
        a = i * 2.399963
        r = radius * random.uniform(0.86, 1.04)
        s = radius * random.uniform(0.13, 0.2)
        items.append((random.randrange(3), (r * ring * math.cos(a), r * y, r * ring * math.sin(a)),
                      turn((0, 1, 0), random.uniform(0, 360)), (s, s * 0.8, s)))
    return items


def pebbles(count, seed):
    random.seed(seed)
    items = []
    while len(items) < count:
        a, r = random.uniform(0, 2 * math.pi), 0.56 + 0.62 * math.sqrt(random.random())
        s = random.uniform(0.022, 0.06)
        x, z = r * math.cos(a), r * math.sin(a)
        if r < 0.7 + s:
            continue
        items.append((random.randrange(3), (x, s * 0.5, z), turn((0, 1, 0), random.uniform(0, 360)),
                      (s * 1.3, s * 0.66, s)))
    return items


def garden(w):
    with w.prim("Xform", "Garden", ['kind = "group"']):
        with w.prim("Xform", "Tree", ['kind = "component"']):
            w.translate(2.1, 0, -1.75)
            instance(w, "Xform", "Pot", "Pot", ((0, 0, 0), (0, 0, 0), (1.25, 1.1, 1.25)), "Glaze")
            with w.prim("Mesh", "Trunk", [BOUND]):
                w.bind(f"{LOOKS}/Wood")
                w.mesh(mesh.lathe([(0.052, 0.5), (0.04, 0.7), (0.036, 1.0), (0.034, 1.5)], 14))
            with w.prim("Xform", "Crown"):
                w.translate(0, 1.72, 0)
                ball(w, "Core", 0.44, (0, 0, 0), "LeafDark", "SmallBall")
                scatter(w, "/World/Garden/Tree/Crown", "Leaves", "Pebble", ("LeafLight", "LeafMid", "LeafDark"),
                        crown(240, 0.5, 3))
                w.triangles += 240 * 80
        for name, place, size, seed in (("AgaveSouth", (-1.35, 0, 2.1), 0.62, 5), ("AgaveEast", (2.42, 0, -0.55), 0.5, 9)):
            with w.prim("Xform", name, ['kind = "component"']):
                w.translate(*place)
                instance(w, "Xform", "Pot", "Pot", ((0, 0, 0), (0, 0, 0), (size * 1.5,) * 3), "Terracotta")
                with w.prim("Xform", "Plant"):
                    w.translate(0, 0.5 * size * 1.5, 0)
                    scatter(w, f"/World/Garden/{name}/Plant", "Leaves", "Leaf", ("LeafBlue", "LeafMid"),
                            agave(34, size, seed))
                    w.triangles += 34 * 32
        with w.prim("Xform", "Gravel"):
            w.translate(0.45, 0, -0.75)
            scatter(w, "/World/Garden/Gravel", "Pebbles", "Pebble", ("Stone", "Porcelain", "Iron"), pebbles(130, 21))
            w.triangles += 130 * 80


def lanterns(w):
    with w.prim("Xform", "Lanterns", ['kind = "group"']):
        for i, x in enumerate((-1.05, 0.3, 1.65)):
            instance(w, "Xform", f"Lantern{i + 1}", "Lantern", ((x, 1.24, -2.63), (0, 0, 0), (1, 0.78, 1)))


def lights(w):
    with w.prim("Scope", "Lights"):
        with w.prim("DomeLight", "Sky"):  # the variant gives Sky, Sun and Canopy their strength
            w.line("asset inputs:texture:file = @./textures/sky.hdr@")
            w.line('token inputs:texture:format = "latlong"')
        with w.prim("DistantLight", "Sun"):
            w.line("float inputs:angle = 1.2")
            w.place((0, 0, 0), usd.aim((-0.70, 0.62, 0.38)))
        with w.prim("RectLight", "Canopy"):  # faces down, so that no view from above sees it
            w.line("float inputs:width = 2.6")
            w.line("float inputs:height = 2.6")
            w.line("color3f inputs:color = (1, 0.72, 0.46)")
            w.place((0.3, 4.7, 0.2), (-90, 0, 0))
        with w.prim("DistantLight", "Rim"):
            w.line("float inputs:angle = 8")
            w.line("color3f inputs:color = (0.62, 0.78, 1)")
            w.line("float inputs:intensity = 40")
            w.place((0, 0, 0), usd.aim((0.35, 0.5, -0.8)))


def looks(w):
    themed = THEMES["coral"]
    finish = {"Plaster": dict(roughness=0.85), "PlasterPale": dict(roughness=0.8), "Stone": dict(roughness=0.55),
              "Glaze": dict(roughness=0.32, clearcoat=1.0, clearcoatRoughness=0.04),
              "Water": dict(roughness=0.03, ior=1.33)}
    with w.prim("Scope", "Looks"):
        for name in themed:  # colours come from the variant
            usd.surface(w, LOOKS, name, **finish[name])
        usd.surface(w, LOOKS, "Terrazzo", "./textures/terrazzo.png", roughness=0.28)
        usd.surface(w, LOOKS, "Wood", None, diffuseColor=(0.36, 0.2, 0.11), roughness=0.5)
        usd.surface(w, LOOKS, "Terracotta", diffuseColor=(0.62, 0.25, 0.14), roughness=0.75)
        usd.surface(w, LOOKS, "Porcelain", diffuseColor=(0.86, 0.85, 0.82), roughness=0.22, clearcoat=0.6,
                    clearcoatRoughness=0.05)
        for name, colour, rough in (("Chrome", (0.92, 0.93, 0.94), 0.03), ("Steel", (0.62, 0.63, 0.65), 0.16),
                                    ("Gold", (1.0, 0.71, 0.27), 0.17), ("Copper", (0.95, 0.52, 0.36), 0.34),
                                    ("Iron", (0.34, 0.33, 0.33), 0.55)):
            usd.surface(w, LOOKS, name, diffuseColor=colour, metallic=1.0, roughness=rough)
        for name, colour, rough in (("Coral", (0.88, 0.22, 0.14), 0.3), ("Lemon", (0.93, 0.68, 0.1), 0.34),
                                    ("Pearl", (0.9, 0.88, 0.84), 0.18)):
            usd.surface(w, LOOKS, name, diffuseColor=colour, roughness=rough, clearcoat=0.5,
                        clearcoatRoughness=0.08)
        for name, colour in (("LeafLight", (0.30, 0.42, 0.12)), ("LeafMid", (0.16, 0.31, 0.12)),
                             ("LeafDark", (0.07, 0.18, 0.09)), ("LeafBlue", (0.27, 0.42, 0.33))):
            usd.surface(w, LOOKS, name, diffuseColor=colour, roughness=0.45)


def variants(w):
    with w.block('variantSet "theme" ='):
        for name, colours in THEMES.items():
            with w.block(f'"{name}"'):
                with w.prim("", "Looks", specifier="over"):
                    for material, colour in colours.items():
                        with w.prim("", material, specifier="over"):
                            with w.prim("", "Surface", specifier="over"):
                                w.line(f"color3f inputs:diffuseColor = {usd.vec(colour)}")
    with w.block('variantSet "time" ='):
        for name, sky, tint, sun, sun_tint, window in (("afternoon", 0.72, (1, 1, 1), 11500, (1, 0.82, 0.60), 1.6),
                                                       ("noon", 1.0, (0.95, 0.98, 1), 9500, (1, 0.96, 0.9), 1),
                                                       ("dusk", 0.2, (0.55, 0.62, 1), 350, (1, 0.5, 0.3), 4.5)):
            with w.block(f'"{name}"'):
                with w.prim("", "Lights", specifier="over"):
                    with w.prim("", "Sky", specifier="over"):
                        w.line(f"color3f inputs:color = {usd.vec(tint)}")
                        w.line(f"float inputs:intensity = {usd.num(sky)}")
                    with w.prim("", "Sun", specifier="over"):
                        w.line(f"color3f inputs:color = {usd.vec(sun_tint)}")
                        w.line(f"float inputs:intensity = {usd.num(sun)}")
                    with w.prim("", "Canopy", specifier="over"):
                        w.line(f"float inputs:intensity = {usd.num(window)}")


def build():
    w = usd.Writer()
    usd.header(w, "Courtyard: a small still life under an afternoon sky. Written by samples/generate.py.")
    with w.prim("Xform", "World", ['kind = "assembly"', "variants = {", '    string theme = "coral"',
                                   '    string time = "afternoon"', "}",
                                   'prepend variantSets = ["theme", "time"]']):
        # Variants name Looks and Lights, which would put them first.
        w.line('reorder nameChildren = ["Court", "Sculpture", "StillLife", "Garden", "Lanterns", "Lights", "Cameras"]')
        court(w)
        sculpture(w)
        still_life(w)
        garden(w)
        lanterns(w)
        lights(w)
        with w.prim("Scope", "Cameras"):
            usd.camera(w, "Hero", (6.4, 3.75, 8.7), (0.05, 0.74, -0.1), 42)
            usd.camera(w, "Detail", (-0.5, 1.62, 2.9), (0.62, 0.92, -0.5), 38)
            usd.camera(w, "Steps", (0.6, 1.6, 2.6), (-1.95, 0.85, -0.5), 42)
        looks(w)
        variants(w)
    parts(w)
    return w.text(), w.triangles
