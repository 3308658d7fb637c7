// Path expressions ("/World//*Wheel - /World/Spare"), as collections use them. See path_expression.c.
#pragma once

#include "logic.h"
#include "stage.h"

// One opinion: the text, the path of the prim that has it in its layer, and the way from there to the stage.
struct path_expression_text {
    const char *text;
    const char *anchor; // relative patterns and "%:name" start here
    const struct path_map *map;
};

// What reading one expression needs; how its "%/Prim:name" are looked up.
struct path_expression_reader {
    const usd_prim *owner;
    struct arena *arena; // gets everything; outlives the result
    // The collection `name` of the prim, borrowed; NULL: it has no members here.
    const struct usd_collection *(*collection)(void *user, const usd_prim *owner, const char *name);
    void *user;
    const char *refused; // the first part that is not understood, in the arena: bad syntax (then nothing matches), or an unknown predicate
};

/**
 * Reads an expression.
 *
 * @param texts  Strongest first; weaker ones stand for "%_" in the one before.
 * @return       NULL when it matches nothing.
 */
const struct logic *path_expression_read(struct path_expression_reader *r, const struct path_expression_text *texts, size_t count);
// Whether the text has "%_", and so asks for the next opinion.
bool path_expression_has_weaker(const char *text);

// An absolute path of a prim or property, taken apart once for all patterns.
#define SUBJECT_LEVELS 256
struct path_subject {
    const char *path, *property; // property: behind the dot; NULL for prims
    const usd_prim *prims[SUBJECT_LEVELS]; // below the root, down to the prim
    size_t count;
    bool exists; // on the stage, and no deeper than that
};
void path_subject_init(struct path_subject *s, const usd_stage *stage, const char *path);
bool path_expression_matches(const struct logic *e, const struct path_subject *s);

// collection.c
bool collection_has_subject(const struct usd_collection *c, const struct path_subject *s);
