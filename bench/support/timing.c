#include "timing.h"

#include <stdlib.h>

#include "base/clock.h"
#include "report.h"

enum { CALLS_FIRST = 1024, CALLS_MAX = 1 << 24 };

bench_timing bench_timing_of(double *durations, size_t count)
{
    bench_timing timing = {.calls = count};
    double sum = 0;
    if (count == 0)
        return timing;
    for (size_t i = 0; i < count; i++)
        sum += durations[i];
    timing.mean = 1e6 * sum / (double)count;
    timing.per_second = sum > 0 ? (double)count / sum : 0;
    timing.p50 = 1e6 * bench_percentile(durations, count, 0.50);
    timing.p99 = 1e6 * bench_percentile(durations, count, 0.99);
    timing.worst = 1e6 * durations[count - 1];
    return timing;
}

kin_status bench_timing_run(size_t warm, size_t least, double seconds, bench_ask_fn ask, void *ctx,
                            bench_timing *out, kin_error *err)
{
    size_t count = 0, capacity = CALLS_FIRST;
    double *durations = malloc(capacity * sizeof *durations);
    kin_status status =
        durations != NULL ? KIN_OK : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for timings");
    for (size_t i = 0; status == KIN_OK && i < warm; i++)
        status = ask(ctx, i, err);
    double began = kin_clock_monotonic(), last = began;
    while (status == KIN_OK && count < CALLS_MAX &&
           (count == 0 || count < least || last - began < seconds)) {
        if (count == capacity) {
            double *larger = realloc(durations, 2 * capacity * sizeof *durations);
            if (larger == NULL)
                break; /* what there is will do */
            durations = larger;
            capacity *= 2;
        }
        status = ask(ctx, count, err);
        double now = kin_clock_monotonic();
        durations[count++] = now - last;
        last = now;
    }
    if (status == KIN_OK)
        *out = bench_timing_of(durations, count);
    free(durations);
    return status;
}
