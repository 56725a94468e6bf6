#include "csv_write.h"

#include <csv.h>
#include <stdbool.h>
#include <string.h>

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

static bool needs_quotes(const char *value, size_t size)
{
    return strpbrk(value, ",\"\r\n") != NULL ||
           (size > 0 && (is_blank(value[0]) || is_blank(value[size - 1])));
}

void kin_csv_field(FILE *out, const char *value)
{
    size_t size = strlen(value);
    if (needs_quotes(value, size))
        csv_fwrite(out, value, size);
    else
        fwrite(value, 1, size, out);
}

void kin_csv_comma(FILE *out)
{
    fputc(',', out);
}

void kin_csv_end(FILE *out)
{
    fputs("\r\n", out);
}
