#include "study.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "random.h"
#include "series.h"

void series_uid(uint64_t seed, const exam *e, int number, int image, const char *role,
                char uid[KIN_UID_SIZE])
{
    char place[128];
    int length = snprintf(place, sizeof place, "kindred-make-samples %llu/%d/%d/%d/%d",
                          (unsigned long long)seed, e->who->number, e->number, number, image);
    kin_uid_from_digest(kin_digest_of(place, (size_t)length), role, uid);
}

/* Mostly the compact ones; of each CT, MR and slides some in every lossless transfer syntax. */
static kin_dicom_syntax pick_syntax(const exam *e, int series_number)
{
    static const kin_dicom_syntax rare[] = {KIN_DICOM_EXPLICIT_LE, KIN_DICOM_RLE,
                                            KIN_DICOM_DEFLATED, KIN_DICOM_IMPLICIT_LE};
    int turn = e->who->number + 7 * (e->number - 1) + 3 * (series_number - 1);
    if (turn % 4 == 3) {
        return rare[turn / 4 % 4];
    }
    return turn % 4 == 1 ? KIN_DICOM_JPEG_LOSSLESS : KIN_DICOM_JPEG_LS;
}

/* Within 2019 to 2024, on a day that every month has. */
static void date_of(uint64_t seed, const exam *e, char date[40])
{
    rng r = rng_make(seed, "date", (uint64_t)e->who->number);
    int first = rng_below(&r, 30), day = 1 + rng_below(&r, 28), month = first + e->months;
    snprintf(date, 40, "%04d%02d%02d", 2019 + month / 12, 1 + month % 12, day);
}

void series_describe(dataset *d, const series *s)
{
    const patient *who = s->exam->who;
    char date[40];
    date_of(s->seed, s->exam, date);
    dataset_add(d, "SpecificCharacterSet", "ISO_IR 192");
    dataset_add(d, "PatientName", "Synthetic^Case %02d", who->number);
    dataset_add(d, "PatientID", "%s", s->study->patient_id);
    dataset_add_empty(d, "PatientBirthDate");
    dataset_add(d, "PatientSex", "%c", who->sex);
    dataset_add(d, "PatientAge", "%03dY", who->age + s->exam->months / 12);
    dataset_add(d, "StudyInstanceUID", "%s", s->study->study_uid);
    dataset_add(d, "StudyDate", "%s", date);
    dataset_add(d, "StudyTime", "120000");
    dataset_add(d, "SeriesDate", "%s", date);
    dataset_add(d, "ContentDate", "%s", date);
    dataset_add(d, "ContentTime", "120000");
    dataset_add_empty(d, "ReferringPhysicianName");
    dataset_add(d, "StudyID", "%d", s->exam->number);
    dataset_add(d, "AccessionNumber", "%s", s->study->accession);
    dataset_add(d, "Modality", "%s", cohort_modality(s->exam));
    dataset_add(d, "SeriesInstanceUID", "%s", s->uid);
    dataset_add(d, "SeriesNumber", "%d", s->number);
    dataset_add(d, "FrameOfReferenceUID", "%s", s->frame_of_reference);
    dataset_add_empty(d, "PositionReferenceIndicator");
    dataset_add(d, "BodyPartExamined", "%s", cohort_body_part(s->exam));
    dataset_add(d, "Manufacturer", "Kindred");
    dataset_add(d, "ManufacturerModelName", "kindred-make-samples");
    dataset_add(d, "DeviceSerialNumber", "1");
    dataset_add(d, "SoftwareVersions", "1");
    dataset_add(d, "InstitutionName", "Synthetic samples");
    dataset_add(d, "BurnedInAnnotation", "NO");
    dataset_add(d, "ImageComments", "Synthetic image of a computed phantom, not of a person");
}

kin_status series_write_image(series *s, int image, const dataset *d, kin_dicom_new *spec,
                              kin_error *err)
{
    char *relative = s->study->paths[s->study->images], path[4096];
    snprintf(relative, IMAGE_PATH_SIZE, "%s/study-%d/series-%d", s->study->patient_id,
             s->exam->number, s->number);
    int length = snprintf(path, sizeof path, "%s/%s", s->output->folder, relative);
    kin_status status = KIN_OK;
    if (d->full || length < 0 || (size_t)length + 16 >= sizeof path) {
        return kin_fail(err, KIN_E_LIMIT, s->output->folder, "a data set or path is too long");
    }
    status = kin_fs_make_dirs(kin_fs_posix(), path, err);
    if (status != KIN_OK) {
        return status;
    }
    snprintf(path + length, sizeof path - (size_t)length, "/image-%d.dcm", image);
    snprintf(relative + strlen(relative), IMAGE_PATH_SIZE - strlen(relative), "/image-%d.dcm",
             image);
    spec->syntax = s->syntax;
    spec->attributes = d->items;
    spec->attribute_count = d->count;
    pthread_mutex_lock(&s->output->encoder);
    status = kin_dicom_write(path, spec, err);
    pthread_mutex_unlock(&s->output->encoder);
    s->study->images += status == KIN_OK;
    return status;
}

kin_status study_write(output *to, const exam *e, study *out, kin_error *err)
{
    const uint64_t seed = to->seed;
    *out = (study){.exam = *e};
    snprintf(out->patient_id, sizeof out->patient_id, "SYN-%04d", e->who->number);
    snprintf(out->accession, sizeof out->accession, "SYNA-%04d-%d", e->who->number, e->number);
    if (e->who->finding != FINDING_NONE || e->who->slide) {
        snprintf(out->lesion_id, sizeof out->lesion_id, "%s-L1", out->patient_id);
    }
    series_uid(seed, e, 0, 0, "study", out->study_uid);
    kin_status status = KIN_OK;
    for (int number = 1; number <= e->series && status == KIN_OK; number++) {
        series s = {.seed = seed, .output = to, .exam = e, .study = out, .number = number};
        rng r =
            rng_make(seed, "images",
                     (uint64_t)e->who->number * 100 + (uint64_t)e->number * 10 + (uint64_t)number);
        s.images = e->series > 1 || e->growth != 1.0 ? 3 : 3 + rng_below(&r, 2);
        s.syntax = pick_syntax(e, number);
        series_uid(seed, e, number, 0, "series", s.uid);
        series_uid(seed, e, 0, 0, "frame of reference", s.frame_of_reference);
        status = e->slide ? series_write_slide(&s, err) : series_write_scan(&s, err);
    }
    return status;
}
