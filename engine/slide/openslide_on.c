/* openslide_on.c - vendors' slides by OpenSlide. */
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openslide.h>

#include "base/checked.h"
#include "slide/backend.h"

enum {
    BLOCK = 1024,  /* pixels a side: a few of the file's own tiles */
    PATH_SIZE = 64 /* "/proc/self/fd/" and a number */
};

/* Only TIFF-like files are read: the other formats are in several files, or in a database.  One
 * that is DICOM as well, behind a preamble that is TIFF's, is read as DICOM. */
static bool is_candidate(int fd)
{
    enum { MAGIC = 4, PREAMBLE = 128, HEAD = PREAMBLE + 4 };
    static const char magics[][MAGIC + 1] = {"II*\0", "MM\0*", "II+\0", "MM\0+"};
    char head[HEAD];
    ssize_t got;
    do
        got = pread(fd, head, sizeof head, 0);
    while (got < 0 && errno == EINTR);
    if (got == HEAD && memcmp(head + PREAMBLE, "DICM", MAGIC) == 0)
        return false;
    for (size_t i = 0; got >= MAGIC && i < sizeof magics / sizeof magics[0]; i++)
        if (memcmp(head, magics[i], MAGIC) == 0)
            return true;
    return false;
}

static double number_of(openslide_t *file, const char *property)
{
    const char *text = openslide_get_property_value(file, property);
    double value = text != NULL ? strtod(text, NULL) : 0; /* the "C" locale's point */
    return isfinite(value) && value > 0 ? value : 0;
}

/* The message that OpenSlide has for what it could not do: the path in it is our own. */
static kin_status broken(openslide_t *file, kin_error *err)
{
    const char *why = openslide_get_error(file);
    return kin_fail(err, KIN_E_FORMAT, NULL, "OpenSlide cannot read the slide: %s",
                    why != NULL ? why : "no reason given");
}

/* ARGB with its colours multiplied by alpha, over white. */
static void compose(const uint32_t *argb, kin_raster *out)
{
    size_t count = (size_t)out->width * (size_t)out->height;
    for (size_t i = 0; i < count; i++) {
        uint32_t clear = 255 - (argb[i] >> 24);
        for (int c = 0; c < 3; c++) {
            uint32_t v = (argb[i] >> (16 - 8 * c) & 0xff) + clear;
            out->px[3 * i + (size_t)c] = (float)(v > 255 ? 255 : v) / 255.0f;
        }
    }
}

