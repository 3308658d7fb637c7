// Text output shared by the writers of layers and of flattened stages.
#pragma once

#include "array.h"
#include "stage.h"
#include "usda.h"

struct out {
    usd_write_fn *write;
    void *user;
    bool failed;
    int indent;
    const char *pending; // written before what comes next
    int version; // minor version of the format that what was written needs
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
// A bracket around what is written until out_close(); neither is written when nothing is. False: nothing was.
void out_open(struct out *o, const char *text);
bool out_close(struct out *o, const char *text);
int text_version(const struct layer *l); // the minor version of the format that has all that the layer says
void out_string(struct out *o, const char *s); // quoted and escaped
void out_asset(struct out *o, const char *s);
void out_value(struct out *o, const struct usd_value *v);
void out_element(struct out *o, const struct usd_value *v, size_t i); // of an array
// One line of metadata of what `where` says (ON_*). Nothing, when the text format has no way to say it.
bool text_has_metadata(const char *key, unsigned where, const struct usd_value *v); // will out_metadata() write anything?
void out_metadata(struct out *o, const char *key, unsigned where, const struct usd_value *v);

// write_rules.c: can it be written so that it reads back?
bool text_is_utf8(const char *s);
bool text_is_name(const char *s);
bool text_is_property_name(const char *s);
bool text_is_field_name(const char *s);
bool text_is_prim_type(const char *s);
bool text_is_value_type(const char *s); // "float3[]", also of a type this library does not know
bool text_is_variant(const char *s);
bool text_is_path(const char *path, enum path_use use);
bool text_is_asset(const char *s);
bool text_fits(const char *declared, const struct usd_value *v); // is the value of the declared type?
bool text_metadata_fits(const char *key, unsigned where, int type, bool is_array);
void out_number(struct out *o, double v, bool single);
bool out_flush(struct out *o);
void out_finish(struct out *o);
