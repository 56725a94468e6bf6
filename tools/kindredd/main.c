/* kindredd - an archive of medical images behind gRPC: reads its configuration, starts the service
 * and lives by signals. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "life.h"
#include "new_token.h"
#include "notify.h"
#include "options.h"
#include "port_file.h"
#include "print_config.h"
#include "process.h"
#include "service/access.h"

/* Says on the log, with the file or variable that it concerns, why the program ends. */
static void complain(const kin_log *log, const kin_error *err)
{
    const char *text = err->message[0] != '\0' ? err->message : kin_status_text(err->code);
    if (err->subject[0] != '\0')
        kin_log_line(log, KIN_LOG_ERROR, "%s: %s", err->subject, text);
    else
        kin_log_line(log, KIN_LOG_ERROR, "%s", text);
}

/* Prints what a person asked for; true when it got there. */
static bool flushed(void)
{
    return fflush(stdout) == 0 && !ferror(stdout);
}

/* The files that a configuration names can be read. */
static kin_status check_files(const kin_config *config, kin_error *err)
{
    const char *const paths[] = {config->tls_certificate, config->tls_key, config->tls_client_ca};
    kin_access *access_rules = NULL;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (paths[i][0] != '\0' && access(paths[i], R_OK) != 0)
            return kin_fail_errno(err, paths[i], "cannot read it");
    if (config->access_file[0] == '\0')
        return KIN_OK;
    kin_status status = kin_access_load(config->access_file, &access_rules, err);
    if (status != KIN_OK)
        kin_error_name(err, config->access_file);
    kin_access_free(access_rules);
    return status;
}

/* Says what is wrong with the configuration; true when nothing is. */
static bool is_good(const kin_config *config, const kin_log *log)
{
    kin_error err = {0};
    if (kin_config_check(config, &err) == KIN_OK && check_files(config, &err) == KIN_OK)
        return true;
    complain(log, &err);
    return false;
}

static int check_config(const kin_config *config, const kin_log *log)
{
    if (!is_good(config, log))
        return KIN_EXIT_USAGE;
    printf("the configuration is good\n");
    return flushed() ? KIN_EXIT_DONE : KIN_EXIT_FAILED;
}

static int new_token(const kin_options *options, const kin_log *log)
{
    kin_error err = {0};
    if (kin_new_token_print(options->token_name, options->token_role, &err) != KIN_OK) {
        complain(log, &err);
        return KIN_EXIT_USAGE;
    }
    return flushed() ? KIN_EXIT_DONE : KIN_EXIT_FAILED;
}

/* Says to the port file and the service manager that the service is there. */
static kin_status announce(const kin_options *options, const kin_config *config,
                           const kin_service *service, const kin_log *log, kin_error *err)
{
    int grpc = kin_service_port(service), http = kin_service_http_port(service);
    if (options->port_file != NULL) {
        kin_status status = kin_port_file_write(options->port_file, grpc, http, err);
        if (status != KIN_OK)
            return status;
    }
    char pages[32] = "";
    if (http > 0)
        snprintf(pages, sizeof pages, ", HTTP port %d", http);
    kin_log_line(log, KIN_LOG_NOTICE, "kindredd " KINDRED_VERSION " serves %s (gRPC port %d%s)",
                 config->server_listen, grpc, pages);
    kin_notify_ready("serving");
    return KIN_OK;
}

static int serve(const kin_options *options, const kin_config *config, const kin_log *log)
{
    kin_error err = {0};
    kin_service *service = NULL;
    int signals = -1, exit_code = KIN_EXIT_DONE;
    if (!is_good(config, log))
        return KIN_EXIT_USAGE;
    kin_status status = kin_process_prepare(&err);
    if (status == KIN_OK)
        status = kin_life_take_signals(&signals, &err);
    if (status == KIN_OK)
        status = kin_service_start(config, log, &service, &err);
    if (status == KIN_OK)
        status = announce(options, config, service, log, &err);
    if (status != KIN_OK) {
        complain(log, &err);
        kin_service_stop(service);
        exit_code = KIN_EXIT_ARCHIVE;
        goto out;
    }
    kin_life_end end = kin_life_run(signals, service, config->server_drain, log);
    if (options->port_file != NULL)
        unlink(options->port_file);
    if (end == KIN_LIFE_AT_ONCE) {
        kin_log_line(log, KIN_LOG_WARNING, "stopped at once: calls were cut off");
        _exit(KIN_EXIT_FAILED); /* threads still work on what a proper end would free */
    }
    if (end == KIN_LIFE_CUT) {
        kin_log_line(log, KIN_LOG_WARNING,
                     "stopped; calls that ran longer than server.drain were "
                     "cut off");
        exit_code = KIN_EXIT_FAILED;
    } else {
        kin_log_line(log, KIN_LOG_NOTICE, "stopped");
    }
out:
    if (signals >= 0)
        close(signals);
    return exit_code;
}

static int act(const kin_options *options, const kin_config *config, const kin_log *log)
{
    switch (options->action) {
    case KIN_ACTION_PRINT_CONFIG:
        kin_print_config(config, stdout);
        return flushed() ? KIN_EXIT_DONE : KIN_EXIT_FAILED;
    case KIN_ACTION_CHECK_CONFIG:
        return check_config(config, log);
    case KIN_ACTION_NEW_TOKEN:
        return new_token(options, log);
    case KIN_ACTION_SERVE:
        break;
    }
    return serve(options, config, log);
}

int main(int argc, char **argv)
{
    kin_log log = {.fd = STDERR_FILENO, .level = KIN_LOG_NOTICE};
    kin_options options = {0};
    kin_error err = {0};
    kin_config config;
    char name[] = "kindredd";
    int exit_code = KIN_EXIT_USAGE;
    log.style = kin_log_style_for(log.fd);
    if (argc > 0)
        argv[0] = name; /* messages of getopt and argp begin with it */
    kin_status status = kin_options_parse(argc, argv, &options, &err);
    /* A token is made whatever the configuration says. */
    kin_config_init(&config);
    if (status == KIN_OK && options.action != KIN_ACTION_NEW_TOKEN)
        status = kin_options_config(&options, environ, &config, &err);
    if (status == KIN_OK)
        status = kin_log_level_parse(config.log_level, &log.level, &err);
    if (status == KIN_OK)
        exit_code = act(&options, &config, &log);
    else
        complain(&log, &err);
    kin_options_release(&options);
    return exit_code;
}
