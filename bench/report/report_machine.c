#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/parallel.h"
#include "report.h"
#include "simd/kernels.h"

/* Set by CMake where it finds them. */
#ifndef BENCH_FAISS_VERSION
#define BENCH_FAISS_VERSION ""
#endif
#ifndef BENCH_HNSWLIB_VERSION
#define BENCH_HNSWLIB_VERSION ""
#endif

/* The processor's name as /proc/cpuinfo has it (ARM: its part number), or "unknown". */
static void read_processor(char *out, size_t size)
{
    char line[256];
    FILE *in = fopen("/proc/cpuinfo", "re");
    snprintf(out, size, "unknown");
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        char *colon = strchr(line, ':');
        if (colon == NULL ||
            (strncmp(line, "model name", 10) != 0 && strncmp(line, "CPU part", 8) != 0))
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(out, size, "%s", colon[1] == ' ' ? colon + 2 : colon + 1);
        break;
    }
    if (in != NULL)
        fclose(in);
}

static json_int_t cache_bytes(int name)
{
    long bytes = sysconf(name);
    return bytes > 0 ? bytes : 0;
}

json_t *bench_machine(void)
{
    char processor[256], kernel[192];
    struct utsname system;
    read_processor(processor, sizeof processor);
    if (uname(&system) == 0)
        snprintf(kernel, sizeof kernel, "%.64s %.64s %.32s", system.sysname, system.release,
                 system.machine);
    else
        snprintf(kernel, sizeof kernel, "unknown");
    json_t *versions = json_pack("{s:s, s:s, s:s, s:s}", "compiler", __VERSION__, "openblas",
                                 openblas_get_config(), "faiss", BENCH_FAISS_VERSION, "hnswlib",
                                 BENCH_HNSWLIB_VERSION);
    return json_pack("{s:s, s:i, s:I, s:I, s:I, s:s, s:s, s:o}", "processor", processor, "cpus",
                     kin_cpu_count(), "memory_bytes",
                     (json_int_t)sysconf(_SC_PHYS_PAGES) * (json_int_t)sysconf(_SC_PAGESIZE),
                     "l2_bytes", cache_bytes(_SC_LEVEL2_CACHE_SIZE), "l3_bytes",
                     cache_bytes(_SC_LEVEL3_CACHE_SIZE), "kernel", kernel, "simd",
                     kin_kernels_best()->name, "versions", versions);
}

static double megabytes(const json_t *machine, const char *key)
{
    return (double)json_integer_value(json_object_get(machine, key)) / 1e6;
}

void bench_machine_print(FILE *out, const json_t *machine)
{
    const json_t *versions = json_object_get(machine, "versions");
    const char *key;
    json_t *value;
    fprintf(out, "%s, %lld in use; caches: L2 %.1f MB, L3 %.0f MB; memory %.0f GB; %s; SIMD %s\n",
            json_string_value(json_object_get(machine, "processor")),
            json_integer_value(json_object_get(machine, "cpus")), megabytes(machine, "l2_bytes"),
            megabytes(machine, "l3_bytes"), megabytes(machine, "memory_bytes") / 1e3,
            json_string_value(json_object_get(machine, "kernel")),
            json_string_value(json_object_get(machine, "simd")));
    json_object_foreach((json_t *)versions, key, value) if (json_string_value(value)[0] != '\0')
        fprintf(out, "%s %s; ", key, json_string_value(value));
    fputc('\n', out);
}
