/* The configuration file, by inih. */
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "service/config_option.h"

enum { FILE_MAX_BYTES = 1024 * 1024, LINE_MAX_BYTES = PATH_MAX + 256 };

/* A file being read: its text, and how far inih has come. */
struct reading {
    kin_config *config;
    const char *path;
    const char *text, *end;
    int line;                    /* handed out last */
    int line_of[KIN_OPTION_MAX]; /* that set the option; 0: none has */
    kin_status status;           /* the first failure, with its error */
    kin_error *err;
};

static kin_status fail_at_line(struct reading *reading, kin_status code, const char *text)
{
    return reading->status =
               kin_fail(reading->err, code, reading->path, "line %d: %s", reading->line, text);
}

/* Gives inih the next line, as fgets() does.  One that does not fit ends the reading. */
static char *next_line(char *to, int size, void *stream)
{
    struct reading *reading = stream;
    if (reading->text == reading->end || reading->status != KIN_OK)
        return NULL;
    const char *stop = memchr(reading->text, '\n', (size_t)(reading->end - reading->text));
    size_t length = (size_t)((stop != NULL ? stop + 1 : reading->end) - reading->text);
    reading->line++;
    if (length >= (size_t)size) {
        fail_at_line(reading, KIN_E_FORMAT, "it is too long");
        return NULL;
    }
    memcpy(to, reading->text, length);
    to[length] = '\0';
    reading->text += length;
    return to;
}

static kin_status set_option(struct reading *reading, const char *name, const char *value)
{
    kin_error why = {0};
    char text[KIN_ERROR_MESSAGE_MAX];
    if (kin_config_set(reading->config, name, value, &why) != KIN_OK)
        return fail_at_line(reading, KIN_E_ARG, why.message);
    for (size_t i = 0; i < kin_option_count(); i++) {
        const kin_option *option = kin_option_at(i);
        snprintf(text, sizeof text, "%s.%s", option->section, option->name);
        if (strcmp(text, name) != 0)
            continue;
        if (reading->line_of[i] != 0) {
            snprintf(text, sizeof text, "%.100s is set in line %d already", name,
                     reading->line_of[i]);
            return fail_at_line(reading, KIN_E_ARG, text);
        }
        reading->line_of[i] = reading->line;
    }
    return KIN_OK;
}

/* inih's handler: nonzero goes on. */
static int take(void *user, const char *section, const char *name, const char *value)
{
    struct reading *reading = user;
    char full[2 * 128];
    if (section[0] == '\0')
        return fail_at_line(reading, KIN_E_ARG, "no [section] comes before it") == KIN_OK;
    snprintf(full, sizeof full, "%s.%s", section, name);
    return set_option(reading, full, value) == KIN_OK;
}

/* How inih takes a file: an indented line is a line like others, a comment has a line of its own,
 * lines hold a path of any length, and the first error ends it. */
static void set_up_inih(void)
{
    ini_allow_multiline = false;
    ini_allow_inline_comments = false;
    ini_stop_on_first_error = true;
    ini_max_line = LINE_MAX_BYTES;
}

kin_status kin_config_read_file(kin_config *config, const char *path, kin_error *err)
{
    void *text = NULL;
    size_t size;
    kin_status status = kin_fs_read_file(kin_fs_posix(), path, FILE_MAX_BYTES, &text, &size, err);
    if (status != KIN_OK) {
        kin_error_name(err, path);
        goto out;
    }
    struct reading reading = {
        .config = config, .path = path, .text = text, .end = (char *)text + size, .err = err};
    if (memchr(text, '\0', size) != NULL) {
        status = kin_fail(err, KIN_E_FORMAT, path, "it is no text: it holds a NUL");
        goto out;
    }
    set_up_inih();
    int line = ini_parse_stream(next_line, &reading, take, &reading);
    status = reading.status;
    if (status == KIN_OK && line > 0)
        status = kin_fail(err, KIN_E_FORMAT, path,
                          "line %d: it is neither [section], name = value nor a comment", line);
    else if (status == KIN_OK && line < 0)
        status = kin_fail(err, KIN_E_NOMEM, path, "no memory to read it");
out:
    free(text);
    return status;
}
