// Composing parts of a stage anew after edits: what changed since the last commit, and the memory of the new parts.
#pragma once

#include "stage.h"

// Memory of a part that was composed anew. What lies in it may point to what lies in `outer`.
struct region {
    struct arena arena;
    struct region *outer; // NULL: the stage's own memory
    uint32_t refs;
};

// Of a prim flagged PRIM_EDITED.
struct edit_state {
    struct arena parts;   // its list of opinions, property table, targets
    struct region *below; // what was composed when it was resynced; NULL when it never was
    bool allocated;       // the prim itself is a block of its own
};

struct listener {
    usd_change_fn *fn;
    void *user;
};

struct edits {
    struct hash_map states; // prim -> struct edit_state *
    // Since the last commit.
    struct hash_map pending;       // path -> PEND_*
    struct hash_map pending_props; // path << 32 | name -> whether the property came, went or was declared anew
    bool restack;                  // the root layer stack is another one now
    struct {
        ARRAY_OF(struct listener);
    } listeners;
    struct {
        ARRAY_OF(struct usd_change);
    } changes; // of the last commit
};

enum pend_flags {
    PEND_SPEC   = 1, // the session layer has, or has no longer, a spec for it
    PEND_STRUCT = 2, // it and all below it must be composed anew
    PEND_PROPS  = 4, // its list of properties
    PEND_INFO   = 8, // metadata
};

bool edits_create(struct usd_stage *s); // once; true when s->edits is there
void edits_destroy(struct usd_stage *s);
void pend_prim(struct usd_stage *s, usd_tok path, unsigned flags);
void pend_property(struct usd_stage *s, usd_tok path, usd_tok name, bool anew);

// edit_memory.c
size_t edits_memory(const struct usd_stage *s); // bytes of what was composed anew
struct edit_state *edit_state(const struct usd_stage *s, const struct usd_prim *p); // NULL when it has none
struct edit_state *edit_state_make(struct usd_stage *s, struct usd_prim *p);
struct region *edit_region(const struct usd_stage *s, const struct usd_prim *p); // that of its children; NULL = the stage's memory
struct region *region_create(struct region *outer);
void region_release(struct region *r);
// Gives a prim another list of opinions; its property table is gone.
bool edit_set_refs(struct usd_stage *s, struct usd_prim *p, const struct spec_ref *refs, size_t count);
// All below a prim is about to be composed anew, or to go.
void edit_forget_below(struct usd_stage *s, struct usd_prim *p);
// The prim itself goes. Its place among its siblings was given up already.
void edit_forget(struct usd_stage *s, struct usd_prim *p);
// Everything goes but the pseudo-root.
void edit_forget_all(struct usd_stage *s);

// prim.c: keeps the index of a long list of children right. One thread.
void prim_list_add(struct usd_stage *s, const struct usd_prim *parent, const struct usd_prim *child);
void prim_list_remove(struct usd_stage *s, const struct usd_prim *parent, const struct usd_prim *child);
void prim_list_forget(struct usd_stage *s, const struct usd_prim *parent);
