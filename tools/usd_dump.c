// The comparison dump: the same bytes for the same composed stage, whoever wrote it and wherever it lies.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "command.h"
#include "usd.h"

#define SHOWN_WHOLE 8 // elements of an array that is printed whole
#define SHOWN_FIRST 4 // of a longer one, before its hash

// Text under construction; one array element or one value at a time.
struct text {
    ARRAY_OF(char);
};

static void put(struct text *t, const char *s, size_t n) { (void)array_append(t, s, n); }
static void puts_(struct text *t, const char *s) { put(t, s, strlen(s)); }

static void put_number(struct text *t, double v, int digits)
{
    char b[40];
    if (isnan(v))
        puts_(t, "nan");
    else if (isinf(v))
        puts_(t, v < 0 ? "-inf" : "inf");
    else
        put(t, b, (size_t)snprintf(b, sizeof(b), "%.*g", digits, v == 0 ? 0.0 : v));
}

static void put_string(struct text *t, const char *s)
{
    puts_(t, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        char b[8];
        if (c == '"' || c == '\\')
            put(t, "\\", 1);
        if (c < 32 || c == 127)
            put(t, b, (size_t)snprintf(b, sizeof(b), "\\x%02X", c));
        else
            put(t, s, 1);
    }
    puts_(t, "\"");
}

static void put_asset(struct text *t, const char *s)
{
    puts_(t, "@");
    for (; *s; s++) {
        if (*s == '@')
            put(t, "\\", 1);
        put(t, s, 1);
    }
    puts_(t, "@");
}

static void put_component(struct text *t, enum usd_type type, const void *data, size_t i)
{
    char b[32];
    switch (type) {
    case USD_TYPE_INT64: put(t, b, (size_t)snprintf(b, sizeof(b), "%lld", (long long)((const int64_t *)data)[i])); break;
    case USD_TYPE_UINT64: put(t, b, (size_t)snprintf(b, sizeof(b), "%llu", (unsigned long long)((const uint64_t *)data)[i])); break;
    case USD_TYPE_INT: put(t, b, (size_t)snprintf(b, sizeof(b), "%d", ((const int32_t *)data)[i])); break;
    case USD_TYPE_UINT: put(t, b, (size_t)snprintf(b, sizeof(b), "%u", ((const uint32_t *)data)[i])); break;
    case USD_TYPE_BOOL: puts_(t, ((const uint8_t *)data)[i] ? "1" : "0"); break;
    case USD_TYPE_UCHAR: put(t, b, (size_t)snprintf(b, sizeof(b), "%u", ((const uint8_t *)data)[i])); break;
    case USD_TYPE_HALF: put_number(t, usd_half_to_float(((const uint16_t *)data)[i]), 9); break;
    case USD_TYPE_FLOAT: put_number(t, ((const float *)data)[i], 9); break;
    default: put_number(t, ((const double *)data)[i], 17);
    }
}

static void put_tuple(struct text *t, const struct usd_value *v, size_t i)
{
    int n               = usd_type_components(v->type), row = n;
    enum usd_type c     = usd_type_component(v->type);
    bool quat           = v->type == USD_TYPE_QUATH || v->type == USD_TYPE_QUATF || v->type == USD_TYPE_QUATD;
    bool matrix         = v->type == USD_TYPE_MATRIX2D || v->type == USD_TYPE_MATRIX3D || v->type == USD_TYPE_MATRIX4D;
    if (matrix)
        row = n == 4 ? 2 : n == 9 ? 3 : 4;
    puts_(t, matrix ? "((" : "(");
    for (int k = 0; k < n; k++) {
        if (k)
            puts_(t, k % row ? "," : "),(");
        put_component(t, c, v->data, i * (size_t)n + (size_t)(quat ? (k + 3) % 4 : k)); // the real part comes first
    }
    puts_(t, matrix ? "))" : ")");
}

static void put_value(struct text *t, const struct usd_value *v, bool in_dictionary);

