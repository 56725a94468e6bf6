/* Vendors' slides, in the open and behind the system-call filter of the decoders' workers. */
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "decode/sandbox.h"
#include "image/read.h"
#include "shared_data.h"
#include "slide/slide.h"

static int open_shared(const char *name)
{
    char path[512];
    int fd = open(shared_data(path, sizeof path, name), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static kin_slide *slide_of(int fd)
{
    kin_slide *slide = NULL;
    kin_error err;
    kin_error_clear(&err);
    if (kin_slide_open_fd(fd, NULL, &slide, &err) != KIN_OK)
        fail_msg("no slide: %s", err.message);
    return slide;
}

/* What libtiff reads of the file's first page, which a scanner's slide begins with. */
static kin_raster first_page(const char *name)
{
    char path[512];
    void *bytes;
    size_t size;
    kin_error err;
    kin_raster page;
    shared_data(path, sizeof path, name);
    assert_int_equal(kin_fs_read_file(kin_fs_posix(), path, 1 << 24, &bytes, &size, &err), KIN_OK);
    const kin_image_format *tiff = kin_image_format_of(bytes, size);
    assert_non_null(tiff);
    if (tiff->read(bytes, size, 0, NULL, &page, &err) != KIN_OK)
        fail_msg("libtiff: %s", err.message);
    free(bytes);
    return page;
}

static void expect_like_page(kin_slide *slide, const kin_raster *page, int x, int y, int side)
{
    kin_raster r;
    kin_error err;
    assert_int_equal(kin_slide_read(slide, 0, x, y, side, side, &r, &err), KIN_OK);
    assert_int_equal(r.channels, page->channels);
    for (int row = 0; row < side; row++)
        for (int i = 0; i < side * 3; i++) {
            float got = r.px[row * side * 3 + i];
            float want = page->px[((y + row) * page->width + x) * 3 + i];
            if (fabsf(got - want) > 1e-6f)
                fail_msg("row %d, sample %d: %g, not %g", y + row, i, (double)got, (double)want);
        }
    kin_raster_release(&r);
}

static void test_svs_is_what_libtiff_reads(void **state)
{
    (void)state;
    if (!kin_slide_has_openslide())
        skip();
    int fd = open_shared("slides/cmu-1-small-region.svs");
    kin_slide *slide = slide_of(fd);
    const kin_slide_info *info = kin_slide_info_borrow(slide);
    assert_string_equal(info->format, "aperio");
    assert_int_equal(info->levels[0].width, 2220);
    assert_int_equal(info->levels[0].height, 2967);
    assert_true(fabs(info->levels[0].mpp_x - 0.499) < 1e-9);
    assert_true(info->objective_power == 20);
    kin_raster page = first_page("slides/cmu-1-small-region.svs");
    expect_like_page(slide, &page, 0, 0, 300);
    expect_like_page(slide, &page, 1001, 733, 500);
    expect_like_page(slide, &page, 2220 - 64, 2967 - 64, 64);
    kin_raster beyond;
    kin_error err;
    assert_int_equal(kin_slide_read(slide, 0, 2219, 2966, 3, 3, &beyond, &err), KIN_OK);
    assert_true(beyond.px[3] == 1 && beyond.px[26] == 1);
    kin_raster_release(&beyond);
    kin_raster_release(&page);
    kin_slide_close(slide);
    close(fd);
}

static void expect_status(const char *name, kin_status first, kin_status second)
{
    kin_slide *slide = NULL;
    kin_error err;
    int fd = open_shared(name);
    kin_error_clear(&err);
    kin_status status = kin_slide_open_fd(fd, NULL, &slide, &err);
    if (status == KIN_OK) {
        kin_raster r = {0};
        status = kin_slide_read(slide, 0, 0, 0, 16, 16, &r, &err);
        kin_raster_release(&r);
        kin_slide_close(slide);
    }
    if (status != first && status != second)
        fail_msg("%s: %d (%s)", name, status, err.message);
    close(fd);
}

static void test_what_is_no_slide(void **state)
{
    (void)state;
    if (!kin_slide_has_openslide())
        skip();
    expect_status("slides/broken.svs", KIN_E_NO_IMAGE, KIN_E_NO_IMAGE);
    expect_status("slides/openslide_python_fixtures/boxes.png", KIN_E_NO_IMAGE, KIN_E_NO_IMAGE);
    expect_status("slides/openslide_python_fixtures/unopenable.tiff", KIN_E_FORMAT, KIN_E_NO_IMAGE);
    expect_status("slides/openslide_python_fixtures/unreadable.svs", KIN_E_FORMAT, KIN_E_FORMAT);
}

/* The same in a process that can open nothing: exit status 0 when the pixels come to `sum`. */
static void read_sandboxed(int fd, double sum)
{
    enum { MEMORY = 1 << 30, NO_SANDBOX = 2, NO_SLIDE = 3, NO_PIXELS = 4, OTHER_PIXELS = 5 };
    kin_slide *slide;
    kin_raster r;
    kin_slide_prepare();
    if (kin_sandbox_enter(MEMORY, NULL) != KIN_OK)
        _exit(NO_SANDBOX);
    if (kin_slide_open_fd(fd, NULL, &slide, NULL) != KIN_OK)
        _exit(NO_SLIDE);
    if (kin_slide_read(slide, 0, 500, 500, 256, 256, &r, NULL) != KIN_OK)
        _exit(NO_PIXELS);
    double own = 0;
    for (int i = 0; i < 256 * 256 * 3; i++)
        own += (double)r.px[i];
    kin_raster_release(&r);
    kin_slide_close(slide);
    _exit(fabs(own - sum) < 1e-6 ? 0 : OTHER_PIXELS);
}

static void test_behind_the_filter(void **state)
{
    (void)state;
    if (!kin_slide_has_openslide())
        skip();
    int fd = open_shared("slides/cmu-1-small-region.svs");
    kin_slide *slide = slide_of(fd);
    kin_raster r;
    kin_error err;
    double sum = 0;
    assert_int_equal(kin_slide_read(slide, 0, 500, 500, 256, 256, &r, &err), KIN_OK);
    for (int i = 0; i < 256 * 256 * 3; i++)
        sum += (double)r.px[i];
    kin_raster_release(&r);
    kin_slide_close(slide);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        read_sandboxed(fd, sum);
    int wait_status = 0;
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    if (WIFSIGNALED(wait_status))
        fail_msg("signal %d", WTERMSIG(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 0);
    close(fd);
}

/* Broken files behind the filter cost an error, not the process. */
static void test_broken_behind_the_filter(void **state)
{
    (void)state;
    if (!kin_slide_has_openslide())
        skip();
    static const char *const names[] = {"slides/broken.svs",
                                        "slides/openslide_python_fixtures/unopenable.tiff",
                                        "slides/openslide_python_fixtures/unreadable.svs",
                                        "slides/openslide_python_fixtures/small.svs",
                                        "slides/openslide_python_fixtures/boxes.tiff"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int fd = open_shared(names[i]);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            kin_slide *slide = NULL;
            kin_raster r = {0};
            kin_slide_prepare();
            if (kin_sandbox_enter((size_t)1 << 30, NULL) != KIN_OK)
                _exit(2);
            if (kin_slide_open_fd(fd, NULL, &slide, NULL) == KIN_OK)
                kin_slide_read(slide, 0, 0, 0, 16, 16, &r, NULL);
            kin_raster_release(&r);
            kin_slide_close(slide);
            _exit(0);
        }
        int wait_status = 0;
        assert_int_equal(waitpid(child, &wait_status, 0), child);
        if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0)
            fail_msg("%s: status %x", names[i], (unsigned)wait_status);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_svs_is_what_libtiff_reads),
        cmocka_unit_test(test_what_is_no_slide),
        cmocka_unit_test(test_behind_the_filter),
        cmocka_unit_test(test_broken_behind_the_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
