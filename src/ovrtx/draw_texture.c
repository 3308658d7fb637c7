// Textures: read once for each file and colour space, shared by all that use them.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw_internal.h"
#include "log.h"

render_id texture_get(struct draw *d, const char *resolved, const char *authored, enum render_color_space space,
                      const usd_stage *usd)
{
    const char *path = resolved && resolved[0] ? resolved : authored;
    char name[4096 + 16];
    int n = snprintf(name, sizeof(name), "%d %s", (int)space, path);
    if (n < 0 || (size_t)n >= sizeof(name))
        return 0;
    uint32_t token  = paths_token(d->stage->paths, name, (size_t)n);
    uint64_t *known = hash_map_get(&d->texture_by_name, token);
    if (known)
        return d->textures.items[*known].id;

    struct render_texture_desc desc = { .name = path, .color_space = space };
    struct usd_error error = { 0 };
    void *data = NULL;
    if (resolved && resolved[0] && usd_asset_read(usd, resolved, &data, &desc.size, &error) < 0)
        log_warn("ovrtx.textures", "%s: %s; a checker takes its place", path, error.message);
    else if (!resolved || !resolved[0])
        log_warn("ovrtx.textures", "%s: not found; a checker takes its place", path);
    desc.data = data;
    if (!data)
        desc.size = 0;
    render_id id = 0;
    int rc       = render_texture_create(d->scene, &desc, &id);
    free(data);
    if (rc < 0) {
        log_warn("ovrtx.textures", "%s: the texture cannot be made (code %d)", path, rc);
        id = 0;
    }
    if (array_push(&d->textures, (struct texture) { id, token }))
        hash_map_put(&d->texture_by_name, token, d->textures.count - 1);
    return id;
}