static void put_element(struct text *t, const struct usd_value *v, size_t i, bool in_dictionary)
{
    switch (v->type) {
    case USD_TYPE_STRING:
    case USD_TYPE_TOKEN: put_string(t, ((const char *const *)v->data)[i]); break;
    case USD_TYPE_PATH:
        puts_(t, "<");
        puts_(t, ((const char *const *)v->data)[i]);
        puts_(t, ">");
        break;
    case USD_TYPE_ASSET:
        if (in_dictionary && !v->is_array)
            puts_(t, "@*@"); // writers resolve them differently
        else
            put_asset(t, ((const struct usd_asset *)v->data)[i].authored);
        break;
    default:
        if (usd_type_components(v->type) > 1)
            put_tuple(t, v, i);
        else
            put_component(t, v->type, v->data, i);
    }
}

static void put_array(struct text *t, const struct usd_value *v, bool in_dictionary)
{
    puts_(t, "[");
    size_t shown = v->count > SHOWN_WHOLE ? SHOWN_FIRST : v->count;
    for (size_t i = 0; i < shown; i++) {
        if (i)
            puts_(t, ",");
        put_element(t, v, i, in_dictionary);
    }
    if (shown == v->count) {
        puts_(t, "]");
        return;
    }
    uint64_t hash  = 14695981039346656037u; // FNV-1a over every element's text and one comma
    struct text el = { 0 };
    for (size_t i = 0; i < v->count; i++) {
        array_clear(&el);
        put_element(&el, v, i, in_dictionary);
        puts_(&el, ",");
        for (size_t k = 0; k < el.count; k++)
            hash = (hash ^ (unsigned char)el.items[k]) * 1099511628211u;
    }
    array_free(&el);
    char b[80];
    put(t, b, (size_t)snprintf(b, sizeof(b), ",...] n=%zu fnv1a64=%016llx", v->count, (unsigned long long)hash));
}

static void put_value(struct text *t, const struct usd_value *v, bool in_dictionary)
{
    if (v->type == USD_TYPE_NONE || v->type == USD_TYPE_BLOCK) {
        puts_(t, "None");
    } else if (v->type == USD_TYPE_DICTIONARY) {
        const struct usd_dict_entry *e = v->data;
        puts_(t, "{");
        for (size_t i = 0; i < v->count; i++) {
            if (i)
                puts_(t, "; ");
            put_string(t, e[i].key);
            puts_(t, ": ");
            put_value(t, &e[i].value, true);
        }
        puts_(t, "}");
    } else if (v->is_array) {
        put_array(t, v, in_dictionary);
    } else {
        put_element(t, v, 0, in_dictionary);
    }
}

void usd_dump_value(FILE *out, const struct usd_value *v)
{
    struct text t = { 0 };
    put_value(&t, v, false);
    if (t.count)
        fwrite(t.items, 1, t.count, out);
    array_free(&t);
}

static void print_line(FILE *out, const char *before, struct usd_value *v)
{
    fputs(before, out);
    usd_dump_value(out, v);
    fputc('\n', out);
}

// Every line of it behind a '#'.
// Why a file cannot be opened, without its name: a dump is the same on every machine.
static void print_reason(const struct usd_error *err)
{
    size_t n         = strlen(err->file);
    const char *text = err->message + (n && !strncmp(err->message, err->file, n) ? n + 1 : 0);
    fputs("# ", stdout);
    for (; *text; text++)
        fputs(*text == '\n' ? "\n# " : (char[2]) { *text, 0 }, stdout);
    putchar('\n');
}

static int compare_diagnostics(const void *a, const void *b)
{
    const struct usd_diagnostic *x = *(const struct usd_diagnostic *const *)a, *y = *(const struct usd_diagnostic *const *)b;
    int r = strcmp(x->path, y->path);
    return r ? r : strcmp(x->rule, y->rule);
}

// What and where; `validate` has the words, in which file names stand.
static void print_diagnostics(const usd_stage *s)
{
    static const char *const severities[] = { [USD_INFO] = "note", [USD_WARNING] = "warning", [USD_ERROR] = "error" };
    size_t n = usd_stage_diagnostic_count(s);
    const struct usd_diagnostic **sorted = malloc((n + 1) * sizeof(*sorted));
    for (size_t i = 0; sorted && i < n; i++)
        sorted[i] = usd_stage_diagnostic(s, i);
    if (sorted && n)
        qsort(sorted, n, sizeof(*sorted), compare_diagnostics);
    for (size_t i = 0; sorted && i < n; i++)
        printf("# diag %s %s <%s>\n", severities[sorted[i]->severity], sorted[i]->rule, sorted[i]->path);
    free(sorted);
}

