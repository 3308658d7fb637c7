// Any layer format, chosen by its first bytes, and composition of what it holds (internal references, classes,
// variants, instances). The targets of the formats differ only in their corpus.
#include <stddef.h>
#include <stdint.h>

#include "fuzz_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct usd_open_options options = { .limits = &fuzz_limits, .threads = 1, .allow_path = fuzz_no_path };
    usd_stage *s;
    struct usd_error err;
    if (usd_stage_open_string(data, size, "fuzz", "/nonexistent", &options, &s, &err) == USD_OK) {
        usd_stage_validate(s);
        fuzz_walk(s);
        fuzz_flatten(s);
    } else {
        FUZZ_REQUIRE(err.code < 0 && *err.message);
    }
    usd_stage_close(&s);
    fuzz_round_trip(data, size);
    return 0;
}
