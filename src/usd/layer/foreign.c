// Files that scenes refer to but that are no USD layers: what they are, for a message that helps.
#include "foreign.h"

#include <string.h>
#include <strings.h>

const char *foreign_format(const char *identifier, const void *data, size_t size)
{
    static const struct {
        const char *magic;
        size_t size;
        const char *extension, *name;
    } rows[] = {
        { "Ogawa", 5, ".abc", "an Alembic file" },
        { "\211HDF", 4, ".abc", "an Alembic file" },
        { "Kaydara FBX", 11, ".fbx", "an FBX file" },
        { "glTF", 4, ".glb", "a glTF file" },
        { NULL, 0, ".gltf", "a glTF file" },
        { NULL, 0, ".obj", "an OBJ file" },
        { "ply", 3, ".ply", "a PLY file" },
        { NULL, 0, ".stl", "an STL file" },
        { NULL, 0, ".dae", "a COLLADA file" },
        { NULL, 0, ".drc", "a Draco file" },
        { " ", 1, ".vdb", "an OpenVDB file" },
        { "\211PNG", 4, ".png", "a picture" },
        { "\377\330\377", 3, ".jpg", "a picture" },
        { "v/1\1", 4, ".exr", "a picture" },
    };
    size_t n = strlen(identifier);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t k  = strlen(rows[i].extension);
        bool name = n > k && !strcasecmp(identifier + n - k, rows[i].extension);
        if ((rows[i].size > 1 && size >= rows[i].size && !memcmp(data, rows[i].magic, rows[i].size)) || name)
            return rows[i].name;
    }
    return NULL;
}
