/*
 * libstageusd: reads USD scenes (usda, usdc, usdz, usd by content), composes them and answers questions about them.
 *
 * Words are USD's own: stage, layer, prim, property, opinion, primvar. A stage is composed once when it is opened and
 * is then read-only; every function that takes a `const` stage, prim or property may be called from any number of
 * threads at once. Prims and properties are addresses inside the stage: they stay valid until usd_stage_close() (or
 * until an edit function says otherwise). Strings handed out are NUL-terminated UTF-8 and live as long as the stage
 * at least. NULL is accepted wherever a prim or a property is expected and answers "nothing".
 */
#ifndef STAGEUSD_H
#define STAGEUSD_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define USD_API __attribute__((visibility("default")))
#else
#define USD_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct usd_stage usd_stage;
typedef struct usd_prim usd_prim;
typedef struct usd_property usd_property;

/* ------------------------------------------------------------------------------------------------------------------
 * Errors and diagnostics
 */

enum usd_status {
    USD_OK              = 0,
    USD_ERR_NOMEM       = -1,
    USD_ERR_INVALID     = -2, /* a caller's argument makes no sense */
    USD_ERR_IO          = -3, /* file missing or unreadable */
    USD_ERR_SYNTAX      = -4, /* text that does not follow the grammar; line and column are set */
    USD_ERR_FORMAT      = -5, /* binary file that is damaged or not USD; offset is set */
    USD_ERR_LIMIT       = -6, /* a named limit was met (struct usd_limits) */
    USD_ERR_UNSUPPORTED = -7, /* the message names the feature */
    USD_ERR_REFUSED     = -8, /* allow_path said no */
    USD_ERR_NOT_FOUND   = -9,
};

/** What went wrong. Filled on failure only. */
struct usd_error {
    int code;              /* enum usd_status */
    char message[512];     /* "file:line:column: what", for text with the source line and a caret line below it */
    char file[512];        /* identifier of the layer concerned, "" when there is none */
    uint32_t line, column; /* from 1; 0 when unknown */
    uint64_t offset;       /* bytes from the start of the file */
};

enum usd_severity { USD_INFO, USD_WARNING, USD_ERROR };

/** Something that did not stop the stage from opening: a missing reference, a cycle, an unknown feature ... */
struct usd_diagnostic {
    enum usd_severity severity;
    int code;            /* enum usd_status */
    const char *message; /* complete sentence part, with arc and site where they matter */
    const char *layer;   /* identifier of the layer that has the opinion, or "" */
    const char *path;    /* prim or property path, or "" */
    const char *rule;    /* "composition", or the name of what usd_stage_validate checked: "missing-asset" */
    const char *hint;    /* what to do about it, or "" */
};

/* ------------------------------------------------------------------------------------------------------------------
 * Opening
 */

/** Limits against hostile files. 0 = the default named in parentheses. */
struct usd_limits {
    uint64_t max_file_bytes;     /* one layer or asset (16 GiB) */
    uint64_t max_layer_bytes;    /* memory for one parsed layer (16 GiB) */
    uint64_t max_array_elements; /* one array value (2^31 - 1) */
    uint32_t max_nesting;        /* prims, dictionaries, brackets (512) */
    uint32_t max_layers;         /* layers of one stage (100000) */
    uint32_t max_arc_depth;      /* references within references within ... (128) */
    uint64_t max_prims;          /* composed prims of one stage (100 million) */
    uint32_t max_inflate_ratio;  /* bytes out of one byte of a block, or of a whole binary layer (300) */
    uint32_t max_prim_sites;     /* sites that contribute to one prim (4096; more has no effect) */
    uint32_t max_clips;          /* clips of one clip set (100000) */
    uint32_t max_name_bytes;     /* one identifier of a text layer (65535) */
    uint32_t max_path_bytes;     /* one path (1 MiB) */
    uint32_t max_diagnostics;    /* kept per stage (10000) */
    uint64_t max_compose_steps;  /* of following arcs, and 20,000 for each spec in the layers (500 million) */
};

/** Selects a variant more strongly than any layer does. */
struct usd_variant_choice {
    const char *prim_path, *variant_set, *selection;
};

/** What to select in variant sets of a name where no layer selects anything: the first that such a set has. */
struct usd_variant_fallback {
    const char *variant_set;
    const char *const *selections; /* in order of preference */
    size_t selection_count;
};

/**
 * Which payloads are loaded. The rule of a prim is its own or that of the nearest ancestor that has one; without any,
 * all are loaded. Prims that lead to a loaded one have their own payloads loaded whatever their rule says.
 */
enum usd_load {
    USD_LOAD_ALL,  /* of the prim and all below it */
    USD_LOAD_ONLY, /* of the prim, not of what is below it */
    USD_LOAD_NONE,
};
struct usd_load_rule {
    const char *path; /* of a prim; "/" for the whole stage */
    enum usd_load what;
};

struct usd_open_options {
    bool skip_payloads; /* true: payload arcs are not followed; the same as the rule USD_LOAD_NONE for "/" */
    const struct usd_variant_choice *variants;
    size_t variant_count;
    const char *const *search_paths; /* folders for assets that are neither absolute nor found beside their layer */
    size_t search_path_count;
    /* Asked with every absolute file path before it is opened. false refuses it (USD_ERR_REFUSED). May be called from
     * several threads at once. NULL allows everything. */
    bool (*allow_path)(const char *absolute_path, void *user);
    void *user;
    const struct usd_limits *limits; /* NULL = defaults */
    int threads;                     /* 0 = one per core */
    const struct usd_variant_fallback *variant_fallbacks; /* none by default, as in OpenUSD without plugins */
    size_t variant_fallback_count;
    const char *session;        /* usda text that the session layer begins with; NULL = empty */
    size_t session_size;        /* bytes */
    const char *session_anchor; /* folder where its relative asset paths start; NULL = that of the root layer */
    const struct usd_load_rule *load_rules;
    size_t load_rule_count;
};

