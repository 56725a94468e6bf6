#include "archive/eval_sheet.h"

#include <stdio.h>
#include <stdlib.h>

#include "archive/preview.h"
#include "image/glyphs.h"
#include "image/write.h"

enum {
    ROWS = 12,
    ROWS_MAX = 200,
    PICTURE = 112, /* side of the square that a picture is fitted into */
    FRAME = 4,
    GAP = 8,
    TEXT = 2 * (KIN_GLYPH_HEIGHT + 3),
    CELL = PICTURE + 2 * FRAME,
    STEP_X = CELL + GAP,
    STEP_Y = CELL + TEXT + GAP,
    COLUMNS = 1 + KIN_EVAL_LISTED,
    APART = 2 * GAP /* between a query and its nearest */
};

struct colour {
    float red, green, blue;
};
static const struct colour paper = {1, 1, 1}, ink = {0.1f, 0.1f, 0.1f},
                           empty = {0.85f, 0.85f, 0.85f}, asked = {0.45f, 0.45f, 0.45f},
                           right = {0.1f, 0.6f, 0.2f}, wrong = {0.85f, 0.1f, 0.1f};

/* --- drawing --- */

static void fill(kin_raster *sheet, kin_box box, struct colour colour)
{
    for (int y = box.y; y < box.y + box.height; y++) {
        for (int x = box.x; x < box.x + box.width; x++) {
            float *px = sheet->px + 3 * ((size_t)y * (size_t)sheet->width + (size_t)x);
            px[0] = colour.red;
            px[1] = colour.green;
            px[2] = colour.blue;
        }
    }
}

/* Fits the picture into the square at x, y and centres it there. */
static kin_status paste(kin_raster *sheet, const kin_raster *picture, int x, int y, kin_error *err)
{
    kin_raster small;
    int longest = picture->width > picture->height ? picture->width : picture->height;
    int width = picture->width * PICTURE / longest, height = picture->height * PICTURE / longest;
    kin_status status =
        kin_raster_resample(picture, width > 0 ? width : 1, height > 0 ? height : 1, &small, err);
    if (status != KIN_OK)
        return status;
    x += (PICTURE - small.width) / 2;
    y += (PICTURE - small.height) / 2;
    for (int row = 0; row < small.height; row++) {
        for (int column = 0; column < small.width; column++) {
            const float *from =
                small.px + (size_t)(row * small.width + column) * (size_t)small.channels;
            bool colour = small.channels == 3;
            fill(sheet, (kin_box){x + column, y + row, 1, 1},
                 (struct colour){from[0], from[colour ? 1 : 0], from[colour ? 2 : 0]});
        }
    }
    kin_raster_release(&small);
    return KIN_OK;
}

static void write_text(kin_raster *sheet, int x, int y, const char *text)
{
    char cut[CELL / KIN_GLYPH_STEP + 1];
    snprintf(cut, sizeof cut, "%.*s", (int)sizeof cut - 1, text);
    kin_glyphs_draw(sheet, x, y, cut, (const float[3]){ink.red, ink.green, ink.blue});
}

/* --- cells --- */

static kin_status preview_of(const kin_eval_set *set, size_t image, kin_raster *out, kin_error *err)
{
    kin_archive *archive = set->images[image].scratch ? set->scratch : set->archive;
    kin_txn *txn = NULL;
    void *bytes = NULL;
    size_t size = 0;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status != KIN_OK)
        return status;
    status = kin_preview_get(txn, set->images[image].id, &bytes, &size, err);
    kin_txn_end(txn);
    if (status == KIN_OK)
        status = kin_preview_decode(bytes, size, "", out, err);
    free(bytes);
    return status;
}

/* A picture in its frame, with two lines of text below. */
static kin_status draw_cell(kin_raster *sheet, const kin_eval_set *set, size_t image, int x, int y,
                            struct colour frame, const char *label, const char *text,
                            kin_error *err)
{
    kin_raster picture = {0};
    fill(sheet, (kin_box){x, y, CELL, CELL}, frame);
    fill(sheet, (kin_box){x + FRAME, y + FRAME, PICTURE, PICTURE}, empty);
    kin_status status = preview_of(set, image, &picture, err);
    if (status == KIN_OK)
        status = paste(sheet, &picture, x + FRAME, y + FRAME, err);
    else if (status == KIN_E_NOT_FOUND)
        status = KIN_OK; /* stored without one: the frame stays empty */
    kin_raster_release(&picture);
    write_text(sheet, x, y + CELL + 3, label);
    write_text(sheet, x, y + CELL + 3 + KIN_GLYPH_HEIGHT + 3, text);
    return status;
}

