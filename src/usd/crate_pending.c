#include "crate.h"
#include <string.h>
bool crate_looks_like(const void *data, size_t size) { return size >= 8 && !memcmp(data, "PXR-USDC", 8); }
int crate_load(struct layer *l, const uint8_t *data, size_t size, struct file_bytes *owner,
               const struct usd_limits *limits, struct usd_error *err)
{
    error_set(err, USD_ERR_UNSUPPORTED, l->identifier, "%s: binary crate files are not supported yet", l->identifier);
    return USD_ERR_UNSUPPORTED;
}
void crate_close(struct crate *c) {}
bool crate_value(const struct usd_stage *s, const struct layer *l, const struct field *f, struct usd_value *out) { return false; }
const struct samples *crate_samples(const struct layer *l, const struct field *f) { return NULL; }
