// Progressive path tracing of a view.
#include <stdlib.h>

#include "log.h"
#include "view.h"

int view_passes_create(struct renderer *r)
{
    r->passes = calloc(1, sizeof(*r->passes));
    if (!r->passes)
        return RENDER_ERR_NOMEM;
    int rc = pass_raster_create(r, &r->passes->raster);
    if (rc == RENDER_OK)
        rc = pass_picture_create(r, &r->passes->picture);
    return rc;
}

void view_passes_destroy(struct renderer *r)
{
    if (!r->passes)
        return;
    pass_raster_destroy(&r->passes->raster);
    pass_picture_destroy(&r->passes->picture);
    free(r->passes);
    r->passes = NULL;
}

void view_trace_destroy(struct render_view *v) {}
void view_trace_reset(struct render_view *v) {}
void view_trace_measured(struct render_view *v, const struct render_frame *f) {}
void view_trace_shown(struct render_view *v, struct pass_compose_args *args) {}

int view_trace_record(struct render_view *v, struct render_frame *f, VkCommandBuffer *cmd)
{
    const float want = v->settings.budget_ms > 0 && !v->rest_frames ? v->scale : 1;
    if (v->preview_valid && v->preview_scale >= want)
        return RENDER_OK;
    return view_preview_record(v, f, *cmd, want);
}
