/* made_files.h - DICOM files made for one test, and their rendering. */
#ifndef KIN_TEST_MADE_FILES_H
#define KIN_TEST_MADE_FILES_H

#include "dicom/dicom.h"
#include "dicom/write.h"
#include "shared_data.h"

#define TEST_CT_CLASS    "1.2.840.10008.5.1.4.1.1.2"
#define TEST_SC_CLASS    "1.2.840.10008.5.1.4.1.1.7"
#define ATTRIBUTES(list) .attributes = (list), .attribute_count = sizeof(list) / sizeof((list)[0])

/* A written file, opened.  Close with made_close(). */
typedef struct made {
    void *bytes;
    size_t size;
    kin_dicom *dicom;
} made;

static inline made made_open(kin_dicom_new spec)
{
    made m = {0};
    kin_error err = {0};
    if (spec.sop_class_uid == NULL)
        spec.sop_class_uid = TEST_SC_CLASS;
    spec.sop_instance_uid = "1.2.3.4.5.6";
    if (kin_dicom_write_memory(&spec, &m.bytes, &m.size, &err) != KIN_OK)
        fail_msg("cannot write: %s", err.message);
    if (kin_dicom_open(m.bytes, m.size, NULL, &m.dicom, &err) != KIN_OK)
        fail_msg("cannot open: %s", err.message);
    return m;
}

static inline void made_close(made *m)
{
    kin_dicom_close(m->dicom);
    free(m->bytes);
}

/* Renders a frame of a written file and compares it with `count` display values, within
 * `tolerance`. */
static inline void made_expect(made *m, int frame, const double *expected, size_t count,
                               double tolerance)
{
    kin_error err = {0};
    kin_raster raster;
    if (kin_dicom_render(m->dicom, frame, &raster, &err) != KIN_OK)
        fail_msg("cannot render: %s", err.message);
    assert_int_equal((size_t)raster.width * (size_t)raster.height * (size_t)raster.channels, count);
    for (size_t i = 0; i < count; i++)
        if (!((double)raster.px[i] >= expected[i] - tolerance &&
              (double)raster.px[i] <= expected[i] + tolerance))
            fail_msg("value %zu is %.6f, expected %.6f", i, (double)raster.px[i], expected[i]);
    kin_raster_release(&raster);
}

#endif