// ---------------------------------------------------------------------------------------------------------------

static bool is_shown(const usd_prim *p) { return usd_prim_is_active(p) && usd_prim_specifier(p) != USD_OVER; }

static const usd_prim *next_shown(const usd_prim *p, const usd_prim *root)
{
    p = usd_prim_next(p, root, false);
    while (p && !is_shown(p))
        p = usd_prim_next(p, root, true);
    return p;
}

// What is said of the whole stage in every prim's block.
struct moments {
    double world[3]; // first, middle and last sample of all transforms
    size_t world_count;
    double clip[10]; // where values are asked for in a stage with value clips
    size_t clip_count;
};

static void print_at(FILE *out, const char *kind, const usd_property *q, double time)
{
    struct usd_value v;
    char before[64];
    snprintf(before, sizeof(before), "    %s %.17g = ", kind, time == 0 ? 0.0 : time);
    usd_attr_get(q, time, &v);
    print_line(out, before, &v);
    usd_value_finish(&v);
}

// At every knot, half way between two, and one before and after all.
static void dump_spline(FILE *out, const usd_property *q)
{
    if (!usd_attr_has_spline(q))
        return;
    size_t n      = usd_attr_spline_knots(q, NULL, 0);
    double *times = malloc((n + 1) * sizeof(*times));
    n             = times ? usd_attr_spline_knots(q, times, n) : 0;
    fprintf(out, "    spline knots=%zu\n", n);
    if (n)
        print_at(out, "splineAt", q, times[0] - 1);
    for (size_t i = 0; i < n; i++) {
        print_at(out, "splineAt", q, times[i]);
        print_at(out, "splineAt", q, i + 1 < n ? (times[i] + times[i + 1]) / 2 : times[i] + 1);
    }
    free(times);
}

static void dump_attribute(FILE *out, const usd_property *q, const struct moments *at)
{
    fprintf(out, "  attr %s : %s%s%s\n", usd_property_name(q), usd_property_type_name(q), usd_property_is_uniform(q) ? " uniform" : "",
            usd_property_is_custom(q) ? " custom" : "");
    struct usd_value v;
    static const char *const keys[] = { "interpolation", "colorSpace" };
    for (int i = 0; i < 2; i++) {
        if (usd_property_metadata(q, keys[i], &v) && (v.type == USD_TYPE_TOKEN || v.type == USD_TYPE_STRING) && !v.is_array)
            fprintf(out, "    %s %s\n", keys[i], *(const char *const *)v.data);
        usd_value_finish(&v);
    }
    if (usd_attr_get(q, USD_TIME_DEFAULT, &v))
        print_line(out, "    default = ", &v);
    usd_value_finish(&v);
    size_t n      = usd_attr_sample_count(q);
    double *times = malloc((n + 1) * sizeof(*times));
    n             = times ? usd_attr_sample_times(q, times, n) : 0;
    for (size_t i = 0; i < n; i++)
        print_at(out, "sample", q, times[i]);
    bool is_array;
    usd_property_type(q, &is_array);
    if (n >= 2 && !is_array)
        print_at(out, "interp", q, 0.75 * times[0] + 0.25 * times[1]);
    free(times);
    dump_spline(out, q);
    for (size_t i = 0; i < at->clip_count; i++)
        print_at(out, "clipAt", q, at->clip[i]);
    size_t connections = usd_attr_connection_count(q);
    if (connections) {
        fputs("    connect", out);
        for (size_t i = 0; i < connections; i++)
            fprintf(out, " <%s>", usd_attr_connection(q, i));
        fputc('\n', out);
    }
}

static int by_name(const void *a, const void *b)
{
    const usd_property *x = *(const usd_property *const *)a, *y = *(const usd_property *const *)b;
    int attr = usd_property_is_relationship(x) - usd_property_is_relationship(y);
    return attr ? attr : strcmp(usd_property_name(x), usd_property_name(y));
}