/**
 * Open a file as the root layer of a new stage and compose everything below it.
 *
 * A missing or broken sublayer, reference or payload is a diagnostic, not a failure; only a root layer that cannot be
 * read fails the call.
 *
 * @param path     File name, or "package.usdz[inner.usd]".
 * @param options  NULL for defaults. Copied.
 * @param out      Receives the stage; set to NULL on failure.
 * @param err      May be NULL.
 * @return         USD_OK or a negative enum usd_status.
 */
USD_API int usd_stage_open(const char *path, const struct usd_open_options *options, usd_stage **out,
                           struct usd_error *err);

/**
 * The same for a layer in memory (usda, crate or usdz bytes; white space before "#usda" is accepted). The bytes are
 * copied. Layers and assets of a package find each other inside of it; its path is the identifier, with ".usdz" at its
 * end where that is missing.
 *
 * @param identifier  Name for messages; NULL = "anonymous".
 * @param anchor_dir  Folder against which relative asset paths of the layer resolve; NULL = working directory.
 */
USD_API int usd_stage_open_string(const void *data, size_t size, const char *identifier, const char *anchor_dir,
                                  const struct usd_open_options *options, usd_stage **out, struct usd_error *err);

/** Frees the stage and all that was handed out from it. NULL is fine; *stage is left NULL. */
USD_API void usd_stage_close(usd_stage **stage);

USD_API size_t usd_stage_diagnostic_count(const usd_stage *stage);
USD_API const struct usd_diagnostic *usd_stage_diagnostic(const usd_stage *stage, size_t i); /* NULL past the end */

/** Every layer that takes part, root first. Absolute path, package path or given identifier; NULL past the end. */
USD_API size_t usd_stage_layer_count(const usd_stage *stage);
USD_API const char *usd_stage_layer(const usd_stage *stage, size_t i);

/** What the stage holds and what opening it cost. */
struct usd_stage_stats {
    uint64_t prims;             /* composed, instances counted once, prototypes included */
    uint64_t prims_expanded;    /* with every instance expanded */
    uint64_t instances, prototypes, layers, prim_specs, property_specs;
    uint64_t text_bytes, crate_bytes; /* of layer files */
    uint64_t layer_memory, stage_memory; /* bytes */
    double parse_seconds, compose_seconds; /* sum over the layers, several of which are read at once; wall time */
    uint64_t prim_indices; /* prims that author arcs and so have an index of their own */
    /* Parts of layer_memory: tables of specs and fields; values that were decoded when the layer was read (large arrays of
     * crates stay in the file). name_memory: names and paths of the whole process, which are never freed. */
    uint64_t table_memory, value_memory, name_memory;
};
USD_API void usd_stage_stats(const usd_stage *stage, struct usd_stage_stats *out);

/* ------------------------------------------------------------------------------------------------------------------
 * Values
 */

enum usd_type {
    USD_TYPE_NONE = 0, /* no value */
    USD_TYPE_BLOCK,    /* authored None: the value is blocked */
    USD_TYPE_BOOL,     /* uint8_t 0 or 1 */
    USD_TYPE_UCHAR,    /* uint8_t */
    USD_TYPE_INT,      /* int32_t */
    USD_TYPE_UINT,     /* uint32_t */
    USD_TYPE_INT64,
    USD_TYPE_UINT64,
    USD_TYPE_HALF,     /* uint16_t, IEEE 754 binary16 bits; usd_half_to_float() */
    USD_TYPE_FLOAT,
    USD_TYPE_DOUBLE,
    USD_TYPE_TIMECODE, /* double */
    USD_TYPE_STRING,   /* const char * */
    USD_TYPE_TOKEN,    /* const char * */
    USD_TYPE_ASSET,    /* struct usd_asset */
    USD_TYPE_INT2, USD_TYPE_INT3, USD_TYPE_INT4,
    USD_TYPE_HALF2, USD_TYPE_HALF3, USD_TYPE_HALF4,
    USD_TYPE_FLOAT2, USD_TYPE_FLOAT3, USD_TYPE_FLOAT4,
    USD_TYPE_DOUBLE2, USD_TYPE_DOUBLE3, USD_TYPE_DOUBLE4,
    USD_TYPE_QUATH, USD_TYPE_QUATF, USD_TYPE_QUATD, /* imaginary i, j, k first, then real */
    USD_TYPE_MATRIX2D, USD_TYPE_MATRIX3D, USD_TYPE_MATRIX4D, /* doubles, row-major, row vectors: p' = p * M */
    USD_TYPE_DICTIONARY, /* struct usd_dict_entry, `count` of them, sorted by key; is_array is false */
    USD_TYPE_PATH,       /* const char * */
    USD_TYPE_COUNT
};

struct usd_asset {
    const char *authored; /* as in the file, without the @ */
    const char *resolved; /* absolute path or package path; "" when nothing was found */
};

/**
 * One value. `data` points at `count` tightly packed elements (count 1 for a scalar) in the layout that enum usd_type
 * states. It borrows from the stage where possible; call usd_value_finish() in every case. A scalar may live inside
 * the struct itself, so the struct must not be copied while in use.
 */
