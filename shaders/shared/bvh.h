// The bounding volume hierarchies, read by C and by GLSL.
//
// A node has up to four children whose boxes are 8-bit steps from the node's corner, so that a visit
// reads 56 bytes (after Ylitie, Karras and Laine 2017, four children instead of eight). Words of a node:
//   0-2   corner, float
//   3     step exponents of x, y, z in bits 0-7, 8-15, 16-23: step = 2^(e - 127), as float bits e << 23
//   4-6   lower x, y, z of the four children, 8 bits each
//   7-9   upper x, y, z
//   10-13 child references
//   14-15 unused
// Box of child i: corner + step * lower_i to corner + step * upper_i. It is conservative.
#ifndef SHARED_BVH_H
#define SHARED_BVH_H

#define BVH_WIDTH 4
#define BVH_NODE_WORDS 16
#define BVH_TRIANGLE_WORDS 12 // per corner: x, y, z, and in the fourth: triangle index, material slot, 0

// Child references. Inner: index of the node, counted from the tree's root. Leaf: bit 31, primitive count
// less one in bits 27-30, first primitive in bits 0-26, counted from the tree's first.
#define BVH_EMPTY 0xffffffffu
#define BVH_LEAF 0x80000000u
#define BVH_LEAF_COUNT_SHIFT 27
#define BVH_LEAF_FIRST 0x07ffffffu
#define BVH_LEAF_MAX 4

// Entries that a traversal's stack must hold: three per level of depth at most. Builders keep to it.
#define BVH_STACK 64

// One instance in the top level, in SCENE_BIND_BVH_TOP from word `instances` on: rows of the 3x4 matrix to
// object space, then four words. The top level's own nodes come first in that buffer.
#define BVH_INSTANCE_WORDS 16
#define BVH_INSTANCE_NODES 12     // first node of the mesh's tree
#define BVH_INSTANCE_TRIANGLES 13 // first triangle of the mesh's tree
#define BVH_INSTANCE_INDEX 14     // SceneInstance
#define BVH_INSTANCE_FLAGS 15     // INSTANCE_*
#endif
