"""cornell.usda: a closed box with one light, for looking at indirect light. Sizes in metres, our own numbers."""

from . import mesh, usd

BOUND = 'prepend apiSchemas = ["MaterialBindingAPI"]'


def build():
    w = usd.Writer()
    usd.header(w, "A room with a red and a green wall and one lamp. Written by samples/generate.py.")
    walls = (("Floor", (0, 0, 0), (0, 0, 0), "White"), ("Ceiling", (0, 2, 0), (180, 0, 0), "White"),
             ("Back", (0, 1, -1), (90, 0, 0), "White"), ("Left", (-1, 1, 0), (0, 0, -90), "Red"),
             ("Right", (1, 1, 0), (0, 0, 90), "Green"))
    with w.prim("Xform", "World", ['kind = "assembly"']):
        with w.prim("Xform", "Room", ['kind = "group"']):
            for name, place, rotate, material in walls:
                with w.prim("Mesh", name, [BOUND]):
                    w.bind(f"/World/Looks/{material}")
                    w.mesh(mesh.plane(2, 2, 1))
                    w.place(place, rotate)
        with w.prim("Mesh", "TallBlock", [BOUND]):
            w.bind("/World/Looks/White")
            w.mesh(mesh.box(0.58, 1.2, 0.58, 0.01))
            w.place((-0.34, 0, -0.3), (0, 18, 0))
        with w.prim("Mesh", "LowBlock", [BOUND]):
            w.bind("/World/Looks/White")
            w.mesh(mesh.box(0.58, 0.58, 0.58, 0.01))
            w.place((0.36, 0, 0.28), (0, -17, 0))
        with w.prim("Sphere", "Ball", [BOUND]):
            w.bind("/World/Looks/Mirror")
            w.line("double radius = 0.22")
            w.line("float3[] extent = [(-0.22, -0.22, -0.22), (0.22, 0.22, 0.22)]")
            w.translate(0.36, 0.8, 0.28)
        with w.prim("RectLight", "Lamp"):
            w.line("float inputs:width = 0.6")
            w.line("float inputs:height = 0.6")
            w.line("color3f inputs:color = (1, 0.86, 0.68)")
            w.line("float inputs:intensity = 14")
            w.line("double3 xformOp:translate = (0, 1.985, 0)")
            w.line("float3 xformOp:rotateXYZ = (-90, 0, 0)")
            w.line('uniform token[] xformOpOrder = ["xformOp:translate", "xformOp:rotateXYZ"]')
        usd.camera(w, "Camera", (0, 1, 4.1), (0, 1, 0), 31)
        with w.prim("Scope", "Looks"):
            for name, colour in (("White", (0.74, 0.73, 0.71)), ("Red", (0.62, 0.06, 0.05)),
                                 ("Green", (0.12, 0.46, 0.12))):
                usd.surface(w, "/World/Looks", name, diffuseColor=colour, roughness=0.9)
            usd.surface(w, "/World/Looks", "Mirror", diffuseColor=(0.95, 0.95, 0.95), metallic=1.0, roughness=0.03)
    return w.text(), w.triangles
