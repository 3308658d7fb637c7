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

// In the top level a leaf is an instance record instead, which has a node's size: BVH_INSTANCE and its place,
// counted from the top level's root. Words of a record: the rows of the 3x4 matrix to object space, then:
#define BVH_INSTANCE 0x40000000u
#define BVH_INSTANCE_PLACE 0x3fffffffu
#define BVH_RECORD_NODES 12     // where the mesh's tree starts, in nodes
#define BVH_RECORD_TRIANGLES 13 // where its triangles start, in triangles
#define BVH_RECORD_INDEX 14     // SceneInstance
#define BVH_RECORD_FLAGS 15     // INSTANCE_*

// Entries that a traversal's stack has; a tree so deep that it needs more loses its farthest parts.
#define BVH_STACK 64
#endif