struct usd_value {
    enum usd_type type;
    bool is_array;
    bool is_expression; /* private: a string that is a pathExpression, in a dictionary */
    size_t count;
    const void *data;
    void *owned;        /* private */
    double storage[16]; /* private */
};

struct usd_dict_entry {
    const char *key;
    struct usd_value value; /* borrowed, never finished on its own */
};

USD_API void usd_value_finish(struct usd_value *value); /* leaves USD_TYPE_NONE; finishing twice is fine */
USD_API size_t usd_type_size(enum usd_type type);       /* bytes of one element; 0 for NONE, BLOCK and DICTIONARY */
USD_API int usd_type_components(enum usd_type type);    /* 3 for FLOAT3, 16 for MATRIX4D, 1 for scalars, else 0 */
USD_API enum usd_type usd_type_component(enum usd_type type); /* FLOAT for FLOAT3; the type itself for scalars */
USD_API const char *usd_type_name(enum usd_type type);  /* "float3" */
/** Type of a declared type name such as "point3f[]"; USD_TYPE_NONE when it is unknown. */
USD_API enum usd_type usd_type_from_name(const char *type_name, bool *is_array);
USD_API float usd_half_to_float(uint16_t bits);

/**
 * Element `i` of a numeric value converted to `components` doubles (missing ones are left alone). Handles every
 * numeric, vector, quaternion and matrix type and bool. false when the type is not numeric or i is past the end.
 */
USD_API bool usd_value_doubles(const struct usd_value *value, size_t i, double *out, int components);
/** Entry of a dictionary; a key may be a path "a:b:c" into nested dictionaries. NULL when absent. */
USD_API const struct usd_value *usd_dict_find(const struct usd_value *dict, const char *key);

/* ------------------------------------------------------------------------------------------------------------------
 * Stage
 */

#define USD_TIME_DEFAULT NAN /* asks for the default value, not for a time sample */

USD_API const usd_prim *usd_stage_pseudo_root(const usd_stage *stage);
/** Prim at an absolute path ("/World/Mesh"), instance proxies included; NULL when there is none. Not for properties. */
USD_API const usd_prim *usd_stage_find(const usd_stage *stage, const char *path);
/** Property at an absolute path ("/World/Mesh.points"). */
USD_API const usd_property *usd_stage_find_property(const usd_stage *stage, const char *path);
USD_API const usd_prim *usd_stage_default_prim(const usd_stage *stage); /* NULL when unset or missing */
/** Metadata authored in the root layer: "customLayerData", "startTimeCode", ... false when not authored. */
USD_API bool usd_stage_metadata(const usd_stage *stage, const char *key, struct usd_value *out);

/* With USD's fallbacks where nothing is authored. */
USD_API const char *usd_stage_up_axis(const usd_stage *stage);             /* "Y" */
USD_API double usd_stage_meters_per_unit(const usd_stage *stage);          /* 0.01 */
USD_API double usd_stage_time_codes_per_second(const usd_stage *stage);    /* framesPerSecond, else 24 */
USD_API double usd_stage_frames_per_second(const usd_stage *stage);        /* 24 */
USD_API bool usd_stage_time_range(const usd_stage *stage, double *start, double *end); /* false: not authored */
USD_API uint64_t usd_stage_prim_count(const usd_stage *stage);             /* without the pseudo-root; instances once */
/** Changes whenever two stages could differ: equal for stages opened from equal layers is not promised. */
USD_API uint64_t usd_stage_id(const usd_stage *stage);

/* ------------------------------------------------------------------------------------------------------------------
 * Prims
 */

enum usd_specifier { USD_DEF, USD_OVER, USD_CLASS };

USD_API const usd_stage *usd_prim_stage(const usd_prim *prim);
USD_API const usd_prim *usd_prim_parent(const usd_prim *prim); /* NULL above the pseudo-root */
/** Children in composed order, all of them: also inactive, abstract and undefined ones. Below an instance they are
 *  instance proxies with paths of their own. */
USD_API const usd_prim *usd_prim_first_child(const usd_prim *prim);
USD_API const usd_prim *usd_prim_next_sibling(const usd_prim *prim);
USD_API const usd_prim *usd_prim_child(const usd_prim *prim, const char *name);
/** Depth-first successor inside the subtree of `root`; skip_children leaves prim's own children out. NULL at the end. */
USD_API const usd_prim *usd_prim_next(const usd_prim *prim, const usd_prim *root, bool skip_children);

USD_API const char *usd_prim_name(const usd_prim *prim); /* "/" for the pseudo-root */
USD_API const char *usd_prim_path(const usd_prim *prim); /* built on first use, then kept */
/** Writes the path without keeping it. Returns its length; truncated when that is >= capacity. */
USD_API size_t usd_prim_path_copy(const usd_prim *prim, char *out, size_t capacity);
USD_API const char *usd_prim_type_name(const usd_prim *prim); /* "" for an untyped prim */
/** True when the type is `type` or derives from it ("Gprim", "Imageable" ...). Types that the table of schemas does not
 *  have are what the stage's fallbackPrimTypes says. */
USD_API bool usd_prim_is_a(const usd_prim *prim, const char *type);
USD_API enum usd_specifier usd_prim_specifier(const usd_prim *prim);
USD_API bool usd_prim_is_active(const usd_prim *prim);   /* it and every ancestor */
USD_API bool usd_prim_is_defined(const usd_prim *prim);  /* it and every ancestor have a def or class */
USD_API bool usd_prim_is_abstract(const usd_prim *prim); /* it or an ancestor is a class */
/** Active, defined and not abstract: what a renderer walks. */
USD_API bool usd_prim_is_traversable(const usd_prim *prim);
USD_API bool usd_prim_is_instanceable(const usd_prim *prim); /* the metadata */
USD_API bool usd_prim_is_instance(const usd_prim *prim);
USD_API bool usd_prim_is_instance_proxy(const usd_prim *prim); /* below an instance */
/** Equal for corresponding prims of all instances of one prototype: the key for sharing meshes. The prim itself when
 *  it is not below an instance. For an instance: a key equal for all instances of its prototype. */