static void dump_properties(FILE *out, const usd_prim *p, const struct moments *at)
{
    size_t n                  = usd_prim_property_count(p);
    const usd_property **list = malloc((n + 1) * sizeof(*list));
    for (size_t i = 0; list && i < n; i++)
        list[i] = usd_prim_property(p, i);
    if (list && n)
        qsort(list, n, sizeof(*list), by_name);
    for (size_t i = 0; list && i < n; i++) {
        if (!usd_property_is_relationship(list[i])) {
            dump_attribute(out, list[i], at);
            continue;
        }
        fprintf(out, "  rel %s ->", usd_property_name(list[i]));
        for (size_t k = 0; k < usd_rel_target_count(list[i]); k++)
            fprintf(out, " <%s>", usd_rel_target(list[i], k));
        fputc('\n', out);
    }
    free(list);
}

struct world_text {
    char text[1024];
};

static struct world_text world_text(const double m[16])
{
    struct world_text w;
    size_t n = 0;
    for (int i = 0; i < 16; i++) {
        double v = fabs(m[i]) < 1e-9 ? 0.0 : m[i];
        n += (size_t)snprintf(w.text + n, sizeof(w.text) - n, "%s%.9g", !i ? "((" : i % 4 ? "," : "),(", v);
    }
    snprintf(w.text + n, sizeof(w.text) - n, "))");
    return w;
}

static bool is_identity(const double m[16])
{
    for (int i = 0; i < 16; i++)
        if (!(fabs(m[i] - (i % 5 == 0)) <= 1e-12))
            return false;
    return true;
}

static void dump_world(FILE *out, const usd_prim *p, const struct moments *at)
{
    double m[16];
    usd_prim_world_matrix(p, USD_TIME_DEFAULT, m);
    struct world_text last = world_text(m);
    if (usd_prim_find_property(p, "xformOpOrder") || !is_identity(m))
        fprintf(out, "  world = %s\n", last.text);
    for (size_t i = 0; i < at->world_count; i++) {
        usd_prim_world_matrix(p, at->world[i], m);
        struct world_text now = world_text(m);
        if (strcmp(now.text, last.text))
            fprintf(out, "  world %.17g = %s\n", at->world[i] == 0 ? 0.0 : at->world[i], now.text);
        last = now;
    }
}

