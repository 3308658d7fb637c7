// Reads material networks: UsdPreviewSurface with UsdUVTexture, UsdPrimvarReader and UsdTransform2d through
// node graphs; OmniPBR and OmniGlass by their MDL names; the common inputs of MaterialX standard_surface and
// OpenPBR. Nodes that a MaterialX document defines by a graph are followed into that. What is not understood keeps its default and costs one log line.
#pragma once

#include "draw_internal.h"

// A prim of a network: in the stage, in USD, or both.
struct shading_node {
    uint32_t prim; // 0 = not in the stage
    const usd_prim *usd; // NULL = made at run time
    uint32_t source;
    const struct shading_call *call; // inside of which node's graph it is, in that one's stage; NULL = in the source's
};

// Fills desc, and m->primvars with the names that the network reads.
void shading_describe(struct draw *d, const struct shading_node *material, struct render_material_desc *desc, struct material *m);
