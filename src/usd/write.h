// Text output shared by the writers of layers and of flattened stages.
#pragma once

#include "array.h"
#include "stage.h"

struct out {
    usd_write_fn *write;
    void *user;
    bool failed;
    int indent;
    bool resolve_assets; // print the resolved path where there is one
    struct {
        ARRAY_OF(char);
    } buf;
};

// The whole layer; false when `write` said so or memory is short.
bool layer_write(const struct layer *l, usd_write_fn *write, void *user);

void out_text(struct out *o, const char *s);
void out_format(struct out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
void out_indent(struct out *o);
void out_string(struct out *o, const char *s); // quoted and escaped
void out_asset(struct out *o, const char *s);
void out_value(struct out *o, const struct usd_value *v);
// One line of metadata. false, and nothing written, when the text format has no way to say it.
bool out_metadata(struct out *o, const char *key, const struct usd_value *v);
void out_number(struct out *o, double v, bool single);
bool out_flush(struct out *o);
void out_finish(struct out *o);
