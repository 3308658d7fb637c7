"""materials.usda: a grid of spheres. Columns: roughness 0.05 to 0.9; rows: metals, plastics, lacquers."""

from . import mesh, usd

BOUND = 'prepend apiSchemas = ["MaterialBindingAPI"]'
ROWS = (
    ("Gold", (1.0, 0.71, 0.29), dict(metallic=1.0)),
    ("Aluminium", (0.91, 0.92, 0.92), dict(metallic=1.0)),
    ("Plastic", (0.72, 0.05, 0.06), dict()),
    ("Lacquer", (0.02, 0.12, 0.34), dict(clearcoat=1.0, clearcoatRoughness=0.03)),
)
SPHERE = 1000  # triangles a renderer makes of one, roughly
ROUGHNESS = (0.05, 0.2, 0.35, 0.5, 0.7, 0.9)


def build():
    w = usd.Writer()
    usd.header(w, "Material grid: roughness from left to right. Written by samples/generate.py.")
    with w.prim("Xform", "World", ['kind = "assembly"']):
        with w.prim("Mesh", "Floor", [BOUND]):
            w.bind("/World/Looks/Floor")
            w.mesh(mesh.plane(3.4, 2.6, 1))
        with w.prim("Xform", "Grid", ['kind = "group"']):
            for j, (row, _, _) in enumerate(ROWS):
                with w.prim("Xform", row, ['kind = "group"']):
                    for i, rough in enumerate(ROUGHNESS):
                        with w.prim("Sphere", f"Rough{int(rough * 100):02d}", [BOUND]):
                            w.bind(f"/World/Looks/{row}{int(rough * 100):02d}")
                            w.triangles += SPHERE
                            w.line("double radius = 0.2")
                            w.line("float3[] extent = [(-0.2, -0.2, -0.2), (0.2, 0.2, 0.2)]")
                            w.translate(-1.25 + 0.5 * i, 0.2, -0.85 + 0.55 * j)
        with w.prim("Scope", "Lights"):
            with w.prim("DomeLight", "Studio"):
                w.line("asset inputs:texture:file = @./textures/studio.hdr@")
                w.line('token inputs:texture:format = "latlong"')
                w.line("float inputs:intensity = 1")
            with w.prim("RectLight", "Key"):
                w.line("float inputs:width = 1.5")
                w.line("float inputs:height = 1.5")
                w.line("float inputs:intensity = 6")
                w.line("double3 xformOp:translate = (-1.8, 2.6, 1.6)")
                w.line("float3 xformOp:rotateXYZ = (-52, -46, 0)")
                w.line('uniform token[] xformOpOrder = ["xformOp:translate", "xformOp:rotateXYZ"]')
        with w.prim("Scope", "Cameras"):
            usd.camera(w, "Front", (0, 1.9, 3.9), (0, 0.12, 0.02), 42)
        with w.prim("Scope", "Looks"):
            usd.surface(w, "/World/Looks", "Floor", diffuseColor=(0.32, 0.32, 0.33), roughness=0.6)
            for row, colour, extra in ROWS:
                for rough in ROUGHNESS:
                    usd.surface(w, "/World/Looks", f"{row}{int(rough * 100):02d}", diffuseColor=colour,
                                roughness=rough, **extra)
    return w.text(), w.triangles
