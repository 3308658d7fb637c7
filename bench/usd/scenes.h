// The generated stages of the benchmarks. The same arguments make the same stage in every run and in both formats.
#pragma once

#include <stdbool.h>

// `prims` cubes with four attributes each, in groups of 100, and a mesh of `triangles`.
void scene_prims_and_mesh(const char *path, bool crate, int prims, int triangles);
// `count` references to `assets` layers beside `path`, with a variant set each and `parts` prims (0: only one).
void scene_references(const char *path, bool crate, int count, int assets, int parts);
// `prims` cubes; each `step`-th has a variant set of its own, and with it a prim index of its own.
void scene_own_indices(const char *path, bool crate, int prims, int step);
void scene_point_instances(const char *path, bool crate, int count);
// A crate of `arrays` point clouds with `points` each, for offsets beyond 32 bits.
void scene_huge(const char *path, int arrays, int points);
