#include "cohort.h"

#include "random.h"

/* Shorthand for the table's columns region … tissue. */
#define CHEST(f)     REGION_CHEST, FINDING_##f, false, false, false, TISSUE_CARCINOMA
#define CHEST_CUT(f) REGION_CHEST, FINDING_##f, false, false, true, TISSUE_CARCINOMA
#define LIVER(f)     REGION_ABDOMEN, FINDING_##f, false, false, false, TISSUE_CARCINOMA
#define LIVER_CUT(f) REGION_ABDOMEN, FINDING_##f, false, false, true, TISSUE_CARCINOMA
#define BRAIN(f)     REGION_BRAIN, FINDING_##f, false, false, false, TISSUE_GLIOMA
#define BRAIN_CUT(f) REGION_BRAIN, FINDING_##f, false, false, true, TISSUE_GLIOMA
#define BASE(f)      REGION_BRAIN, FINDING_##f, true, false, false, TISSUE_GLIOMA
#define BREAST(t)    REGION_BREAST, FINDING_NONE, false, true, true, TISSUE_##t

/* number, sex, age, region and finding, growth, series, treatment, outcome, months, event, test */
static const patient PATIENTS[] = {
    {1, 'M', 64, CHEST_CUT(SPICULATED_NODULE), 0, 2, "resection", "remission", 31, false, false},
    {2, 'F', 52, BRAIN(MENINGIOMA), 0, 1, "resection", "well", 40, false, false},
    {3, 'F', 47, LIVER(LIVER_CYST), 1.02, 1, "surveillance", "stable", 24, false, false},
    {4, 'M', 58, BRAIN_CUT(GLIOMA), 1.28, 1, "radiochemotherapy", "progression", 9, true, false},
    {5, 'F', 44, BREAST(BENIGN_GLANDS), 0, 1, "none", "well", 36, false, false},
    {6, 'M', 71, CHEST(GROUND_GLASS_NODULE), 0.68, 1, "surveillance", "regression", 6, false,
     false},
    {7, 'M', 39, BASE(PITUITARY), 0, 1, "resection", "well", 28, false, false},
    {8, 'F', 66, LIVER_CUT(LIVER_METASTASIS), 0, 1, "chemotherapy", "died", 14, true, false},
    {9, 'M', 35, BRAIN(NONE), 0, 1, "none", "well", 12, false, false},
    {10, 'F', 59, CHEST(SOLID_NODULE), 1.03, 1, "surveillance", "stable", 24, false, false},
    {11, 'F', 61, BREAST(CARCINOMA), 0, 1, "resection", "remission", 44, false, false},
    {12, 'M', 49, LIVER(NONE), 0, 1, "none", "well", 18, false, false},
    {13, 'M', 67, BRAIN(GLIOMA), 0, 1, "radiochemotherapy", "died", 11, true, true},
    {14, 'F', 55, CHEST(NONE), 1.0, 1, "none", "well", 26, false, false},
    {15, 'F', 63, BRAIN(MENINGIOMA), 1.04, 1, "surveillance", "stable", 38, false, false},
    {16, 'M', 73, CHEST_CUT(SPICULATED_NODULE), 1.30, 1, "chemotherapy", "died", 17, true, true},
    {17, 'M', 57, LIVER(LIVER_METASTASIS), 1.33, 1, "chemotherapy", "progression", 7, true, false},
    {18, 'F', 31, BASE(PITUITARY), 0.72, 1, "medical", "regression", 12, false, true},
    {19, 'F', 50, BREAST(BENIGN_GLANDS), 0, 1, "none", "well", 29, false, true},
    {20, 'M', 45, CHEST(SOLID_NODULE), 0, 2, "resection", "well", 33, false, true},
    {21, 'F', 70, BASE(MENINGIOMA), 0, 1, "radiotherapy", "stable", 21, false, true},
    {22, 'M', 62, LIVER(LIVER_CYST), 0, 1, "none", "stable", 30, false, true},
    {23, 'F', 42, BRAIN_CUT(GLIOMA), 0, 1, "resection", "recurrence", 19, true, true},
    {24, 'F', 68, CHEST(GROUND_GLASS_NODULE), 0, 1, "surveillance", "stable", 18, false, true},
    {25, 'F', 54, BREAST(CARCINOMA), 0, 1, "resection", "recurrence", 27, true, true},
    {26, 'M', 60, BASE(NONE), 0, 1, "none", "well", 15, false, true},
    {27, 'F', 74, LIVER_CUT(LIVER_METASTASIS), 0, 1, "resection", "remission", 35, false, true},
    {28, 'M', 48, BASE(PITUITARY), 0, 1, "resection", "recurrence", 32, true, false},
    {29, 'F', 69, CHEST_CUT(SPICULATED_NODULE), 0, 1, "resection", "recurrence", 22, true, false},
    {30, 'M', 53, CHEST(NONE), 0, 1, "none", "well", 14, false, true},
    {31, 'F', 37, LIVER(NONE), 0, 1, "none", "well", 20, false, true},
    {32, 'F', 72, BRAIN(MENINGIOMA), 0, 1, "resection", "well", 25, false, true},
    {33, 'M', 51, BASE(GLIOMA), 0.78, 1, "radiochemotherapy", "regression", 8, false, false},
    {34, 'M', 65, CHEST(SOLID_NODULE), 0, 1, "resection", "remission", 37, false, false},
    {35, 'M', 41, LIVER(LIVER_METASTASIS), 0, 1, "chemotherapy", "progression", 10, true, true},
    {36, 'F', 56, CHEST(GROUND_GLASS_NODULE), 0, 1, "resection", "remission", 29, false, false},
    {37, 'F', 29, BREAST(BENIGN_GLANDS), 0, 1, "none", "well", 23, false, false},
    {38, 'F', 78, BRAIN(NONE), 0, 1, "none", "well", 13, false, false},
    {39, 'M', 58, LIVER(LIVER_CYST), 0, 1, "none", "well", 34, false, false},
};