USD_API const usd_prim *usd_prim_in_prototype(const usd_prim *prim);

USD_API bool usd_prim_metadata(const usd_prim *prim, const char *key, struct usd_value *out); /* composed */
/** Iterates over authored metadata names: start with *at = 0; NULL at the end. */
USD_API const char *usd_prim_metadata_next(const usd_prim *prim, size_t *at);
USD_API const char *usd_prim_kind(const usd_prim *prim);         /* "" when unset */
USD_API bool usd_prim_is_model(const usd_prim *prim); /* a model kind, below groups only */
USD_API bool usd_prim_is_group(const usd_prim *prim); /* the same with "group" or "assembly" */
USD_API size_t usd_prim_api_schema_count(const usd_prim *prim);  /* composed apiSchemas, authored order */
USD_API const char *usd_prim_api_schema(const usd_prim *prim, size_t i); /* "CollectionAPI:lights" */
/** True when an API schema is applied or built in: "CollectionAPI" (any instance counts) or "CollectionAPI:lights". */
USD_API bool usd_prim_has_api(const usd_prim *prim, const char *schema);

USD_API size_t usd_prim_variant_set_count(const usd_prim *prim);
USD_API const char *usd_prim_variant_set(const usd_prim *prim, size_t set);
USD_API size_t usd_prim_variant_count(const usd_prim *prim, size_t set);
USD_API const char *usd_prim_variant(const usd_prim *prim, size_t set, size_t i); /* sorted bytewise */
USD_API const char *usd_prim_variant_selection(const usd_prim *prim, size_t set); /* "" when nothing is selected */

/** One opinion about a prim or a property, strongest first. */
struct usd_opinion {
    const char *layer; /* identifier */
    const char *path;  /* path of the spec inside that layer, variants as {set=selection} */
    double offset, scale; /* stage time = layer time * scale + offset */
};
USD_API bool usd_prim_opinion(const usd_prim *prim, size_t i, struct usd_opinion *out); /* false past the end */

/* ------------------------------------------------------------------------------------------------------------------
 * Properties
 */

/** Authored properties (somewhere in the composed stack), in composed order. NULL past the end. */
USD_API size_t usd_prim_property_count(const usd_prim *prim);
USD_API const usd_property *usd_prim_property(const usd_prim *prim, size_t i);
USD_API const usd_property *usd_prim_find_property(const usd_prim *prim, const char *name);

USD_API const usd_prim *usd_property_prim(const usd_property *property);
USD_API const char *usd_property_name(const usd_property *property);
/** "point3f[]"; "" for relationships. Of a built-in property: what the schema says, whatever layers declare. */
USD_API const char *usd_property_type_name(const usd_property *property);
/** The type name that the strongest layer declares; differs from the above where layers contradict the schema. */
USD_API const char *usd_property_declared_type(const usd_property *property);
USD_API enum usd_type usd_property_type(const usd_property *property, bool *is_array);
USD_API bool usd_property_is_relationship(const usd_property *property);
USD_API bool usd_property_is_uniform(const usd_property *property);
USD_API bool usd_property_is_custom(const usd_property *property);
USD_API bool usd_property_metadata(const usd_property *property, const char *key, struct usd_value *out);
USD_API const char *usd_property_metadata_next(const usd_property *property, size_t *at);
USD_API bool usd_property_opinion(const usd_property *property, size_t i, struct usd_opinion *out);

/**
 * Value of an attribute at a time.
 *
 * Of the strongest layer with an opinion: time samples, else a spline, else the default; value clips are weaker than
 * the layer that names them and stronger than every weaker one. Time samples interpolate linearly where the type allows
 * and both neighbours have the same number of elements, are held otherwise and outside their range. USD_TIME_DEFAULT
 * looks at defaults only. A blocked value, and no value, is false. Reading clips may open layers, and add diagnostics.
 * Schema fallbacks are not consulted here (see usd_prim_get_*).
 *
 * @param out  Always initialised; finish it in every case.
 */
USD_API bool usd_attr_get(const usd_property *attr, double time, struct usd_value *out);
USD_API bool usd_attr_has_value(const usd_property *attr);      /* a default, samples, a spline or clips, not blocked */
USD_API size_t usd_attr_sample_count(const usd_property *attr); /* of the winning opinion; layer offsets applied */
/** Copies up to `max` sample times, ascending, in stage time; returns how many there are. */
USD_API size_t usd_attr_sample_times(const usd_property *attr, double *times, size_t max);
USD_API bool usd_attr_might_vary(const usd_property *attr);     /* more than one sample or knot, or several clips */
/** True when values at times come from a spline: it has no samples. Splines of half, float, double and timecode. */
USD_API bool usd_attr_has_spline(const usd_property *attr);
/** Copies up to `max` times of authored knots, ascending, in stage time; returns how many there are. */
USD_API size_t usd_attr_spline_knots(const usd_property *attr, double *times, size_t max);
/** Composed absolute path of connection i ("/Mat/Shader.outputs:surface"); NULL past the end. */
USD_API size_t usd_attr_connection_count(const usd_property *attr);
USD_API const char *usd_attr_connection(const usd_property *attr, size_t i);
/** Composed absolute path of target i of a relationship. Relative paths are anchored, arcs translated. */
USD_API size_t usd_rel_target_count(const usd_property *rel);
USD_API const char *usd_rel_target(const usd_property *rel, size_t i);

