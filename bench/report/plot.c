#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    WIDTH = 960,
    HEIGHT = 540,
    LEFT = 86,
    RIGHT = 250, /* the legend's */
    TOP = 64,
    BOTTOM = 62,
    LINE = 20, /* of the legend */
    TICKS_MAX = 64
};

/* A recall of 1 is drawn as this one: its true place would be infinitely far. */
#define RECALL_LAST 0.9999

/* Distinguishable also by those who see colours otherwise (Okabe and Ito, 2008), and on white. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#000000", "#e69f00", "#56b4e9", "#7a5195"};
enum { COLOURS = sizeof colours / sizeof colours[0], MARKS = 4 };

/* One direction of the drawing: values from..to at pixels start..end. */
struct scale {
    enum bench_axis axis;
    double from, to, start, end;
};

static double stretch(enum bench_axis axis, double value)
{
    if (axis == BENCH_LOG)
        return log10(value);
    if (axis == BENCH_RECALL)
        return -log10(1 - fmin(value, RECALL_LAST));
    return value;
}

static double place(const struct scale *scale, double value)
{
    double from = stretch(scale->axis, scale->from), to = stretch(scale->axis, scale->to);
    double share = to > from ? (stretch(scale->axis, value) - from) / (to - from) : 0.5;
    return scale->start + share * (scale->end - scale->start);
}

static bool can_place(const struct scale *scale, double value)
{
    return isfinite(value) && value >= scale->from && value <= scale->to;
}

static bool is_drawable(enum bench_axis axis, double value)
{
    return isfinite(value) && (axis != BENCH_LOG || value > 0) &&
           (axis != BENCH_RECALL || (value >= 0 && value <= 1));
}

/* From the smallest to the largest value there is, rounded outwards on a logarithmic axis to 1, 2 or
 * 5 times a power of ten. */
static double round_out(double value, bool up)
{
    double power = pow(10, floor(log10(value))), digit = value / power;
    if (up)
        return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
    return power * (digit >= 5 ? 5 : digit >= 2 ? 2 : 1);
}

static bool set_range(const bench_plot *plot, struct scale *x, struct scale *y)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (size_t c = 0; c < plot->count; c++)
        for (size_t i = 0; i < plot->curves[c].count; i++) {
            double at[2] = {plot->curves[c].x[i], plot->curves[c].y[i]};
            if (!is_drawable(x->axis, at[0]) || !is_drawable(y->axis, at[1]))
                continue;
            bool inside =
                plot->x_to <= plot->x_from || (at[0] >= plot->x_from && at[0] <= plot->x_to);
            for (int d = 0; d < 2 && inside; d++) {
                low[d] = fmin(low[d], at[d]);
                high[d] = fmax(high[d], at[d]);
            }
        }
    if (low[0] > high[0])
        return false;
    struct scale *scales[2] = {x, y};
    const double wish[2][2] = {{plot->x_from, plot->x_to}, {plot->y_from, plot->y_to}};
    for (int d = 0; d < 2; d++) {
        bool given = wish[d][1] > wish[d][0];
        bool is_log = scales[d]->axis == BENCH_LOG;
        scales[d]->from = given ? wish[d][0] : is_log ? round_out(low[d], false) : low[d];
        scales[d]->to = given ? wish[d][1] : is_log ? round_out(high[d], true) : high[d];
    }
    return true;
}

/* --- ticks --- */

static size_t log_ticks(const struct scale *scale, double *out)
{
    static const double digits[] = {1, 2, 5};
    size_t count = 0;
    for (double power = pow(10, floor(log10(scale->from))); power <= scale->to; power *= 10)
        for (size_t d = 0; d < 3 && count < TICKS_MAX; d++)
            if (can_place(scale, digits[d] * power))
                out[count++] = digits[d] * power;
    return count;
}

static size_t recall_ticks(const struct scale *scale, double *out)
{
    static const double ticks[] = {0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1};
    size_t count = 0;
    for (size_t i = 0; i < sizeof ticks / sizeof ticks[0]; i++)
        if (can_place(scale, ticks[i]))
            out[count++] = ticks[i];
    return count;
}

static size_t linear_ticks(const struct scale *scale, double *out)
{
    double range = scale->to - scale->from, step = range > 0 ? round_out(range / 8, true) : 1;
    size_t count = 0;
    for (double at = ceil(scale->from / step) * step; at <= scale->to + step * 1e-9; at += step)
        if (count < TICKS_MAX)
            out[count++] = fabs(at) < step * 1e-9 ? 0 : at;
    return count;
}

static size_t ticks_of(const struct scale *scale, double *out)
{
    return scale->axis == BENCH_LOG      ? log_ticks(scale, out)
           : scale->axis == BENCH_RECALL ? recall_ticks(scale, out)
                                         : linear_ticks(scale, out);
}

static void format_tick(char out[32], double value)
{
    if (value >= 1e6)
        snprintf(out, 32, "%gM", value / 1e6);
    else if (value >= 1e4)
        snprintf(out, 32, "%gk", value / 1e3);
    else
        snprintf(out, 32, "%g", value);
}

/* --- drawing --- */

static void write_text(FILE *out, double x, double y, const char *anchor, int size,
                       const char *more, const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\"%s>", x, y, anchor,
            size, more);
    for (; *text != '\0'; text++) {
        if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else
            fputc(*text, out);
    }
    fputs("</text>\n", out);
}

