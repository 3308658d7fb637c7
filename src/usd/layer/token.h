// Tokens: strings that exist once in the process, so that equal text means equal id and equal address.
// They are never freed. Any thread; reading takes no lock.
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t usd_tok; // 0 is the empty string

usd_tok tok_make(const char *text, size_t size);
usd_tok tok_str(const char *text);
usd_tok tok_find(const char *text, size_t size); // UINT32_MAX when nobody made it yet
void tok_ready(void);                            // the fixed tokens exist from here on; every layer calls it
uint64_t tok_memory(void);                       // bytes of the whole table

struct tok_entry {
    const char *text;
    uint32_t size, hash;
};
#define TOK_CHUNK_BITS 14
extern struct tok_entry *_Atomic tok_chunks[1u << (32 - TOK_CHUNK_BITS)];

static inline const struct tok_entry *tok_entry(usd_tok t)
{
    struct tok_entry *chunk = atomic_load_explicit(&tok_chunks[t >> TOK_CHUNK_BITS], memory_order_acquire);
    return &chunk[t & ((1u << TOK_CHUNK_BITS) - 1)];
}
static inline const char *tok_text(usd_tok t) { return t ? tok_entry(t)->text : ""; }
static inline size_t tok_size(usd_tok t) { return t ? tok_entry(t)->size : 0; }

// The tokens this library itself compares with; created by the first call of any function above.
#define TOK_LIST(X)                                                                                              \
    X(active) X(allowedTokens) X(apiSchemas) X(append) X(add) X(delete) X(prepend) X(reorder) X(assetInfo)       \
    X(bindMaterialAs) X(clips) X(colorSpace) X(comment) X(connectionPaths) X(customData) X(customLayerData)      \
    X(defaultPrim) X(displayName) X(documentation) X(elementSize) X(endTimeCode) X(extent) X(extentsHint)        \
    X(faceVertexCounts) X(faceVertexIndices) X(framesPerSecond) X(hidden) X(inheritPaths) X(instanceable)        \
    X(interpolation) X(invisible) X(kind) X(metersPerUnit) X(payload) X(permission) X(points) X(primOrder)       \
    X(properties) X(propertyOrder) X(purpose) X(references) X(relocates) X(specializes) X(specifier)             \
    X(spline) X(startTimeCode) X(subLayers) X(subLayerOffsets) X(symmetricPeer) X(targetPaths) X(timeCodesPerSecond) \
    X(timeSamples) X(typeName) X(upAxis) X(variability) X(variantSelection) X(variantSetNames) X(variantChildren) \
    X(variantSetChildren) X(primChildren) X(custom) X(visibility) X(xformOpOrder) X(connectionChildren)          \
    X(targetChildren) X(layerRelocates) X(variants) X(variantSets) X(inherits) X(doc) X(clipSets) X(framePrecision) \
    X(kilogramsPerUnit) X(opaque) X(group) X(prefixSubstitutions) X(suffixSubstitutions) X(symmetryFunction) X(displayUnit) X(expressionVariables)
enum {
    T_EMPTY = 0,
#define X(name) T_##name,
    TOK_LIST(X)
#undef X
    T_array_edit, T_array_edit_samples, // array edits as text, in place of a default and of samples: no names of the data model
    T_default, // "default" is a C keyword and cannot go through the list as an identifier elsewhere
    T_FIXED_COUNT
};
