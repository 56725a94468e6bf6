/* remote_records.h - what a server says of images, as the structures of this side. */
#ifndef KINDRED_REMOTE_RECORDS_H
#define KINDRED_REMOTE_RECORDS_H

#include "archive/archive.h"
#include "client/client.h"

/* An image (NULL: the server left it out) as a record, which the caller releases. */
kin_status kin_remote_record(const Kindred__V1__Image *image, kin_record *out, kin_error *err);

/* Numbers outside what is known are an image's. */
kin_level kin_remote_level(Kindred__V1__Level level);
Kindred__V1__Level kin_remote_level_of(kin_level level);

/* Returns how many: those past KIN_TUNINGS_MAX are left out. */
size_t kin_remote_tunings(Kindred__V1__Tuning *const *tunings, size_t count,
                          kin_tuning out[KIN_TUNINGS_MAX]);

/* Texts that are too long are cut. */
void kin_remote_stats(const Kindred__V1__StatsResponse *response, kin_archive_stats *out);

#endif
