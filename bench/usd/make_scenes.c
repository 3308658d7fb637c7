// make-scenes FOLDER [large|huge]: writes the stages of bench-usd in both formats, to be read by other programs too; huge:
// instead, one crate of 5.4 GB.
#include <stdio.h>
#include <string.h>

#include "scenes.h"

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "make-scenes FOLDER [large|huge]: writes the stages of bench-usd, as text and as crate\n");
        return 1;
    }
    bool large = argc > 2 && !strcmp(argv[2], "large");
    if (argc > 2 && !strcmp(argv[2], "huge")) {
        char path[1024];
        snprintf(path, sizeof(path), "%s/huge.usdc", argv[1]);
        scene_huge(path, 5, 90000000);
        return 0;
    }
    for (int crate = 0; crate < 2; crate++) {
        char path[1024];
#define FILE_NAME(name) (snprintf(path, sizeof(path), "%s/%s.%s", argv[1], name, crate ? "usdc" : "usda"), path)
        scene_prims_and_mesh(FILE_NAME("prims"), crate, 20000, 0);
        scene_prims_and_mesh(FILE_NAME("mesh"), crate, 0, 1000000);
        scene_prims_and_mesh(FILE_NAME("both"), crate, 20000, 1000000);
        scene_references(FILE_NAME("references"), crate, 10000, 100, 8);
        scene_point_instances(FILE_NAME("instances"), crate, 100000);
        if (large) {
            scene_prims_and_mesh(FILE_NAME("million"), crate, 1000000, 0);
            scene_own_indices(FILE_NAME("own_tenth"), crate, 1000000, 10);
            scene_own_indices(FILE_NAME("own_each"), crate, 1000000, 1);
            scene_references(FILE_NAME("million_references"), crate, 1000000, 100, 0);
        }
    }
    return 0;
}
