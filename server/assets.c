#include "assets.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MAX_DEPTH 8

struct assets {
    char *roots[OPTIONS_MAX_ROOTS]; // canonical
    size_t count;
};

static bool add_root(struct assets *a, const char *path, char *error, size_t error_size)
{
    struct stat st;
    char *real = realpath(path, NULL);
    if (!real || stat(real, &st) != 0 || !S_ISDIR(st.st_mode)) {
        snprintf(error, error_size, "asset root '%s' is not a folder", path);
        free(real);
        return false;
    }
    a->roots[a->count++] = real;
    return true;
}

struct assets *assets_create(const struct options *o, char *error, size_t error_size)
{
    struct assets *a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    for (size_t i = 0; i < o->asset_root_count; i++)
        if (!add_root(a, o->asset_roots[i], error, error_size)) {
            assets_destroy(&a);
            return NULL;
        }
    char *scene = !a->count && o->scene ? realpath(o->scene, NULL) : NULL;
    char *slash = scene ? strrchr(scene, '/') : NULL;
    if (slash) {
        slash[slash == scene] = '\0';
        char ignored[256];
        add_root(a, scene, ignored, sizeof(ignored));
    }
    free(scene);
    return a;
}

void assets_destroy(struct assets **assets)
{
    struct assets *a = *assets;
    if (!a)
        return;
    for (size_t i = 0; i < a->count; i++)
        free(a->roots[i]);
    free(a);
    *assets = NULL;
}

bool assets_any(const struct assets *a) { return a->count > 0; }

static bool below(const char *root, const char *path)
{
    size_t n = strlen(root);
    return !strcmp(root, "/") || (!strncmp(root, path, n) && path[n] == '/');
}

static bool inside(const struct assets *a, const char *path)
{
    for (size_t i = 0; i < a->count; i++)
        if (below(a->roots[i], path))
            return true;
    return false;
}

static bool is_scene(const char *name)
{
    static const char *const types[] = { ".usd", ".usda", ".usdc", ".usdz" };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < 4; i++)
        if (!strcasecmp(dot, types[i]))
            return true;
    return false;
}

// "file:///a%20b" to "/a b"; NULL when it is no local file URL.
static char *from_file_url(const char *url)
{
    const char *p = url + strlen("file:");
    if (!strncmp(p, "//", 2)) {
        p += 2;
        if (!strncmp(p, "localhost/", 10))
            p += 9;
    }
    char *out = malloc(strlen(p) + 1), *w = out;
    for (; out && *p; p++) {
        if (*p == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2])) {
            char hex[3] = { p[1], p[2], 0 };
            *w++        = (char)strtol(hex, NULL, 16);
            p += 2;
        } else {
            *w++ = *p;
        }
    }
    if (out)
        *w = '\0';
    return out;
}

static enum asset_status check_text(const char *url)
{
    size_t n = strlen(url);
    if (n == 0 || n > 4096)
        return ASSET_BAD;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)url[i] < 0x20 || url[i] == 0x7f)
            return ASSET_BAD;
    if (strstr(url, "${"))
        return ASSET_UNSUPPORTED;
    size_t scheme = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
    if (scheme > 1 && url[scheme] == ':' && isalpha((unsigned char)url[0]) && strncasecmp(url, "file:", 5) != 0)
        return ASSET_UNSUPPORTED;
    return ASSET_OK;
}

// Canonical path of an existing file, checked against the roots; takes over nothing.
static enum asset_status accept(const struct assets *a, const char *path, bool trusted, char **out)
{
    char *real = realpath(path, NULL);
    struct stat st;
    enum asset_status status = ASSET_OK;
    if (!real) {
        // Do not tell what exists outside: a path that climbs out is refused as such.
        return ASSET_NOT_FOUND;
    }
    if (!trusted && !inside(a, real))
        status = ASSET_OUTSIDE;
    else if (stat(real, &st) != 0 || !S_ISREG(st.st_mode))
        status = ASSET_NOT_FOUND;
    else if (!is_scene(real))
        status = ASSET_UNSUPPORTED;
    if (status == ASSET_OK)
        *out = real;
    else
        free(real);
    return status;
}

