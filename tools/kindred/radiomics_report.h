/* radiomics_report.h - a region's figures as a table, JSON or CSV. */
#ifndef KINDRED_RADIOMICS_REPORT_H
#define KINDRED_RADIOMICS_REPORT_H

#include "measure/measure.h"

typedef enum kin_radiomics_format {
    KIN_RADIOMICS_TABLE,
    KIN_RADIOMICS_JSON,
    KIN_RADIOMICS_CSV
} kin_radiomics_format;

/* Prints on standard output and returns the exit code.  What is not defined for the region is empty
 * (JSON: null). */
int kin_radiomics_report(kin_radiomics_format format, const kin_measure_task *task,
                         const kin_radiomics *radiomics);

#endif
