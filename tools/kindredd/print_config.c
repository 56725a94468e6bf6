#include "print_config.h"

#include <string.h>

enum { COLUMNS = 78 };

/* Text in comment lines of at most COLUMNS. */
static void print_comment(FILE *out, const char *text)
{
    size_t column = 0;
    for (const char *word = text; *word != '\0';) {
        size_t length = strcspn(word, " ");
        if (column > 0 && column + 1 + length > COLUMNS) {
            fputc('\n', out);
            column = 0;
        }
        column += (size_t)fprintf(out, "%s%.*s", column == 0 ? "# " : " ", (int)length, word);
        word += length + (word[length] == ' ');
    }
    fputc('\n', out);
}

static void print_option(const kin_config *config, size_t at, FILE *out)
{
    kin_config_option option = kin_config_option_at(at);
    char value[PATH_MAX], accepts[256], text[512];
    kin_config_value(config, at, value, sizeof value);
    kin_config_accepts(at, accepts, sizeof accepts);
    fputc('\n', out);
    print_comment(out, option.meaning);
    snprintf(text, sizeof text, "(%s; default %s)", accepts,
             option.value_default[0] != '\0' ? option.value_default : "empty");
    print_comment(out, text);
    fprintf(out, "%s%s =%s%s\n", strcmp(value, option.value_default) == 0 ? "#" : "", option.name,
            value[0] != '\0' ? " " : "", value);
}

void kin_print_config(const kin_config *config, FILE *out)
{
    const char *section = "";
    print_comment(out,
                  "Configuration of kindredd; see kindredd.conf(5). Lines that begin with # are "
                  "comments: options in them have their defaults.");
    for (size_t i = 0; i < kin_config_option_count(); i++) {
        kin_config_option option = kin_config_option_at(i);
        if (strcmp(option.section, section) != 0)
            fprintf(out, "\n[%s]\n", option.section);
        section = option.section;
        print_option(config, i, out);
    }
}
