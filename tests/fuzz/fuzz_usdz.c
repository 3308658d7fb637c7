// Packages. The mutator takes a package apart, changes members, names and structure, and packs it again, so that inputs stay
// packages; one time in four it changes bytes anywhere.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "fuzz_walk.h"
#include "fuzz_zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak)); // libFuzzer has it

#define MAX_MEMBERS 16
struct member {
    char name[64];
    size_t name_size;
    uint8_t *data;
    size_t size, align;
    uint16_t flags, method;
};

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

static size_t take_apart(const uint8_t *data, size_t size, struct member *m)
{
    size_t at = 0, n = 0;
    while (n < MAX_MEMBERS && at + 30 <= size && !memcmp(data + at, "PK\3\4", 4)) {
        const uint8_t *h = data + at;
        size_t bytes     = h[22] | h[23] << 8 | h[24] << 16 | (size_t)h[25] << 24;
        size_t name_size = h[26] | h[27] << 8, from = at + 30 + name_size + (h[28] | h[29] << 8);
        if (from > size || bytes > size - from || name_size > sizeof(m[n].name))
            break;
        m[n] = (struct member) { .name_size = name_size, .size = bytes, .flags = (uint16_t)(h[6] | h[7] << 8),
                                 .method = (uint16_t)(h[8] | h[9] << 8), .align = from % 64 ? 1 : 64 };
        memcpy(m[n].name, h + 30, name_size);
        m[n].data = malloc(bytes + 1);
        if (!m[n].data)
            __builtin_trap();
        memcpy(m[n].data, data + from, bytes);
        n++;
        at = from + bytes;
    }
    return n;
}

static void rename_member(struct member *m, unsigned pick)
{
    static const char *const names[] = { "a.usda", "b.usdc", "c.usd", "in.usdz", "t/0.png", "../a.usda", "/a.usda", "dir/", "a\\b.usda",
                                         "\xc3\xa9.usda", "", "a.usda\0x", "[a.usda]", "x]y.usda", "m.mtlx" };
    const char *name = names[pick % (sizeof(names) / sizeof(names[0]))];
    m->name_size     = strlen(name);
    memcpy(m->name, name, m->name_size);
}

static size_t change(struct member *m, size_t n, unsigned *seed)
{
    size_t i = next(seed) % n, k = next(seed) % n;
    switch (next(seed) % 10) {
    case 0: rename_member(&m[i], next(seed)); break;
    case 1: m[i].name_size = LLVMFuzzerMutate((uint8_t *)m[i].name, m[i].name_size, sizeof(m[i].name)); break;
    case 2: m[i].align = m[i].align == 64 ? 1 + next(seed) % 8 : 64; break;
    case 3: m[i].flags ^= (uint16_t)(1u << next(seed) % 12); break;
    case 4: m[i].method = (uint16_t)(m[i].method ? 0 : 8); break;
    case 5: {
        struct member swap = m[i];
        m[i]               = m[k];
        m[k]               = swap;
        break;
    }
    case 6:
        if (n > 1) {
            free(m[i].data);
            m[i] = m[--n];
        }
        break;
    case 7: { // a package around one of the members, in its place
        struct fuzz_bytes zip = { 0 };
        fuzz_zip_add(&zip, m[k].name, m[k].name_size, m[k].data, m[k].size, 0, 0, 64);
        fuzz_zip_end(&zip, "");
        free(m[i].data);
        m[i].data = zip.items;
        m[i].size = zip.count;
        rename_member(&m[i], 3);
        break;
    }
    default: {
        size_t room  = m[i].size + 256;
        uint8_t *big = realloc(m[i].data, room);
        if (!big)
            __builtin_trap();
        m[i].data = big;
        m[i].size = LLVMFuzzerMutate(big, m[i].size, room);
    }
    }
    return n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    struct member m[MAX_MEMBERS];
    size_t n = next(&seed) % 4 ? take_apart(data, size, m) : 0;
    if (!n)
        return LLVMFuzzerMutate(data, size, max);
    for (unsigned times = 1 + next(&seed) % 3; times--;)
        n = change(m, n, &seed);
    struct fuzz_bytes zip = { 0 };
    for (size_t i = 0; i < n; i++) {
        fuzz_zip_add(&zip, m[i].name, m[i].name_size, m[i].data, m[i].size, m[i].flags, m[i].method, m[i].align);
        free(m[i].data);
    }
    fuzz_zip_end(&zip, next(&seed) % 8 ? "" : "a comment");
    size_t got = zip.count < max ? zip.count : max;
    memcpy(data, zip.items, got);
    array_free(&zip);
    return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct usd_open_options options = { .limits = &fuzz_limits, .threads = 1, .allow_path = fuzz_no_path };
    usd_stage *s;
    struct usd_error err;
    if (usd_stage_open_string(data, size, "/fuzz/p.usdz", "/fuzz", &options, &s, &err) == USD_OK) {
        fuzz_walk(s);
        usd_stage_validate(s);
        void *bytes;
        size_t count;
        static const char *const names[] = { "/fuzz/p.usdz[t/0.png]", "/fuzz/p.usdz[in.usdz[a.usda]]", "/fuzz/p.usdz", "/etc/hostname" };
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            int rc = usd_asset_read(s, names[i], &bytes, &count, &err);
            FUZZ_REQUIRE(rc != USD_OK || i < 3);
            free(bytes);
        }
    }
    usd_stage_close(&s);
    return 0;
}
