#include "service/config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "service/config_option.h"

static const char environment_prefix[] = "KINDREDD_";

void kin_config_init(kin_config *config)
{
    memset(config, 0, sizeof *config);
    for (size_t i = 0; i < kin_option_count(); i++)
        kin_option_set(kin_option_at(i), config, kin_option_at(i)->value_default, NULL);
}

kin_status kin_config_set(kin_config *config, const char *name, const char *value, kin_error *err)
{
    const char *dot = strchr(name, '.');
    for (size_t i = 0; dot != NULL && i < kin_option_count(); i++) {
        const kin_option *option = kin_option_at(i);
        if (strlen(option->section) == (size_t)(dot - name) &&
            strncmp(option->section, name, (size_t)(dot - name)) == 0 &&
            strcmp(option->name, dot + 1) == 0)
            return kin_option_set(option, config, value, err);
    }
    return kin_fail(err, KIN_E_ARG, NULL, "there is no option %s", name);
}

/* True when `name` of `length` bytes is KINDREDD_SECTION_NAME of the option. */
static bool is_variable_of(const kin_option *option, const char *name, size_t length)
{
    char own[128];
    int size =
        snprintf(own, sizeof own, "%s%s_%s", environment_prefix, option->section, option->name);
    for (char *at = own; *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
    return (size_t)size == length && memcmp(own, name, length) == 0;
}

static kin_status read_variable(kin_config *config, const char *variable, kin_error *err)
{
    size_t length = strcspn(variable, "=");
    char name[128];
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1),
             variable);
    for (size_t i = 0; i < kin_option_count(); i++) {
        const kin_option *option = kin_option_at(i);
        if (is_variable_of(option, variable, length)) {
            const char *value = variable[length] == '=' ? variable + length + 1 : "";
            kin_status status = kin_option_set(option, config, value, err);
            if (status != KIN_OK)
                kin_error_name(err, name);
            return status;
        }
    }
    return kin_fail(err, KIN_E_ARG, name, "no option has this variable");
}

kin_status kin_config_read_environment(kin_config *config, char *const *envp, kin_error *err)
{
    kin_status status = KIN_OK;
    for (; status == KIN_OK && *envp != NULL; envp++)
        if (strncmp(*envp, environment_prefix, sizeof environment_prefix - 1) == 0)
            status = read_variable(config, *envp, err);
    return status;
}

size_t kin_config_option_count(void)
{
    return kin_option_count();
}

kin_config_option kin_config_option_at(size_t at)
{
    const kin_option *option = kin_option_at(at);
    return (kin_config_option){.section = option->section,
                               .name = option->name,
                               .value_default = option->value_default,
                               .meaning = option->meaning};
}

void kin_config_value(const kin_config *config, size_t at, char *buffer, size_t size)
{
    kin_option_print(kin_option_at(at), config, buffer, size);
}

void kin_config_accepts(size_t at, char *buffer, size_t size)
{
    kin_option_accepts(kin_option_at(at), buffer, size);
}