static kin_status read_region(void *state, size_t level, int64_t x, int64_t y, kin_raster *out,
                              kin_error *err)
{
    openslide_t *file = state;
    size_t bytes;
    if (!kin_mul_size((size_t)out->width, (size_t)out->height, &bytes) ||
        !kin_mul_size(bytes, sizeof(uint32_t), &bytes))
        return kin_fail(err, KIN_E_LIMIT, NULL, "a region of %d x %d pixels", out->width,
                        out->height);
    uint32_t *argb = malloc(bytes);
    if (argb == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
    double downsample = openslide_get_level_downsample(file, (int32_t)level);
    /* Beyond the edge OpenSlide gives transparent pixels: white. */
    openslide_read_region(file, argb, (int64_t)llround((double)x * downsample),
                          (int64_t)llround((double)y * downsample), (int32_t)level, out->width,
                          out->height);
    kin_status status = KIN_OK;
    if (openslide_get_error(file) != NULL)
        status = broken(file, err);
    else
        compose(argb, out);
    free(argb);
    return status;
}

static void close_slide(void *state)
{
    openslide_close(state);
}

static const kin_slide_backend backend = {.read = read_region, .close = close_slide};

static kin_status describe(openslide_t *file, kin_slide_info *info, kin_error *err)
{
    const char *vendor = openslide_get_property_value(file, OPENSLIDE_PROPERTY_NAME_VENDOR);
    static const char *const vendors[] = {"aperio",  "hamamatsu", "leica",       "philips",
                                          "ventana", "trestle",   "generic-tiff"};
    int32_t levels = openslide_get_level_count(file);
    *info = (kin_slide_info){.format = "openslide", .channels = 3};
    for (size_t i = 0; vendor != NULL && i < sizeof vendors / sizeof vendors[0]; i++)
        if (strcmp(vendors[i], vendor) == 0)
            info->format = vendors[i];
    info->objective_power = number_of(file, OPENSLIDE_PROPERTY_NAME_OBJECTIVE_POWER);
    for (int32_t i = 0; i < levels && i < KIN_SLIDE_LEVELS_MAX; i++) {
        kin_slide_level *l = &info->levels[info->level_count];
        openslide_get_level_dimensions(file, i, &l->width, &l->height);
        l->downsample = openslide_get_level_downsample(file, i);
        l->block_width = l->block_height = BLOCK;
        if (l->width < 1 || l->height < 1 || !(l->downsample >= 1) || !isfinite(l->downsample))
            break;
        info->level_count++;
    }
    if (info->level_count == 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "the slide has no level with pixels");
    kin_slide_settle_mpp(info, number_of(file, OPENSLIDE_PROPERTY_NAME_MPP_X),
                         number_of(file, OPENSLIDE_PROPERTY_NAME_MPP_Y));
    return KIN_OK;
}

/* A tiled TIFF that no scanner has signed is a picture like others, unless it is a pyramid or more
 * than a picture may be. */
static kin_status check_generic(const kin_slide_info *info, const kin_image_limits *limits,
                                kin_error *err)
{
    const kin_slide_level *l = &info->levels[0];
    kin_image_limits effective = kin_image_limits_effective(limits);
    if (strcmp(info->format, "generic-tiff") != 0 || info->level_count > 1 ||
        kin_image_check_frame((uint64_t)l->width, (uint64_t)l->height, 3, &effective, NULL) !=
            KIN_OK)
        return KIN_OK;
    return kin_fail(err, KIN_E_NO_IMAGE, NULL, "a picture rather than a slide");
}

bool kin_slide_has_openslide(void)
{
    return true;
}

/* GLib's: it is there wherever OpenSlide is, but for its headers. */
typedef int log_writer(int level, const void *fields, size_t count, void *data);
typedef void log_handler(const char *domain, int level, const char *message, void *data);

static int drop_record(int level, const void *fields, size_t count, void *data)
{
    (void)level;
    (void)fields;
    (void)count;
    (void)data;
    return 1; /* G_LOG_WRITER_HANDLED */
}

static void drop_message(const char *domain, int level, const char *message, void *data)
{
    (void)domain;
    (void)level;
    (void)message;
    (void)data;
}

/* What GLib has to say of a broken file is nobody's to read, and saying it takes calls that a
 * filter forbids: it asks what the error output is, and reads the time zone. */
static void silence_log(void)
{
    void (*set_writer)(log_writer * writer, void *data, void (*release)(void *data)) = NULL;
    void *(*set_handler)(log_handler * handler, void *data) = NULL;
    *(void **)&set_writer = dlsym(RTLD_DEFAULT, "g_log_set_writer_func");
    *(void **)&set_handler = dlsym(RTLD_DEFAULT, "g_log_set_default_handler");
    if (set_writer != NULL)
        set_writer(drop_record, NULL, NULL);
    if (set_handler != NULL)
        set_handler(drop_message, NULL);
}

void kin_slide_prepare(void)
{
    static bool prepared; /* a writer may be set once */
    if (prepared)
        return;
    prepared = true;
    silence_log();
    /* Fails, and on its way loads what messages and character sets take. */
    openslide_t *none = openslide_open("/proc/self/fd/none");
    if (none != NULL)
        openslide_close(none);
}

kin_status kin_slide_open_fd(int fd, const kin_image_limits *limits, kin_slide **out,
                             kin_error *err)
{
    char path[PATH_SIZE];
    kin_slide_info info;
    *out = NULL;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (!is_candidate(fd))
        return kin_fail(err, KIN_E_NO_IMAGE, NULL, "no slide");
    openslide_t *file = openslide_open(path);
    if (file == NULL)
        return kin_fail(err, KIN_E_NO_IMAGE, NULL, "no slide that OpenSlide knows");
    kin_status status =
        openslide_get_error(file) != NULL ? broken(file, err) : describe(file, &info, err);
    if (status == KIN_OK)
        status = check_generic(&info, limits, err);
    if (status != KIN_OK) {
        openslide_close(file);
        return status;
    }
    return kin_slide_new(&backend, file, &info, limits, out, err);
}
