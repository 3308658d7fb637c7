// Bytes of files: read or mapped, cut short by others, inside of packages.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "usd_test.h"

#define LARGE (4u << 20) // mapped
#define SMALL (8u << 10) // read

static char path[] = "/tmp/usd-file-XXXXXX.usdz"; // the name is made in setup

static void write_bytes(size_t size, const void *head, size_t head_size)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    assert_true(fd >= 0 && write(fd, head, head_size) == (ssize_t)head_size && !ftruncate(fd, (off_t)size));
    close(fd);
}

static void small_files_stay_as_they_were(void **state)
{
    struct file_bytes f;
    write_bytes(SMALL, "head", 4);
    assert_int_equal(file_map(NULL, path, &f, NULL), USD_OK);
    assert_null(f.map);
    assert_int_equal(f.size, SMALL);
    write_bytes(2, "xy", 2);
    assert_memory_equal(f.data, "head", 4);
    for (size_t i = 0; i < FILE_PADDING; i++)
        assert_int_equal(f.data[SMALL + i], 0);
    assert_false(file_lost(&f));
    file_unmap(&f);
}

static void empty_files(void **state)
{
    struct file_bytes f;
    write_bytes(0, "", 0);
    assert_int_equal(file_map(NULL, path, &f, NULL), USD_OK);
    assert_int_equal(f.size, 0);
    assert_non_null(f.data);
    file_unmap(&f);
}

static void mapped_files_may_shrink(void **state)
{
    struct file_bytes f, other;
    write_bytes(LARGE, "head", 4);
    assert_int_equal(file_map(NULL, path, &f, NULL), USD_OK);
    assert_int_equal(file_map(NULL, path, &other, NULL), USD_OK);
    assert_non_null(f.map);
    assert_int_equal(f.data[LARGE - 1], 0);
    assert_int_equal(truncate(path, 1 << 20), 0);
    assert_false(file_lost(&f));
    assert_int_equal(f.data[LARGE - 1], 0); // would end the process
    assert_int_equal(f.data[2 << 20], 0);
    assert_memory_equal(f.data, "head", 4);
    assert_true(file_lost(&f));
    assert_false(file_lost(&other)); // nobody read it there yet
    file_unmap(&f);
    file_unmap(&other);
}

static volatile sig_atomic_t others;
static void other_handler(int sig) { others++; }

static void other_handlers_are_kept(void **state)
{
    struct file_bytes f;
    struct sigaction mine = { .sa_handler = other_handler }, old;
    write_bytes(LARGE, "head", 4);
    assert_int_equal(sigaction(SIGBUS, &mine, &old), 0);
    assert_int_equal(file_map(NULL, path, &f, NULL), USD_OK);
    raise(SIGBUS);
    assert_int_equal(others, 1);
    assert_int_equal(truncate(path, 4), 0);
    assert_int_equal(f.data[LARGE - 1], 0);
    assert_int_equal(others, 1);
    file_unmap(&f);
    sigaction(SIGBUS, &old, NULL);
}

static bool refuse(const char *p, void *user) { return false; }

static void put32(uint8_t *to, uint32_t v) { memcpy(to, &v, 4); }

// A package of a small layer and a large asset, as one member each.
static void write_package(size_t asset_size)
{
    static const char layer[] = "#usda 1.0\ndef \"A\" {\n    asset a = @big.bin@\n}\n";
    uint8_t head[512]         = { 0 };
    size_t n                  = 0;
    const struct {
        const char *name;
        size_t size;
    } members[] = { { "a.usda", sizeof(layer) - 1 }, { "big.bin", asset_size } };
    for (int i = 0; i < 2; i++) {
        memcpy(head + n, "PK\3\4\12\0", 6);
        put32(head + n + 18, (uint32_t)members[i].size);
        put32(head + n + 22, (uint32_t)members[i].size);
        head[n + 26] = (uint8_t)strlen(members[i].name);
        memcpy(head + n + 30, members[i].name, strlen(members[i].name));
        n += 30 + strlen(members[i].name);
        if (!i) {
            memcpy(head + n, layer, sizeof(layer) - 1);
            n += sizeof(layer) - 1;
        }
    }
    write_bytes(n + asset_size, head, n);
}

static void a_package_cut_short(void **state)
{
    usd_stage *s;
    struct usd_error err;
    struct usd_asset a;
    void *data;
    size_t size;
    write_package(LARGE);
    assert_int_equal(usd_stage_open(path, NULL, &s, &err), USD_OK);
    assert_true(usd_attr_get_asset(usd_stage_find_property(s, "/A.a"), NAN, &a));
    assert_true(*a.resolved);
    char resolved[512];
    snprintf(resolved, sizeof(resolved), "%s", a.resolved);
    assert_int_equal(usd_asset_read(s, resolved, &data, &size, &err), USD_OK);
    assert_int_equal(size, LARGE);
    free(data);
    assert_int_equal(truncate(path, 1 << 20), 0);
    assert_true(usd_asset_read(s, resolved, &data, &size, &err) < 0); // its member is no longer whole
    assert_non_null(strstr(err.message, "cut off"));
    assert_null(data);
    usd_stage_close(&s);
}

static void refused_files_do_not_exist(void **state)
{
    write_bytes(4, "head", 4);
    struct layer_env env = { .limits = limits_effective(NULL) };
    assert_true(file_exists(&env, path));
    env.allow_path = refuse;
    assert_false(file_exists(&env, path));
    struct usd_error err;
    struct file_bytes f;
    assert_int_equal(file_map(&env, path, &f, &err), USD_ERR_REFUSED);
    assert_int_equal(file_map(NULL, "/tmp", &f, &err), USD_ERR_IO);
    assert_int_equal(file_map(NULL, "/dev/zero", &f, &err), USD_ERR_IO);
    assert_int_equal(file_map(NULL, "/nonexistent", &f, &err), USD_ERR_IO);
}

static void names_keep_their_word(void **state)
{
    static const struct {
        const char *name, *text;
        bool ok;
    } rows[] = {
        { "a.usda", "#usda 1.0\n", true },         { "a.usd", "#usda 1.0\n", true },       { "a.usda", "\n#usda 1.0\n", false },
        { "a.usd", " #usda 1.0\n", false },        { "a.usda", "\xef\xbb\xbf#usda 1.0\n", false },
        { "a.usdc", "#usda 1.0\n", false },        { "a.usdz", "#usda 1.0\n", false },      { "a.USDA", "PXR-USDC", false },
        { "a.layer", "#usda 1.0\n", true },
    };
    struct folder f = make_folder();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        usd_stage *s;
        struct usd_error err;
        int rc = usd_stage_open(write_file(&f, rows[i].name, rows[i].text), NULL, &s, &err);
        if ((rc == USD_OK) != rows[i].ok)
            fail_msg("row %zu: %s", i, rc == USD_OK ? "is read" : err.message);
        assert_true(rc == USD_OK || rc == USD_ERR_FORMAT);
        usd_stage_close(&s);
    }
    remove_folder(&f);
}

static int make_name(void **state)
{
    int fd = mkstemps(path, 5);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

static int remove_file(void **state) { return unlink(path); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_files_stay_as_they_were), cmocka_unit_test(empty_files),         cmocka_unit_test(mapped_files_may_shrink),
        cmocka_unit_test(other_handlers_are_kept),       cmocka_unit_test(a_package_cut_short), cmocka_unit_test(refused_files_do_not_exist),
        cmocka_unit_test(names_keep_their_word),
    };
    return cmocka_run_group_tests(tests, make_name, remove_file);
}