const patient *cohort(size_t *count)
{
    *count = sizeof PATIENTS / sizeof PATIENTS[0];
    return PATIENTS;
}

int cohort_exams(const patient *who, exam exams[MAX_EXAMS])
{
    int count = 0;
    if (!who->slide_only) {
        exams[count++] = (exam){.who = who, .growth = 1.0, .series = who->series};
    }
    if (who->slide) {
        exams[count++] = (exam){.who = who, .slide = true, .growth = 1.0, .months = 1, .series = 1};
    }
    if (who->growth > 0.0) {
        int months = who->months > 8 ? 6 : who->months - 1;
        exams[count++] = (exam){.who = who, .growth = who->growth, .months = months, .series = 1};
    }
    for (int i = 0; i < count; i++) {
        exams[i].number = i + 1;
    }
    return count;
}

const char *cohort_diagnosis(const exam *e)
{
    static const char *const findings[] = {
        [FINDING_NONE] = "normal",
        [FINDING_SOLID_NODULE] = "solid_nodule",
        [FINDING_SPICULATED_NODULE] = "spiculated_nodule",
        [FINDING_GROUND_GLASS_NODULE] = "ground_glass_nodule",
        [FINDING_LIVER_METASTASIS] = "liver_metastasis",
        [FINDING_LIVER_CYST] = "liver_cyst",
        [FINDING_GLIOMA] = "glioma",
        [FINDING_MENINGIOMA] = "meningioma",
        [FINDING_PITUITARY] = "pituitary",
    };
    static const char *const tissues[] = {
        [TISSUE_BENIGN_GLANDS] = "benign",
        [TISSUE_CARCINOMA] = "carcinoma",
        [TISSUE_GLIOMA] = "glioma",
    };
    return e->slide ? tissues[e->who->tissue] : findings[e->who->finding];
}

const char *cohort_modality(const exam *e)
{
    return e->slide ? "SM" : e->who->region == REGION_BRAIN ? "MR" : "CT";
}

const char *cohort_body_part(const exam *e)
{
    static const char *const scanned[] = {"CHEST", "ABDOMEN", "BRAIN", "BREAST"};
    static const char *const cut[] = {"LUNG", "LIVER", "BRAIN", "BREAST"};
    return e->slide ? cut[e->who->region] : scanned[e->who->region];
}

uint64_t cohort_seed(uint64_t seed, const patient *who)
{
    rng r = rng_make(seed, "patient", (uint64_t)who->number);
    return rng_next(&r);
}