/*
 * Shortcuts by attribute name: authored value at the time, else the fallback of what the prim has built in (usd_prim_definition),
 * else false with *out untouched. Numbers convert between the numeric types; token and string between each other.
 */
USD_API bool usd_prim_get_bool(const usd_prim *prim, const char *name, double time, bool *out);
USD_API bool usd_prim_get_int(const usd_prim *prim, const char *name, double time, int *out);
USD_API bool usd_prim_get_float(const usd_prim *prim, const char *name, double time, float *out);
USD_API bool usd_prim_get_double(const usd_prim *prim, const char *name, double time, double *out);
USD_API bool usd_prim_get_token(const usd_prim *prim, const char *name, double time, const char **out);
USD_API bool usd_prim_get_vec2f(const usd_prim *prim, const char *name, double time, float out[2]);
USD_API bool usd_prim_get_vec3f(const usd_prim *prim, const char *name, double time, float out[3]);
USD_API bool usd_prim_get_vec4f(const usd_prim *prim, const char *name, double time, float out[4]);
USD_API bool usd_prim_get_matrix4d(const usd_prim *prim, const char *name, double time, double out[16]);
USD_API bool usd_prim_get_asset(const usd_prim *prim, const char *name, double time, struct usd_asset *out);
/* Any type; finish the value in every case. */
USD_API bool usd_prim_get(const usd_prim *prim, const char *name, double time, struct usd_value *out);

/* The same for a property at hand; no fallbacks. */
USD_API bool usd_attr_get_bool(const usd_property *attr, double time, bool *out);
USD_API bool usd_attr_get_int(const usd_property *attr, double time, int *out);
USD_API bool usd_attr_get_float(const usd_property *attr, double time, float *out);
USD_API bool usd_attr_get_double(const usd_property *attr, double time, double *out);
USD_API bool usd_attr_get_token(const usd_property *attr, double time, const char **out);
USD_API bool usd_attr_get_vec2f(const usd_property *attr, double time, float out[2]);
USD_API bool usd_attr_get_vec3f(const usd_property *attr, double time, float out[3]);
USD_API bool usd_attr_get_vec4f(const usd_property *attr, double time, float out[4]);
USD_API bool usd_attr_get_matrix4d(const usd_property *attr, double time, double out[16]);
USD_API bool usd_attr_get_asset(const usd_property *attr, double time, struct usd_asset *out);

/** Fallback of an attribute of a core schema, e.g. ("Sphere", "radius"). false when the schema has none. */
USD_API bool usd_schema_fallback(const char *type_name, const char *attribute, struct usd_value *out);

/* ------------------------------------------------------------------------------------------------------------------
 * Schemas: the types and API schemas of usd, UsdGeom, UsdVol, UsdLux, UsdShade, UsdRender, UsdSkel, UsdMedia, UsdUI,
 * UsdPhysics and a few smaller ones. What is handed out here lives as long as the process, a prim's definition as long
 * as its stage. Any thread.
 */

typedef struct usd_schema usd_schema;
typedef struct usd_definition usd_definition;

enum usd_schema_kind {
    USD_SCHEMA_ABSTRACT,     /* "Imageable": other types derive from it */
    USD_SCHEMA_CONCRETE,     /* "Mesh": a prim can have this type */
    USD_SCHEMA_API,          /* "LightAPI": single-apply */
    USD_SCHEMA_API_MULTIPLE, /* "CollectionAPI": applied as "CollectionAPI:instance" */
    USD_SCHEMA_API_PLAIN,    /* "ModelAPI": an interface that is never applied */
};

USD_API const usd_schema *usd_schema_find(const char *name); /* NULL when the table does not have it */
USD_API const usd_schema *usd_schema_at(size_t i);           /* all of them, bases first; NULL past the end */
USD_API const char *usd_schema_name(const usd_schema *schema);
USD_API enum usd_schema_kind usd_schema_kind(const usd_schema *schema);
USD_API const usd_schema *usd_schema_base(const usd_schema *schema); /* NULL for "Typed" and "APISchemaBase" */
USD_API bool usd_schema_is_a(const usd_schema *schema, const char *name); /* itself or one of its bases */
/** Built-in properties of one schema. In names of multiple-apply schemas "__INSTANCE_NAME__" stands for the instance. */
USD_API const usd_definition *usd_schema_definition(const usd_schema *schema);

/**
 * What a prim has built in: the properties of its type and bases, then of the API schemas these include, then of those
 * it lists in apiSchemas and what they include. The first that declares a name wins. NULL only for a NULL prim.
 */
USD_API const usd_definition *usd_prim_definition(const usd_prim *prim);

struct usd_built_in {
    const char *name, *type_name; /* "inputs:color", "color3f"; type_name "" for relationships */
    enum usd_type type;
    bool is_array, is_relationship, is_uniform;
    bool has_fallback;
};
/** Applied API schemas with the built-in ones ("LightAPI", "CollectionAPI:lightLink"), strongest first. */
USD_API size_t usd_definition_api_count(const usd_definition *definition);
USD_API const char *usd_definition_api(const usd_definition *definition, size_t i);
USD_API size_t usd_definition_property_count(const usd_definition *definition);
USD_API bool usd_definition_property(const usd_definition *definition, size_t i, struct usd_built_in *out);
USD_API bool usd_definition_find(const usd_definition *definition, const char *name, struct usd_built_in *out);
/** Fallback value; false when there is none. Finish it in every case. */
USD_API bool usd_definition_fallback(const usd_definition *definition, const char *name, struct usd_value *out);
/** Metadata of a built-in property, such as "allowedTokens". Finish it in every case. */
USD_API bool usd_definition_metadata(const usd_definition *definition, const char *name, const char *key,
                                     struct usd_value *out);