static kin_status draw_row(kin_raster *sheet, const kin_eval_set *set,
                           const kin_eval_report *report, const kin_eval_answer *answer, int row,
                           kin_error *err)
{
    int y = GAP + row * STEP_Y;
    char text[32];
    snprintf(text, sizeof text, "AP %.2f", answer->ap);
    kin_status status = draw_cell(sheet, set, answer->image, GAP, y, asked,
                                  report->classes[set->images[answer->image].label], text, err);
    for (size_t i = 0; status == KIN_OK && i < answer->listed; i++) {
        int x = GAP + APART + (int)(i + 1) * STEP_X;
        snprintf(text, sizeof text, "%zu: %.3f", i + 1, (double)answer->list[i].score);
        status = draw_cell(sheet, set, answer->list[i].image, x, y,
                           answer->list[i].relevant ? right : wrong,
                           report->classes[set->images[answer->list[i].image].label], text, err);
    }
    return status;
}

/* --- which queries --- */

struct drawn {
    uint64_t order; /* seeded */
    size_t turn;    /* how many of its class come before it */
    int label;
    size_t query;
};

static int by_class(const void *a, const void *b)
{
    const struct drawn *x = a, *y = b;
    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return (x->query > y->query) - (x->query < y->query);
}

static int by_turn(const void *a, const void *b)
{
    const struct drawn *x = a, *y = b;
    if (x->turn != y->turn)
        return x->turn < y->turn ? -1 : 1;
    return by_class(a, b);
}

/* Puts the judged queries in the order of the sheet; returns how many there are. */
static size_t draw_queries(const kin_eval_set *set, const kin_eval_report *report,
                           struct drawn *drawn)
{
    size_t count = 0;
    for (size_t q = 0; q < report->query_count; q++) {
        const kin_eval_answer *answer = &report->models[0].answers[q];
        const uint64_t key[] = {set->options->seed, set->images[answer->image].content.low};
        if (answer->judged)
            drawn[count++] = (struct drawn){kin_digest_of(key, sizeof key).low, 0,
                                            set->images[answer->image].label, q};
    }
    qsort(drawn, count, sizeof *drawn, by_class);
    for (size_t i = 1; i < count; i++)
        if (drawn[i].label == drawn[i - 1].label)
            drawn[i].turn = drawn[i - 1].turn + 1;
    qsort(drawn, count, sizeof *drawn, by_turn);
    return count;
}

static kin_status write_png(const kin_raster *sheet, const char *path, kin_error *err)
{
    void *bytes = NULL;
    size_t size = 0;
    kin_status status = kin_image_encode_png(sheet, &bytes, &size, err);
    if (status == KIN_OK)
        status = kin_fs_replace(kin_fs_posix(), path, bytes, size, err);
    free(bytes);
    return status;
}

kin_status kin_eval_sheet_write(const kin_eval_set *set, const kin_eval_report *report,
                                const char *path, int rows, kin_error *err)
{
    kin_raster sheet = {0};
    struct drawn *drawn = calloc(report->query_count + 1, sizeof *drawn);
    if (drawn == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu queries", report->query_count);
    size_t queries = draw_queries(set, report, drawn);
    size_t wanted = rows <= 0 ? ROWS : rows > ROWS_MAX ? ROWS_MAX : (size_t)rows;
    if (queries > wanted)
        queries = wanted;
    kin_status status = queries > 0 ? kin_raster_init(&sheet, GAP + APART + COLUMNS * STEP_X,
                                                      GAP + (int)queries * STEP_Y, 3, err)
                                    : kin_fail(err, KIN_E_NOT_FOUND, NULL, "no query was judged");
    if (status == KIN_OK)
        fill(&sheet, (kin_box){0, 0, sheet.width, sheet.height}, paper);
    for (size_t i = 0; status == KIN_OK && i < queries; i++)
        status =
            draw_row(&sheet, set, report, &report->models[0].answers[drawn[i].query], (int)i, err);
    if (status == KIN_OK)
        status = write_png(&sheet, path, err);
    kin_raster_release(&sheet);
    free(drawn);
    return status;
}
