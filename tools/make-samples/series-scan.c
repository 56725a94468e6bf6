/* series-scan.c - CT and MR series as DICOM files. */
#include "phantom.h"
#include "random.h"
#include "scanner.h"
#include "series.h"

static const char CT_STORAGE[] = "1.2.840.10008.5.1.4.1.1.2";
static const char MR_STORAGE[] = "1.2.840.10008.5.1.4.1.1.4";

/* How this series was scanned. */
static scan plan_scan(const series *s, const phantom *body)
{
    const exam *e = s->exam;
    uint64_t number = (uint64_t)e->who->number * 100 + (uint64_t)e->number * 10;
    rng study_rng = rng_make(s->seed, "position", number);
    rng r = rng_make(s->seed, "scan", number + (uint64_t)s->number);
    bool mr = e->who->region == REGION_BRAIN;
    scan c = {.seed = rng_next(&r), .mr = mr};
    double extent = mr ? 2.0 * body->half_depth : 2.0 * body->half_width;
    c.pixel_mm = extent * (mr ? rng_range(&r, 1.08, 1.26) : rng_range(&r, 1.02, 1.16)) / SLICE_SIDE;
    c.blur_px = rng_range(&r, 0.40, 0.75);
    c.coarse = rng_range(&r, 0.3, 1.0);
    c.noise = mr ? rng_range(&r, 8, 26) : rng_range(&r, 7, 20);
    c.bias = rng_range(&r, 0.05, 0.30);
    c.gain = rng_range(&r, 0.35, 1.1);
    c.roll = (mr ? 0.10 : 0.05) * rng_normal(&study_rng);
    c.tilt = mr && rng_unit(&study_rng) < 0.5 ? rng_range(&study_rng, -0.14, 0.14) : 0.0;
    c.shift.x = 4.0 * rng_normal(&study_rng);
    c.shift.y = 4.0 * rng_normal(&study_rng);
    c.shift.z = 20.0 * rng_normal(&study_rng);
    c.padded = !mr && rng_unit(&study_rng) < 0.5;
    c.couch = !mr && rng_unit(&study_rng) < 0.6;
    c.is_signed = !mr && rng_unit(&study_rng) < 0.4;
    /* All slices cross the lesion. */
    double radius = body->lesion_mm > 0.0 ? 0.5 * body->lesion_mm : rng_range(&r, 8, 16);
    c.spacing_mm = clamp(floor(1.05 * radius / s->images * 2.0) / 2.0, 1.0, 6.0);
    c.thickness_mm = c.spacing_mm;
    /* In the scanner's space: the phantom turned and moved. The middle slice holds the focus. */
    vec3 f = body->focus;
    double cosine = exact_cos(c.roll), sine = exact_sin(c.roll);
    vec3 focus = add3(v3(f.x * cosine - f.y * sine, f.x * sine + f.y * cosine, f.z), c.shift);
    c.centre = add3(c.shift, rng_box(&r, v3(-3, -3, 0), v3(3, 3, 0)));
    c.centre.z = focus.z - (focus.y - c.centre.y) * exact_sin(c.tilt) / exact_cos(c.tilt);
    return c;
}

static void describe_geometry(dataset *d, const scan *c, int index, int count)
{
    vec3 origin = scan_origin(c, index, count);
    dataset_add(d, "PatientPosition", "HFS");
    dataset_add(d, "PixelSpacing", "%.4f\\%.4f", c->pixel_mm, c->pixel_mm);
    dataset_add(d, "SliceThickness", "%.1f", c->thickness_mm);
    dataset_add(d, "ImagePositionPatient", "%.3f\\%.3f\\%.3f", origin.x, origin.y, origin.z);
    dataset_add(d, "ImageOrientationPatient", "1\\0\\0\\0\\%.8f\\%.8f", exact_cos(c->tilt),
                exact_sin(c->tilt));
    dataset_add(d, "SliceLocation", "%.3f", origin.z);
    dataset_add(d, "InstanceNumber", "%d", index + 1);
    dataset_add(d, "AcquisitionNumber", "1");
}