/* ------------------------------------------------------------------------------------------------------------------
 * Geometry queries. Matrices are 16 doubles, row-major, for row vectors (translation in elements 12 to 14).
 */

/** xformOpOrder of one prim, inverted ops included. *resets (may be NULL) tells whether ancestors are ignored. The
 *  identity, and false, when the prim has no xformOpOrder. */
USD_API bool usd_prim_local_matrix(const usd_prim *prim, double time, double out[16], bool *resets);
USD_API void usd_prim_world_matrix(const usd_prim *prim, double time, double out[16]);
/** True when the local matrix (or, `inherited`, that of any ancestor) changes over time. */
USD_API bool usd_prim_transform_varies(const usd_prim *prim, bool inherited);

enum usd_purpose {
    USD_PURPOSE_DEFAULT = 1,
    USD_PURPOSE_RENDER  = 2,
    USD_PURPOSE_PROXY   = 4,
    USD_PURPOSE_GUIDE   = 8,
};
/** The nearest authored purpose of the prim and its ancestors; default when nobody says. */
USD_API enum usd_purpose usd_prim_purpose(const usd_prim *prim);
USD_API bool usd_prim_is_visible(const usd_prim *prim, double time); /* neither it nor an ancestor is invisible */
/**
 * Visibility for one purpose, as UsdGeomImageable::ComputeEffectiveVisibility: "invisible" where usd_prim_is_visible
 * says no; else "visible" for the default purpose; else what the nearest VisibilityAPI says ("visible", "invisible"),
 * else "invisible" for guides and "inherited" for the others.
 */
USD_API const char *usd_prim_visibility(const usd_prim *prim, enum usd_purpose purpose, double time);

struct usd_bounds {
    double min[3], max[3]; /* empty: min > max */
};
/**
 * Bounds of one Boundable prim in its own space: its extent where authored, else computed (not for point instancers
 * and volumes). Skeletons: the joints in their rest pose. false when there are none.
 */
USD_API bool usd_prim_extent(const usd_prim *prim, double time, struct usd_bounds *out);
/**
 * Axis-aligned world bounds of a subtree: extentsHint of models and extent attributes where authored, computed for
 * every Boundable type where not. An authored extent holds for the prims below as well. Invisible prims and hidden
 * instances do not count. Positions are not moved by velocities.
 *
 * @param purposes  Bits of enum usd_purpose.
 * @return          false when the bounds are empty.
 */
USD_API bool usd_prim_world_bounds(const usd_prim *prim, double time, unsigned purposes, struct usd_bounds *out);

/**
 * The material bound to a prim (a GeomSubset too), as UsdShadeMaterialBindingAPI resolves it: direct and
 * collection-based bindings of the prim and its ancestors, purpose ("full", "preview") before all-purpose,
 * bindMaterialAs = strongerThanDescendants respected. NULL when none is bound or the target is missing.
 *
 * @param purpose  "full", "preview", or "" for all-purpose only.
 */
USD_API const usd_prim *usd_prim_bound_material(const usd_prim *prim, const char *purpose);

/**
 * "primvars:NAME" of a prim, or of the nearest ancestor that has it with constant interpolation. *indices (may be
 * NULL) receives its ":indices" attribute or NULL.
 */
USD_API const usd_property *usd_prim_find_primvar(const usd_prim *prim, const char *name,
                                                  const usd_property **indices);
/**
 * The value of a primvar with its indices (may be NULL) looked up: one element, or elementSize of them, per index.
 * false when there is no value, an index points outside or max_array_elements is met. Finish the value in every case.
 */
USD_API bool usd_primvar_flatten(const usd_property *primvar, const usd_property *indices, double time,
                                 struct usd_value *out);
/** Interpolation of a primvar, normals or widths: metadata, else "constant" ("vertex" for normals and widths). */
USD_API const char *usd_attr_interpolation(const usd_property *attr);

/* ------------------------------------------------------------------------------------------------------------------
 * Collections (UsdCollectionAPI): sets of prims and properties, used by material bindings, light linking and others.
 */

USD_API size_t usd_prim_collection_count(const usd_prim *prim); /* applied and built-in ones */
USD_API const char *usd_prim_collection(const usd_prim *prim, size_t i); /* "lightLink"; NULL past the end */

/** Membership rules of one collection, as they are now. Close before the stage. Asking: any thread. */
typedef struct usd_collection usd_collection;
USD_API int usd_collection_open(const usd_prim *owner, const char *name, usd_collection **out);
USD_API void usd_collection_close(usd_collection **collection);
/**
 * Whether an absolute path of a prim or property belongs to it: expansionRule, includeRoot, includes (collections too),
 * excludes; or, where none of these includes anything, the membershipExpression.
 */
USD_API bool usd_collection_has(const usd_collection *collection, const char *path);
USD_API bool usd_collection_is_circular(const usd_collection *collection); /* it, or one that it includes or names, comes back to itself */
/** The part of the membershipExpression that is not supported and matches nothing, or where its syntax is bad, so that all
 *  of it matches nothing; else NULL. */
