// The generated stages of the benchmarks. The same arguments make the same stage in every run and in both formats.
#pragma once

#include <stdbool.h>

// `prims` cubes with four attributes each, in groups of 100, and a mesh of `triangles`.
void scene_prims_and_mesh(const char *path, bool crate, int prims, int triangles);
// `count` references to `assets` layers (10 prims and a variant set each) beside `path`.
void scene_references(const char *path, bool crate, int count, int assets);
// `prims` cubes; each tenth has a variant set of its own, and with it an index of its own.
void scene_own_indices(const char *path, bool crate, int prims);
void scene_point_instances(const char *path, bool crate, int count);