// The path without "." and ".." parts, as text: tells whether a missing file would lie inside.
static bool text_inside(const struct assets *a, const char *path)
{
    char clean[8192] = "";
    size_t n         = 0;
    for (const char *p = path; *p;) {
        size_t len = strcspn(p, "/");
        if (len == 2 && !strncmp(p, "..", 2)) {
            while (n && clean[--n] != '/')
                ;
        } else if (len && !(len == 1 && *p == '.') && n + len + 2 < sizeof(clean)) {
            clean[n++] = '/';
            memcpy(clean + n, p, len);
            n += len;
        }
        clean[n] = '\0';
        p += len;
        p += *p == '/';
    }
    return inside(a, clean);
}

static enum asset_status resolve_relative(const struct assets *a, const char *path, char **out)
{
    enum asset_status best = ASSET_NOT_FOUND;
    char joined[8192];
    for (size_t i = 0; i < a->count; i++) {
        if (snprintf(joined, sizeof(joined), "%s/%s", a->roots[i], path) >= (int)sizeof(joined))
            return ASSET_BAD;
        enum asset_status status = accept(a, joined, false, out);
        if (status == ASSET_OK)
            return ASSET_OK;
        if (status == ASSET_NOT_FOUND && !text_inside(a, joined))
            status = ASSET_OUTSIDE;
        if (status != ASSET_NOT_FOUND)
            best = status;
    }
    return best;
}

static enum asset_status resolve_id(const struct assets *a, const char *id, char **out)
{
    enum asset_status status = ASSET_NOT_FOUND;
    json_t *list             = assets_list(a), *row;
    size_t i;
    json_array_foreach(list, i, row)
        if (!strcmp(json_string_value(json_object_get(row, "id")), id)) {
            status = resolve_relative(a, json_string_value(json_object_get(row, "url")), out);
            break;
        }
    json_decref(list);
    return status;
}

enum asset_status asset_resolve(const struct assets *a, const char *url, bool trusted, char **out)
{
    enum asset_status status = check_text(url);
    if (status != ASSET_OK)
        return status;
    char *local      = !strncasecmp(url, "file:", 5) ? from_file_url(url) : NULL;
    const char *path = local ? local : url;
    status           = ASSET_NOT_FOUND;
    if (trusted)
        status = accept(a, path, true, out);
    if (status == ASSET_NOT_FOUND && path[0] == '/') {
        status = accept(a, path, trusted, out);
        if (status == ASSET_NOT_FOUND && !trusted && !text_inside(a, path))
            status = ASSET_OUTSIDE;
    } else if (status == ASSET_NOT_FOUND) {
        status = resolve_relative(a, path, out);
        if (status == ASSET_NOT_FOUND && !strchr(path, '/'))
            status = resolve_id(a, path, out);
    }
    if (status == ASSET_NOT_FOUND && strrchr(path, '.') && !is_scene(path))
        status = ASSET_UNSUPPORTED;
    free(local);
    return status;
}

const char *asset_status_text(enum asset_status status)
{
    switch (status) {
    case ASSET_OK: return "";
    case ASSET_NOT_FOUND: return "Stage not found";
    case ASSET_OUTSIDE: return "The path is outside of the folders this server offers";
    case ASSET_UNSUPPORTED: return "Only local .usd, .usda, .usdc and .usdz files can be opened";
    case ASSET_BAD: break;
    }
    return "The url is not usable";
}

const char *asset_status_code(enum asset_status status)
{
    switch (status) {
    case ASSET_OUTSIDE: return "asset_outside_root";
    case ASSET_UNSUPPORTED: return "unsupported_scheme";
    default: return "stage_not_found";
    }
}

