// The session layer: strongest of the root layer stack, kept in memory, and the only layer that changes. Its tables
// have the form of every layer's, so composition and value resolution read it like any other.
//
// A spec keeps its index as long as it exists. Lists that outgrow their place move and leave room behind, which is
// used again once the edits are committed: until then composed prims may still hold the old indices.
#pragma once

#include "stage.h"

struct session;

int session_create(struct usd_stage *s, const char *anchor); // sets s->session
// The same, with the text that the options of opening give.
int session_open(struct usd_stage *s, const char *anchor, const struct usd_open_options *o, struct usd_error *err);
void session_destroy(struct session **session);
struct layer *session_layer(const struct session *x);
bool session_is_empty(const struct session *x);
void session_set_anchor(struct session *x, const char *anchor);

// Child `name` of a spec, made as `over` where there is none. 0: no memory.
uint32_t session_spec(struct session *x, uint32_t parent, usd_tok name);
// Removes a spec and all below it.
void session_drop_spec(struct session *x, uint32_t spec);

#define SESSION_NONE UINT32_MAX
// Index of a property, SESSION_NONE when there is none.
uint32_t session_find_prop(const struct session *x, uint32_t spec, usd_tok name);
uint32_t session_make_prop(struct session *x, uint32_t spec, usd_tok name, usd_tok type, uint8_t flags);
void session_drop_prop(struct session *x, uint32_t spec, uint32_t prop);

// A spec or a property as owner of fields.
struct session_owner {
    bool is_prop;
    uint32_t index;
};
const struct field *session_get(const struct session *x, struct session_owner o, usd_tok name);
// Stores a field whose value was made by the functions below, and owns it from then on, also when this fails.
bool session_put(struct session *x, struct session_owner o, struct field *f);
bool session_drop(struct session *x, struct session_owner o, usd_tok name);

// After a commit: what was given up may be used again.
void session_settle(struct session *x);
void session_clear(struct session *x);
// Takes over all that a parsed layer says, and the layer with it, in place of what was there.
bool session_take(struct session *x, struct layer *from);

// Values of fields, each in memory of its own. The name of `out` is set already.
bool session_value(struct field *out, const struct usd_value *v); // false: no memory, or no type that can be authored
bool session_names(struct field *out, int type, enum listop_kind kind, const char *const *items, size_t count);
bool session_refs(struct field *out, enum listop_kind kind, const struct arc_ref *items, size_t count);
bool session_selections(struct field *out, const struct field *old, usd_tok set, const char *selection); // NULL removes
bool session_sample(struct field *out, const struct field *old, double time, struct field *value);
void session_free_value(struct field *f);
bool session_same_value(const struct field *a, const struct field *b);