static void write_line(FILE *out, double x0, double y0, double x1, double y1, const char *colour)
{
    fprintf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x0, y0,
            x1, y1, colour);
}

static void write_axes(FILE *out, const bench_plot *plot, const struct scale *x,
                       const struct scale *y)
{
    double ticks[TICKS_MAX], last = -1000;
    char text[32], turn[64];
    size_t count = ticks_of(x, ticks);
    for (size_t i = 0; i < count; i++) {
        double at = place(x, ticks[i]);
        write_line(out, at, y->start, at, y->end, "#e4e4e4");
        format_tick(text, ticks[i]);
        if (at - last >= 34) { /* labels need room */
            write_text(out, at, y->start + 18, "middle", 12, "", text);
            last = at;
        }
    }
    count = ticks_of(y, ticks);
    last = HEIGHT + 1000;
    for (size_t i = 0; i < count; i++) {
        double at = place(y, ticks[i]);
        write_line(out, x->start, at, x->end, at, "#e4e4e4");
        format_tick(text, ticks[i]);
        if (last - at >= 16) {
            write_text(out, x->start - 8, at + 4, "end", 12, "", text);
            last = at;
        }
    }
    fprintf(out,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" "
            "stroke=\"#444\"/>\n",
            x->start, y->end, x->end - x->start, y->start - y->end);
    write_text(out, (x->start + x->end) / 2, HEIGHT - 18, "middle", 14, "", plot->x_title);
    double middle = (y->start + y->end) / 2;
    snprintf(turn, sizeof turn, " transform=\"rotate(-90 22 %.1f)\"", middle);
    write_text(out, 22, middle, "middle", 14, turn, plot->y_title);
}

static void write_mark(FILE *out, size_t curve, double x, double y)
{
    const char *colour = colours[curve % COLOURS];
    switch ((curve + curve / COLOURS) % MARKS) { /* another pair when the colours begin anew */
    case 0:
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.6\" fill=\"%s\"/>\n", x, y, colour);
        break;
    case 1:
        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"7\" height=\"7\" fill=\"%s\"/>\n",
                x - 3.5, y - 3.5, colour);
        break;
    case 2:
        fprintf(out, "<path d=\"M%.1f %.1fl4.4 8h-8.8z\" fill=\"%s\"/>\n", x, y - 4.8, colour);
        break;
    default:
        fprintf(out, "<path d=\"M%.1f %.1fl4.6 4.6-4.6 4.6-4.6-4.6z\" fill=\"%s\"/>\n", x, y - 4.6,
                colour);
    }
}

static void write_curve(FILE *out, const bench_plot *plot, size_t which, const struct scale *x,
                        const struct scale *y)
{
    const bench_curve *curve = &plot->curves[which];
    if (!curve->apart) {
        fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" points=\"",
                colours[which % COLOURS], curve->thin ? "1.3" : "2.4");
        for (size_t i = 0; i < curve->count; i++)
            if (can_place(x, curve->x[i]) && can_place(y, curve->y[i]))
                fprintf(out, "%.1f,%.1f ", place(x, curve->x[i]), place(y, curve->y[i]));
        fputs("\"/>\n", out);
    }
    for (size_t i = 0; i < curve->count; i++)
        if (can_place(x, curve->x[i]) && can_place(y, curve->y[i]))
            write_mark(out, which, place(x, curve->x[i]), place(y, curve->y[i]));
}

static void write_legend(FILE *out, const bench_plot *plot)
{
    double x = WIDTH - RIGHT + 18;
    for (size_t i = 0; i < plot->count; i++) {
        double y = TOP + 10 + (double)i * LINE;
        if (!plot->curves[i].apart)
            fprintf(out,
                    "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
                    "stroke-width=\"%s\"/>\n",
                    x, y, x + 24, y, colours[i % COLOURS], plot->curves[i].thin ? "1.3" : "2.4");
        write_mark(out, i, x + 12, y);
        write_text(out, x + 32, y + 4, "start", 13, "", plot->curves[i].name);
    }
}

static void write_all(FILE *out, const bench_plot *plot, const struct scale *x,
                      const struct scale *y)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" fill=\"#222\">\n"
            "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT);
    write_text(out, LEFT, 28, "start", 18, " font-weight=\"bold\"", plot->title);
    if (plot->subtitle != NULL)
        write_text(out, LEFT, 48, "start", 12, " fill=\"#555\"", plot->subtitle);
    write_axes(out, plot, x, y);
    for (size_t i = plot->count; i-- > 0;) /* the first on top of the others */
        write_curve(out, plot, i, x, y);
    write_legend(out, plot);
    fputs("</svg>\n", out);
}

kin_status bench_plot_write(const bench_plot *plot, const char *path, kin_error *err)
{
    struct scale x = {.axis = plot->x_axis, .start = LEFT, .end = WIDTH - RIGHT};
    struct scale y = {.axis = plot->y_axis, .start = HEIGHT - BOTTOM, .end = TOP};
    if (plot->count > BENCH_CURVES_MAX || !set_range(plot, &x, &y))
        return kin_fail(err, KIN_E_ARG, path, "nothing to draw");
    FILE *out = fopen(path, "we");
    if (out == NULL)
        return kin_fail_errno(err, path, "cannot make the file");
    write_all(out, plot, &x, &y);
    bool bad = ferror(out) != 0;
    return fclose(out) != 0 || bad ? kin_fail_errno(err, path, "cannot write") : KIN_OK;
}
