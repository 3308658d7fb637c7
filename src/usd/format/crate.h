// The binary format. Grammar: OpenUSD's crate file format, versions 0.0.1 to 0.13.0.
#pragma once

#include "layer.h"

struct crate;
struct file_bytes;

bool crate_looks_like(const void *data, size_t size);
// Fills an empty layer. The layer goes on reading `data`: bytes are taken over from `owner` (left empty) on success.
int crate_load(struct layer *l, const uint8_t *data, size_t size, struct file_bytes *owner,
               const struct usd_limits *limits, struct usd_error *err);
void crate_close(struct crate *c);
const struct file_bytes *crate_bytes(const struct crate *c);
uint64_t crate_memory(const struct crate *c); // what it keeps beside the layer's tables; c may be NULL

struct usd_stage;
// Decode a field flagged VF_CRATE. Arrays that lie uncompressed and aligned in the file are used in place.
bool crate_value(const struct usd_stage *s, const struct layer *l, const struct field *f, struct usd_value *out);
const struct samples *crate_samples(const struct layer *l, const struct field *f); // decoded once, kept by the layer