USD_API const char *usd_collection_unsupported(const usd_collection *collection);
/** Whether a light's (or filter's) linking collection includes a prim: "lightLink", "shadowLink", "filterLink". */
USD_API bool usd_light_links(const usd_prim *light, const char *link, const usd_prim *prim);

/* ------------------------------------------------------------------------------------------------------------------
 * Assets
 */

/**
 * All bytes of a resolved asset: a file, or a member of a package ("/a/pkg.usdz[tex/0.png]").
 *
 * @param stage  Its allow_path and limits apply; NULL for none.
 * @param data   malloc'ed; the caller frees it.
 */
USD_API int usd_asset_read(const usd_stage *stage, const char *resolved, void **data, size_t *size,
                           struct usd_error *err);
/**
 * Resolve an authored asset path against a layer's identifier (NULL = root layer).
 * @return  Length of the resolved path, 0 when nothing was found; truncated when >= capacity.
 */
USD_API size_t usd_asset_resolve(const usd_stage *stage, const char *layer, const char *authored, char *out,
                                 size_t capacity);
/**
 * Tiles of a UDIM pattern ("tex.<UDIM>.png"): calls fn for each tile that exists, ascending.
 * @return  Number of tiles; 0 when the path has no <UDIM>.
 */
USD_API size_t usd_asset_udim_tiles(const usd_stage *stage, const struct usd_asset *asset,
                                    void (*fn)(void *user, int tile, const char *resolved), void *user);

/* ------------------------------------------------------------------------------------------------------------------
 * Edits in memory: the session layer
 *
 * Every stage has a session layer. It is stronger than all layers of the stage, empty at first, and never written to a
 * file. Edits are opinions in it: the functions below record them, usd_stage_commit() composes anew what they concern.
 * Any number of edits may come before one commit.
 *
 * Threads: one thread at a time edits and commits, and from its first edit until usd_stage_commit() has returned no
 * other thread may read the stage. In between, answers of the stage are partly old and partly new.
 *
 * What stays valid: a commit names the paths it concerned (struct usd_change). Prims that are neither at nor below a
 * resynced path keep their addresses; so does the prim at a resynced path as long as it exists, and its path string.
 * Prims below it, their properties and the strings of both are gone. Properties keep their addresses unless their
 * prim, or some property of their prim, was resynced. Values handed out before are invalid where a change is reported;
 * strings and tokens taken from an attribute or from metadata live until that is edited. Diagnostics about what is
 * composed anew go, and come again where they are still true.
 *
 * Paths are absolute, without variant selections. What lies below an instance has no opinions of its own and cannot be
 * edited: edit the instance, what it refers to, or set "instanceable" to false on it and commit.
 *
 * Every function returns USD_OK or a negative enum usd_status with `err` (may be NULL) filled; then nothing changed:
 * USD_ERR_INVALID for a path or an argument that makes no sense, for what lies below an instance, and for a type other
 * than the declared one; USD_ERR_NOT_FOUND for a prim that neither the stage nor the session layer has.
 */

enum usd_change_kind {
    /* A prim: it and all below it was composed anew; it may be new or gone. A property: it came, went, or was declared
     * or connected anew; every property of its prim has a new address. "/": everything. */
    USD_CHANGE_RESYNCED,
    USD_CHANGE_INFO, /* a prim: its metadata or the order of its children; a property: its value or metadata */
};
struct usd_change {
    const char *path; /* "/A/B", "/A/B.size"; lives as long as the process */
    enum usd_change_kind kind;
};
typedef void usd_change_fn(void *user, const usd_stage *stage, const struct usd_change *changes, size_t count);

/**
 * Compose what the edits since the last commit concern.
 *
 * @param changes  Receives the changes, sorted by path, nothing below a resynced path; owned by the stage and valid until
 *                 the next commit. An edit that leaves the session layer as it was gives none. May be NULL, like count.
 * @return         USD_OK, or USD_ERR_NOMEM: the stage is then incomplete and can only be closed.
 */
USD_API int usd_stage_commit(usd_stage *stage, const struct usd_change **changes, size_t *count, struct usd_error *err);
/** Calls fn at the end of every commit that changed something, in the committing thread. fn may read, not edit. */
USD_API int usd_stage_listen(usd_stage *stage, usd_change_fn *fn, void *user, struct usd_error *err);
USD_API void usd_stage_unlisten(usd_stage *stage, usd_change_fn *fn, void *user);

/** Selects a variant; NULL takes the session layer's selection back. Selections of usd_open_options are stronger. */
USD_API int usd_session_set_variant(usd_stage *stage, const char *prim_path, const char *variant_set, const char *selection,
                                    struct usd_error *err);
USD_API int usd_session_set_active(usd_stage *stage, const char *prim_path, bool active, struct usd_error *err);
USD_API int usd_session_set_instanceable(usd_stage *stage, const char *prim_path, bool instanceable, struct usd_error *err);
/** Writes `visibility`: true is "inherited", so an invisible ancestor still hides the prim. */
USD_API int usd_session_set_visible(usd_stage *stage, const char *prim_path, bool visible, struct usd_error *err);
/**
 * Replaces the local transform, relative to the parent: writes xformOp:transform and an xformOpOrder that names only it.
 * `!resetXformStack!` stays where the composed order begins with it.
 *
 * @param matrix  Row-major, for row vectors.
 * @param time    USD_TIME_DEFAULT ends an animation of the transform; a time of the stage adds a sample.
 */
USD_API int usd_session_set_transform(usd_stage *stage, const char *prim_path, const double matrix[16], double time,
                                      struct usd_error *err);