static void describe_ct(dataset *d, const series *s, const scan *c, double contrast)
{
    rng r = rng_make(c->seed, "window", 0);
    bool chest = s->exam->who->region == REGION_CHEST, soft = !chest || s->number > 1;
    dataset_add(d, "ImageType", "DERIVED\\SECONDARY\\AXIAL");
    dataset_add(d, "StudyDescription", "Synthetic CT %s", chest ? "chest" : "abdomen");
    dataset_add(d, "SeriesDescription", "%s %.1f mm", soft ? "soft tissue" : "lung",
                c->thickness_mm);
    dataset_add(d, "KVP", "%d", 100 + 20 * rng_below(&r, 2));
    dataset_add(d, "ConvolutionKernel", "%s",
                c->blur_px > 0.6   ? "SMOOTH"
                : c->blur_px > 0.5 ? "STANDARD"
                                   : "SHARP");
    if (contrast > 0.0) {
        dataset_add(d, "ContrastBolusAgent", "Synthetic contrast medium");
    }
    dataset_add(d, "RescaleIntercept", "%d", c->is_signed ? 0 : -CT_OFFSET);
    dataset_add(d, "RescaleSlope", "1");
    dataset_add(d, "RescaleType", "HU");
    if (c->padded) {
        dataset_add_as(d, "PixelPaddingValue", c->is_signed ? "SS" : "US", "%d",
                       c->is_signed ? CT_PADDING : 0);
    }
    int centre = soft ? 40 + 10 * rng_below(&r, 3) : -650 + 50 * rng_below(&r, 4);
    int width = soft ? 350 + 50 * rng_below(&r, 2) : 1200 + 100 * rng_below(&r, 5);
    if (!soft && rng_unit(&r) < 0.3) {
        dataset_add(d, "WindowCenter", "%d\\40", centre);
        dataset_add(d, "WindowWidth", "%d\\400", width);
    } else {
        dataset_add(d, "WindowCenter", "%d", centre);
        dataset_add(d, "WindowWidth", "%d", width);
    }
}

static void describe_mr(dataset *d, const scan *c)
{
    rng r = rng_make(c->seed, "window", 0);
    dataset_add(d, "ImageType", "DERIVED\\SECONDARY\\OTHER");
    dataset_add(d, "StudyDescription", "Synthetic MR brain");
    dataset_add(d, "SeriesDescription", "T1 after contrast %.1f mm", c->thickness_mm);
    dataset_add(d, "ContrastBolusAgent", "Synthetic contrast medium");
    dataset_add(d, "ScanningSequence", "SE");
    dataset_add(d, "SequenceVariant", "NONE");
    dataset_add_empty(d, "ScanOptions");
    dataset_add(d, "MRAcquisitionType", "2D");
    dataset_add(d, "RepetitionTime", "%d", 450 + 50 * rng_below(&r, 5));
    dataset_add(d, "EchoTime", "%d", 9 + rng_below(&r, 7));
    dataset_add(d, "EchoTrainLength", "1");
    dataset_add(d, "MagneticFieldStrength", "%s", rng_unit(&r) < 0.5 ? "1.5" : "3");
    dataset_add(d, "SpacingBetweenSlices", "%.1f", c->spacing_mm);
    if (rng_unit(&r) < 0.6) { /* others leave the window to the reader */
        dataset_add(d, "WindowCenter", "%.0f", c->gain * rng_range(&r, 420, 500));
        dataset_add(d, "WindowWidth", "%.0f", c->gain * rng_range(&r, 800, 1000));
    }
}

/* How much contrast medium: always in MR; in CT now and then, alike for a study's series. */
static double contrast_of(uint64_t seed, const exam *e)
{
    rng r = rng_make(seed, "contrast", (uint64_t)e->who->number * 10 + (uint64_t)e->number);
    double without = e->who->region == REGION_CHEST     ? 0.5
                     : e->who->region == REGION_ABDOMEN ? 0.2
                                                        : 0.0;
    return rng_unit(&r) < without ? 0.0 : rng_range(&r, 0.6, 1.0);
}

kin_status series_write_scan(series *s, kin_error *err)
{
    const exam *e = s->exam;
    const subject person = {.seed = cohort_seed(s->seed, e->who),
                            .sex = e->who->sex,
                            .age = e->who->age,
                            .finding = e->who->finding,
                            .growth = e->growth,
                            .contrast = contrast_of(s->seed, e),
                            .low = e->who->low};
    kin_status (*const makers[])(const subject *, phantom **,
                                 kin_error *) = {chest_new, abdomen_new, brain_new};
    phantom *body = NULL;
    kin_status status = makers[e->who->region](&person, &body, err);
    if (status != KIN_OK) {
        return status;
    }
    s->study->lesion_mm = body->lesion_mm;
    const scan c = plan_scan(s, body);
    for (int i = 0; i < s->images && status == KIN_OK; i++) {
        uint16_t pixels[SLICE_PIXELS];
        scan_slice(&c, body, i, s->images, pixels);
        dataset d = {.count = 0};
        char uid[KIN_UID_SIZE];
        series_uid(s->seed, e, s->number, i + 1, "instance", uid);
        series_describe(&d, s);
        describe_geometry(&d, &c, i, s->images);
        if (c.mr) {
            describe_mr(&d, &c);
        } else {
            describe_ct(&d, s, &c, person.contrast);
        }
        kin_dicom_new spec = {.sop_class_uid = c.mr ? MR_STORAGE : CT_STORAGE,
                              .sop_instance_uid = uid,
                              .pixels = pixels,
                              .pixels_size = sizeof pixels,
                              .rows = SLICE_SIDE,
                              .columns = SLICE_SIDE,
                              .bits_allocated = 16,
                              .bits_stored = c.is_signed ? 16 : MR_BITS,
                              .is_signed = c.is_signed};
        status = series_write_image(s, i + 1, &d, &spec, err);
    }
    phantom_free(body);
    return status;
}