static void dump_prim(FILE *out, const usd_prim *p, const struct moments *at)
{
    static const char *const specifiers[] = { "def", "over", "class" };
    fprintf(out, "prim %s\n  specifier %s\n", usd_prim_path(p), specifiers[usd_prim_specifier(p)]);
    if (*usd_prim_type_name(p))
        fprintf(out, "  type %s\n", usd_prim_type_name(p));
    if (usd_prim_is_instanceable(p))
        fputs("  instanceable 1\n", out);
    struct usd_value v;
    double hidden = 0;
    if (usd_prim_metadata(p, "hidden", &v) && usd_value_doubles(&v, 0, &hidden, 1) && hidden != 0)
        fputs("  hidden 1\n", out);
    usd_value_finish(&v);
    if (*usd_prim_kind(p))
        fprintf(out, "  kind %s\n", usd_prim_kind(p));
    size_t n = usd_prim_api_schema_count(p);
    if (n) {
        fputs("  apiSchemas", out);
        for (size_t i = 0; i < n; i++)
            fprintf(out, " %s", usd_prim_api_schema(p, i));
        fputc('\n', out);
    }
    static const char *const keys[] = { "displayName", "customData", "assetInfo" };
    for (int i = 0; i < 3; i++) {
        char before[32];
        snprintf(before, sizeof(before), "  meta %s = ", keys[i]);
        if (usd_prim_metadata(p, keys[i], &v))
            print_line(out, before, &v);
        usd_value_finish(&v);
    }
    for (size_t i = 0; i < usd_prim_variant_set_count(p); i++) {
        fprintf(out, "  variantSet %s = \"%s\" of", usd_prim_variant_set(p, i), usd_prim_variant_selection(p, i));
        for (size_t k = 0; k < usd_prim_variant_count(p, i); k++)
            fprintf(out, " %s", usd_prim_variant(p, i, k));
        fputc('\n', out);
    }
    dump_properties(out, p, at);
    dump_world(out, p, at);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

// First, middle and last of all sample times of transforms. Returns how many.
static size_t transform_times(const usd_stage *s, double out[3])
{
    struct {
        ARRAY_OF(double);
    } all                = { 0 };
    const usd_prim *root = usd_stage_pseudo_root(s);
    for (const usd_prim *p = next_shown(root, root); p; p = next_shown(p, root))
        for (size_t i = 0; i < usd_prim_property_count(p); i++) {
            const usd_property *q = usd_prim_property(p, i);
            if (strncmp(usd_property_name(q), "xformOp:", 8))
                continue;
            size_t n = usd_attr_sample_count(q);
            if (!n || !array_reserve(&all, all.count + n))
                continue;
            usd_attr_sample_times(q, all.items + all.count, n);
            all.count += n;
        }
    size_t n = 0;
    if (all.count)
        qsort(all.items, all.count, sizeof(double), by_value);
    for (size_t i = 0; i < all.count; i++)
        if (!n || all.items[i] != all.items[n - 1])
            all.items[n++] = all.items[i];
    size_t kept = 0;
    if (n) {
        const double pick[3] = { all.items[0], all.items[n / 2], all.items[n - 1] };
        for (int i = 0; i < 3; i++)
            if (!kept || pick[i] != out[kept - 1])
                out[kept++] = pick[i];
    }
    array_free(&all);
    return kept;
}

// The stage's range in eighths and one frame before it, when some prim has clips.
static size_t clip_times(const usd_stage *s, double out[10])
{
    bool any             = false;
    const usd_prim *root = usd_stage_pseudo_root(s);
    for (const usd_prim *p = next_shown(root, root); p && !any; p = next_shown(p, root)) {
        struct usd_value v;
        any = usd_prim_metadata(p, "clips", &v);
        usd_value_finish(&v);
    }
    double range[2]                   = { 0, 20 };
    static const char *const names[2] = { "startTimeCode", "endTimeCode" };
    for (int i = 0; i < 2; i++) {
        struct usd_value v;
        if (usd_stage_metadata(s, names[i], &v))
            usd_value_doubles(&v, 0, &range[i], 1);
        usd_value_finish(&v);
    }
    out[0] = range[0] - 1;
    for (int k = 0; k <= 8; k++)
        out[k + 1] = range[0] + (range[1] - range[0]) * k / 8;
    return any ? 10 : 0;
}

int usd_dump_command(const char *path, const struct usd_open_options *options)
{
    static char buffer[1 << 16];
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    puts("usddump 1");
    usd_stage *s;
    struct usd_error err;
    if (usd_stage_open(path, options, &s, &err) != USD_OK) {
        puts("invalid");
        print_reason(&err);
        fflush(stdout);
        return EXIT_OK;
    }
    static const char *const fields[] = { "defaultPrim", "upAxis", "metersPerUnit", "kilogramsPerUnit", "timeCodesPerSecond",
                                          "framesPerSecond", "startTimeCode", "endTimeCode", "customLayerData" };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct usd_value v;
        if (usd_stage_metadata(s, fields[i], &v)) {
            printf("stage %s = ", fields[i]);
            print_line(stdout, "", &v);
        }
        usd_value_finish(&v);
    }
    printf("# layers %zu\n", usd_stage_layer_count(s));
    print_diagnostics(s);
    const usd_prim *root = usd_stage_pseudo_root(s);
    struct moments at;
    at.world_count = transform_times(s, at.world);
    at.clip_count  = clip_times(s, at.clip);
    size_t count   = 0;
    for (const usd_prim *p = next_shown(root, root); p; p = next_shown(p, root))
        count++;
    printf("prims %zu\n", count);
    for (const usd_prim *p = next_shown(root, root); p; p = next_shown(p, root))
        dump_prim(stdout, p, &at);
    usd_stage_close(&s);
    return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}