char *asset_relative(const struct assets *a, const char *absolute)
{
    for (size_t i = 0; i < a->count; i++)
        if (below(a->roots[i], absolute))
            return strdup(absolute + (strcmp(a->roots[i], "/") ? strlen(a->roots[i]) + 1 : 1));
    return NULL;
}

char *asset_public_url(const struct assets *a, const char *absolute)
{
    char *relative    = asset_relative(a, absolute);
    const char *slash = strrchr(absolute, '/');
    return relative ? relative : strdup(slash ? slash + 1 : absolute);
}

// ---------------------------------------------------------------------------------------------------
// The list of scenes

struct listing {
    char **urls;
    size_t count;
};

static bool listed(const struct listing *l, const char *url)
{
    for (size_t i = 0; i < l->count; i++)
        if (!strcmp(l->urls[i], url))
            return true;
    return false;
}

static void walk(const struct assets *a, const char *root, const char *relative, int depth, struct listing *l)
{
    char path[PATH_MAX], child[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/%s", root, relative) >= (int)sizeof(path))
        return;
    DIR *dir = depth < MAX_DEPTH ? opendir(path) : NULL;
    for (struct dirent *e; dir && (e = readdir(dir)) && l->count < ASSETS_MAX_LISTED;) {
        if (e->d_name[0] == '.' || snprintf(child, sizeof(child), "%s%s%s", relative, *relative ? "/" : "", e->d_name) >= (int)sizeof(child))
            continue;
        struct stat st;
        char full[PATH_MAX];
        if (snprintf(full, sizeof(full), "%s/%s", root, child) >= (int)sizeof(full) || lstat(full, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            walk(a, root, child, depth + 1, l);
        } else if (is_scene(e->d_name) && !listed(l, child)) {
            char *real = realpath(full, NULL); // a link may lead outside
            if (real && inside(a, real))
                l->urls[l->count++] = strdup(child);
            free(real);
        }
    }
    if (dir)
        closedir(dir);
}

static int by_text(const void *x, const void *y) { return strcmp(*(char *const *)x, *(char *const *)y); }

// "a/red_house.usda": file name without type, words with capitals.
static void display_name(const char *url, char *id, char *name, size_t size)
{
    const char *slash = strrchr(url, '/');
    snprintf(id, size, "%s", slash ? slash + 1 : url);
    *strrchr(id, '.') = '\0';
    snprintf(name, size, "%s", id);
    for (size_t i = 0; name[i]; i++) {
        if (name[i] == '_' || name[i] == '-')
            name[i] = ' ';
        if ((i == 0 || name[i - 1] == ' ') && name[i] >= 'a' && name[i] <= 'z')
            name[i] -= 32;
    }
}

json_t *assets_list(const struct assets *a)
{
    struct listing l = { .urls = calloc(ASSETS_MAX_LISTED, sizeof(char *)) };
    for (size_t i = 0; l.urls && i < a->count; i++)
        walk(a, a->roots[i], "", 0, &l);
    if (l.count)
        qsort(l.urls, l.count, sizeof(char *), by_text);
    json_t *out = json_array(), *uses = json_object(); // id -> how many files have it
    for (size_t i = 0; i < l.count; i++) {
        char id[PATH_MAX], name[PATH_MAX];
        display_name(l.urls[i], id, name, sizeof(id));
        json_object_set_new(uses, id, json_integer(json_integer_value(json_object_get(uses, id)) + 1));
    }
    for (size_t i = 0; i < l.count; i++) {
        char id[PATH_MAX], name[PATH_MAX];
        display_name(l.urls[i], id, name, sizeof(id));
        bool unique = json_integer_value(json_object_get(uses, id)) == 1;
        json_array_append_new(out, json_pack("{s:s, s:s, s:s}", "id", unique ? id : l.urls[i], "name", name, "url", l.urls[i]));
    }
    json_decref(uses);
    for (size_t i = 0; i < l.count; i++)
        free(l.urls[i]);
    free(l.urls);
    return out;
}
