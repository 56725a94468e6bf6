#include "features/spec.h"

#include <string.h>

static const char special[] = " \\";

kin_status kin_spec_next(const char **at, char word[KIN_SPEC_WORD_SIZE], bool *more, kin_error *err)
{
    const char *next = *at + strspn(*at, " ");
    size_t length = 0;
    *more = *next != '\0';
    for (; *next != '\0' && *next != ' '; next++) {
        if (*next == '\\')
            next++;
        if (*next == '\0' || length == KIN_SPEC_WORD_SIZE - 1)
            return kin_fail(err, KIN_E_ARG, NULL, "features: %s",
                            *next == '\0' ? "a backslash at the end" : "a name is too long");
        word[length++] = *next;
    }
    word[length] = '\0';
    *at = next;
    return KIN_OK;
}

void kin_spec_escape(FILE *to, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (strchr(special, text[i]) != NULL)
            fputc('\\', to);
        fputc(text[i], to);
    }
}