/**
 * Value of an attribute, which is made when it does not exist.
 *
 * @param type_name  "color3f[]"; NULL for that of the existing attribute. Another than the existing one is refused.
 * @param value      Of the type behind the name; copied. Of assets `authored` counts. USD_TYPE_BLOCK blocks.
 * @param time       USD_TIME_DEFAULT for the default (which the session layer's own samples hide), else a sample at
 *                   that time of the stage.
 */
USD_API int usd_session_set_value(usd_stage *stage, const char *property_path, const char *type_name,
                                  const struct usd_value *value, double time, struct usd_error *err);
/** The same from doubles: count = components * elements; any numeric type. NULL stays NULL for type_name. */
USD_API int usd_session_set_numbers(usd_stage *stage, const char *property_path, const char *type_name,
                                    const double *numbers, size_t count, double time, struct usd_error *err);
/** The same for one string, token or asset. */
USD_API int usd_session_set_text(usd_stage *stage, const char *property_path, const char *type_name, const char *text,
                                 double time, struct usd_error *err);
/** Blocks the value of an existing attribute: weaker defaults and samples do not count. */
USD_API int usd_session_block(usd_stage *stage, const char *property_path, struct usd_error *err);
/** Metadata of a prim, a property, or ("/") the stage. The type must be that of the field where USD defines it; token
 *  and string convert. Lists and arcs go through usd_session_set_list() and usd_session_add_arc(). */
USD_API int usd_session_set_metadata(usd_stage *stage, const char *path, const char *key, const struct usd_value *value,
                                     struct usd_error *err);

enum usd_list_edit { USD_LIST_EXPLICIT, USD_LIST_PREPEND, USD_LIST_APPEND, USD_LIST_DELETE };
/**
 * The session layer's opinion about a list, in place of what it said before.
 *
 * @param path  A prim with key "inherits", "specializes", "apiSchemas", "variantSets", "clipSets"; a relationship (made
 *              when it does not exist) with key "targets"; an existing attribute with key "connections".
 * @param items Paths or names; paths are absolute. None at all: an empty list, or with an edit other than explicit the
 *              same as usd_session_clear_key().
 */
USD_API int usd_session_set_list(usd_stage *stage, const char *path, const char *key, enum usd_list_edit edit,
                                 const char *const *items, size_t count, struct usd_error *err);
/**
 * Adds a reference or a payload in front of those the session layer has.
 *
 * @param key     "references" or "payload".
 * @param asset   Relative paths start at the root layer's folder; "" refers to this stage's own layers.
 * @param target  Prim path in there; "" for its default prim.
 */
USD_API int usd_session_add_arc(usd_stage *stage, const char *prim_path, const char *key, const char *asset,
                                const char *target, double offset, double scale, struct usd_error *err);
/** A prim of a type ("" for none) at a path, defined; missing ancestors are defined without a type. */
USD_API int usd_session_define(usd_stage *stage, const char *prim_path, const char *type_name, struct usd_error *err);
/** Takes back what the session layer says about a prim and all below it, or about a property. */
USD_API int usd_session_clear(usd_stage *stage, const char *path, struct usd_error *err);
/** The same for one key: metadata and lists as above, "value" for an attribute's default and samples. */
USD_API int usd_session_clear_key(usd_stage *stage, const char *path, const char *key, struct usd_error *err);
USD_API int usd_session_clear_all(usd_stage *stage, struct usd_error *err);

/** Receives the text piece by piece; false stops with USD_ERR_IO. */
typedef bool usd_write_fn(void *user, const char *text, size_t size);
/**
 * Load payloads, or leave them out again; composed with the next commit. A rule of this kind replaces the one the path
 * had, and, but for loading without descendants, the rules below it. Nothing of this is part of the session layer.
 */
USD_API int usd_stage_load(usd_stage *stage, const char *prim_path, bool with_descendants, struct usd_error *err);
USD_API int usd_stage_unload(usd_stage *stage, const char *prim_path, struct usd_error *err);
USD_API bool usd_stage_is_loaded(const usd_stage *stage, const char *prim_path); /* what the rules say */

/** The session layer as usda text, edits that are not committed included. */
USD_API int usd_session_write(const usd_stage *stage, usd_write_fn *write, void *user, struct usd_error *err);
/** Replaces the session layer by usda text. Relative asset paths start at anchor_dir, NULL = the root layer's folder. */
USD_API int usd_session_read(usd_stage *stage, const char *text, size_t size, const char *anchor_dir, struct usd_error *err);

/* ------------------------------------------------------------------------------------------------------------------
 * Writing text, and checking
 */

/** One layer of any format as usda text: every spec and field as authored, nothing composed. */
USD_API int usd_layer_write(const char *path, const struct usd_open_options *options, usd_write_fn *write, void *user,
                            struct usd_error *err);
/**
 * The composed stage as one usda layer: arcs and variants resolved, layer offsets applied, assets by resolved path.
 * Prototypes become /Flattened_Prototype_N, referenced by their instances.
 */
USD_API int usd_stage_write(const usd_stage *stage, usd_write_fn *write, void *user, struct usd_error *err);
/**
 * Looks for what is wrong but did not keep the stage from opening, by rules that docs/usd.md lists: values and types
 * against the schemas, missing assets, targets and connections, topology, primvars, extents, transforms, skinning,
 * materials, collections, usdz packages. Findings are added to the diagnostics. One thread at a time.
 *
 * @return  Number of diagnostics there are now.
 */
USD_API size_t usd_stage_validate(usd_stage *stage);

#ifdef __cplusplus
}
#endif

#endif
