#include "progress.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "numbers.h"
#include "table.h"

enum {
    BAR_WIDEST = 40,
    BAR_NARROWEST = 4, /* narrower ones are left out */
    LINE_MAX_BYTES = 256
};
static const double REDRAW_SECONDS = 0.1;

void kin_progress_start(kin_progress *progress)
{
    const char *terminal = getenv("TERM");
    *progress = (kin_progress){0};
    progress->on =
        kin_terminal_width(stderr) > 0 && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

void kin_progress_clear(kin_progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}

/* Puts "text" behind a bar for the share done (none when negative), as much as fits in `width`. */
static void line_with_bar(double done, const char *text, char *line, size_t size, size_t width)
{
    size_t length = strlen(text), bar = 0;
    if (done >= 0 && length + BAR_NARROWEST + 3 <= width) /* two brackets and a space */
        bar = width - length - 3 < BAR_WIDEST ? width - length - 3 : BAR_WIDEST;
    if (bar + 4 > size)
        bar = 0;
    char *to = line;
    if (bar > 0) {
        size_t full = (size_t)((done < 1 ? done : 1) * (double)bar);
        *to++ = '[';
        memset(to, '#', full);
        memset(to + full, '-', bar - full);
        to += bar;
        *to++ = ']';
        *to++ = ' ';
    }
    size_t room = size - (size_t)(to - line);
    if (width < (size_t)(to - line) + room)
        room = width - (size_t)(to - line) + 1;
    snprintf(to, room, "%s", text);
}

void kin_progress_ingest_line(const kin_ingest_progress *state, char *line, size_t size,
                              size_t width)
{
    char text[LINE_MAX_BYTES], left[16] = "";
    double done = -1;
    double rate = state->seconds > 0 ? (double)state->images / state->seconds : 0;
    if (!state->walk_done || state->files_found == 0) {
        snprintf(text, sizeof text, "%" PRIu64 " of %" PRIu64 "+ files, %.1f images/s",
                 state->files_done, state->files_found, rate);
    } else {
        done = (double)state->files_done / (double)state->files_found;
        if (state->files_done > 0)
            kin_format_duration(state->seconds * (1 - done) / done, left);
        snprintf(text, sizeof text, "%" PRIu64 "/%" PRIu64 " files, %.1f images/s%s%s%s",
                 state->files_done, state->files_found, rate, left[0] != '\0' ? ", " : "", left,
                 left[0] != '\0' ? " left" : "");
    }
    line_with_bar(done, text, line, size, width);
}

void kin_progress_stage_line(const char *stage, double done, char *line, size_t size, size_t width)
{
    char text[LINE_MAX_BYTES];
    done = done > 0 ? done < 1 ? done : 1 : 0;
    snprintf(text, sizeof text, "%3.0f%% %s", done * 100, stage);
    line_with_bar(done, text, line, size, width);
}

/* The width to draw in, or 0 when it is not time to draw. */
static size_t time_to_draw(kin_progress *progress)
{
    if (!progress->on)
        return 0;
    double now = kin_clock_monotonic();
    if (progress->drawn && now - progress->drawn_at < REDRAW_SECONDS)
        return 0;
    progress->drawn_at = now;
    return kin_terminal_width(stderr) - 1; /* the last column would wrap on some terminals */
}

static void draw(kin_progress *progress, const char *line)
{
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    progress->drawn = true;
}

void kin_progress_ingest(kin_progress *progress, const kin_ingest_progress *state)
{
    char line[LINE_MAX_BYTES];
    size_t width = time_to_draw(progress);
    if (width == 0)
        return;
    kin_progress_ingest_line(state, line, sizeof line, width);
    draw(progress, line);
}

void kin_progress_stage(kin_progress *progress, const char *stage, double done)
{
    char line[LINE_MAX_BYTES];
    size_t width = time_to_draw(progress);
    if (width == 0)
        return;
    kin_progress_stage_line(stage, done, line, sizeof line, width);
    draw(progress, line);
}
