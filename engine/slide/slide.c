#include "slide/slide.h"

#include <math.h>
#include <stdlib.h>

#include "slide/backend.h"

static const double objective_mpp = 10;     /* micrometres a pixel at a power of 1 */
static const double level_tolerance = 1.05; /* see kin_slide_level_for() */
static const double micrometres_per_mm = 1000;

static bool is_plausible(double mpp)
{
    return mpp >= KIN_SLIDE_MPP_MIN && mpp <= KIN_SLIDE_MPP_MAX; /* false for NaN */
}

void kin_slide_settle_mpp(kin_slide_info *info, double mpp_x, double mpp_y)
{
    info->mpp_source = KIN_MPP_STATED;
    if (!is_plausible(mpp_x) && is_plausible(mpp_y))
        mpp_x = mpp_y;
    if (!is_plausible(mpp_y) && is_plausible(mpp_x))
        mpp_y = mpp_x;
    if (!is_plausible(mpp_x)) {
        double by_power = info->objective_power > 0 ? objective_mpp / info->objective_power : 0;
        bool known = is_plausible(by_power);
        info->mpp_source = known ? KIN_MPP_OBJECTIVE : KIN_MPP_ASSUMED;
        mpp_x = mpp_y = known ? by_power : KIN_SLIDE_MPP_ASSUMED;
    }
    for (size_t i = 0; i < info->level_count; i++) {
        info->levels[i].mpp_x = mpp_x * info->levels[i].downsample;
        info->levels[i].mpp_y = mpp_y * info->levels[i].downsample;
    }
}

kin_status kin_slide_new(const kin_slide_backend *backend, void *self, const kin_slide_info *info,
                         const kin_image_limits *limits, kin_slide **out, kin_error *err)
{
    *out = NULL;
    kin_slide *slide = calloc(1, sizeof *slide);
    if (slide == NULL) {
        backend->close(self);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a slide");
    }
    slide->backend = backend;
    slide->self = self;
    slide->info = *info;
    slide->limits = kin_image_limits_effective(limits);
    *out = slide;
    return KIN_OK;
}

void kin_slide_close(kin_slide *slide)
{
    if (slide == NULL)
        return;
    slide->backend->close(slide->self);
    free(slide);
}

const kin_slide_info *kin_slide_info_borrow(const kin_slide *slide)
{
    return &slide->info;
}

static kin_status check_region(const kin_slide *slide, size_t level, int64_t x, int64_t y,
                               int width, int height, kin_error *err)
{
    if (level >= slide->info.level_count)
        return kin_fail(err, KIN_E_ARG, NULL, "the slide has no level %zu", level);
    const kin_slide_level *l = &slide->info.levels[level];
    if (x < 0 || y < 0 || x >= l->width || y >= l->height || width < 1 || height < 1)
        return kin_fail(err, KIN_E_ARG, NULL,
                        "%d x %d pixels at %lld, %lld of a slide of %lld x %lld", width, height,
                        (long long)x, (long long)y, (long long)l->width, (long long)l->height);
    return kin_image_check_frame((uint64_t)width, (uint64_t)height, (uint64_t)slide->info.channels,
                                 &slide->limits, err);
}

kin_status kin_slide_read(kin_slide *slide, size_t level, int64_t x, int64_t y, int width,
                          int height, kin_raster *out, kin_error *err)
{
    *out = (kin_raster){0};
    kin_status status = check_region(slide, level, x, y, width, height, err);
    if (status == KIN_OK)
        status = kin_raster_init(out, width, height, slide->info.channels, err);
    if (status != KIN_OK)
        return status;
    size_t count = (size_t)width * (size_t)height * (size_t)slide->info.channels;
    for (size_t i = 0; slide->info.channels == 3 && i < count; i++)
        out->px[i] = 1;
    out->spacing_x_mm = slide->info.levels[level].mpp_x / micrometres_per_mm;
    out->spacing_y_mm = slide->info.levels[level].mpp_y / micrometres_per_mm;
    status = slide->backend->read(slide->self, level, x, y, out, err);
    if (status != KIN_OK)
        kin_raster_release(out);
    return status;
}

bool kin_slide_has(const kin_slide *slide, size_t level, int64_t x, int64_t y, int64_t width,
                   int64_t height)
{
    return slide->backend->has == NULL ||
           slide->backend->has(slide->self, level, x, y, width, height);
}

size_t kin_slide_level_for(const kin_slide_info *info, double mpp)
{
    size_t best = 0;
    for (size_t i = 1; i < info->level_count; i++) {
        const kin_slide_level *l = &info->levels[i];
        if (fmax(l->mpp_x, l->mpp_y) <= mpp * level_tolerance &&
            l->downsample > info->levels[best].downsample)
            best = i;
    }
    return best;
}

/* The pixels of an axis that an interval of micrometres covers: at least one, none beyond the
 * edge. */
static void pixels_of(double from_um, double side_um, double mpp, int64_t length, int64_t *first,
                      int64_t *count)
{
    double from = round(from_um / mpp), to = round((from_um + side_um) / mpp);
    *first = from < 0 ? 0 : from >= (double)length ? length - 1 : (int64_t)from;
    int64_t end = to > (double)length ? length : (int64_t)fmax(to, 0);
    *count = end > *first ? end - *first : 1;
}

/* How many pixels `count` ones of size mpp are at the size wanted; never more. */
static int shrunk(int64_t count, double mpp, double wanted)
{
    double n = round((double)count * mpp / wanted);
    return n >= (double)count ? (int)count : n < 1 ? 1 : (int)n;
}

kin_status kin_slide_read_square(kin_slide *slide, double x_um, double y_um, double side_um,
                                 double mpp, kin_raster *out, size_t *level, kin_error *err)
{
    *out = (kin_raster){0};
    if (!(side_um > 0) || !(mpp > 0) || !(fabs(x_um) < 1e12) || !(fabs(y_um) < 1e12) ||
        !(side_um < 1e12))
        return kin_fail(err, KIN_E_ARG, NULL, "a square of %g micrometres at %g a pixel", side_um,
                        mpp);
    size_t from = kin_slide_level_for(&slide->info, mpp);
    const kin_slide_level *l = &slide->info.levels[from];
    int64_t x, y, width, height;
    pixels_of(x_um, side_um, l->mpp_x, l->width, &x, &width);
    pixels_of(y_um, side_um, l->mpp_y, l->height, &y, &height);
    if (width > INT32_MAX || height > INT32_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "a square of %g micrometres is too large", side_um);
    kin_raster read = {0};
    kin_status status = kin_slide_read(slide, from, x, y, (int)width, (int)height, &read, err);
    if (status == KIN_OK)
        status = kin_raster_resample(&read, shrunk(width, l->mpp_x, mpp),
                                     shrunk(height, l->mpp_y, mpp), out, err);
    kin_raster_release(&read);
    if (status == KIN_OK && level != NULL)
        *level = from;
    return status;
}
