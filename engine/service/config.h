/*
 * config.h - what kindredd can be told: a table of options, each with its name, default and
 * meaning.
 *
 * An option is set by, later ones winning: its default; the configuration file (INI: [section] and
 * name = value); the environment (KINDREDD_SECTION_NAME); the command line (--section.name=value,
 * and short forms of some).  The table in config_table.c is the one place that knows them all;
 * help, the annotated sample file and the checks come from it.
 */
#ifndef KIN_SERVICE_CONFIG_H
#define KIN_SERVICE_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"

enum { KIN_CONFIG_TEXT_MAX = 1024, KIN_CONFIG_ADDRESSES_MAX = 16 };

/* Fields are named for their options: [server] listen is server_listen. */
typedef struct kin_config {
    char archive_path[PATH_MAX];   /* the archive's folder */
    char archive_worker[PATH_MAX]; /* kindred-worker; "": found by itself */
    char archive_backups[PATH_MAX]; /* folder that Backup writes into; "": Backup is refused */
    char archive_spool[PATH_MAX]; /* where uploads lie until they are stored; "": in the archive */

    char server_listen[KIN_CONFIG_TEXT_MAX]; /* addresses separated by blanks or commas; default
                                                127.0.0.1:7443 */
    bool server_allow_remote; /* addresses beyond loopback are refused without it */
    char server_reflection[16]; /* "auto" (on where all addresses are loopback), "on", "off" */
    unsigned server_queries, server_ingests, server_admins, server_watches; /* calls at once */
    unsigned server_streams_per_connection;
    uint64_t server_message_bytes, server_metadata_bytes, server_memory_bytes;
    double server_deadline_cap, server_stall, server_idle, server_handshake; /* seconds */
    double server_drain; /* seconds that running calls get at SIGTERM */

    char tls_certificate[PATH_MAX], tls_key[PATH_MAX]; /* PEM; both or neither */
    char tls_client_ca[PATH_MAX];   /* given: client certificates are required */
    char access_file[PATH_MAX];     /* see access.h; "": everybody has the role access_open */
    char access_open[16];           /* "none", "read", "write", "admin": role of callers on loopback
                                       without an access file; default admin */

    char audit_file[PATH_MAX]; /* "": no audit trail */

    char http_listen[KIN_CONFIG_TEXT_MAX]; /* "127.0.0.1:7480"; "": no metrics and liveness pages */

    unsigned decode_queries, decode_ingests; /* decoding processes; 0: one a processor */
    double decode_seconds;                   /* longest silence of one; default 60 */
    uint64_t decode_file_bytes, decode_frame_bytes, decode_memory_bytes;

    unsigned search_k_max;     /* largest k of a query; default 10,000 */
    double search_recall;      /* default recall; 0: the archive's */
    double reindex_recall_bound; /* 0: the archive's */

    char log_level[16]; /* log.h's; default notice */
} kin_config;

/* The defaults. */
void kin_config_init(kin_config *config);

/* Reads a file of at most a mebibyte; the error's subject is the path, its message names the line.
 * KIN_E_ARG: an unknown section or option, a value out of bounds, an option set twice;
 * KIN_E_FORMAT: a line that is none.  inih, which reads it, has its settings in variables of the
 * process: to be called before there are threads. */
kin_status kin_config_read_file(kin_config *config, const char *path, kin_error *err);

/* Takes KINDREDD_SECTION_NAME from an environment (envp as main's); unknown ones are KIN_E_ARG,
 * with the variable as subject. */
kin_status kin_config_read_environment(kin_config *config, char *const *envp, kin_error *err);

/*
 * Sets one option; name is "section.name".  KIN_E_ARG: there is no such option, or the value is
 * none of its kind:
 *   counts     decimal digits
 *   sizes      bytes, or with a suffix K, M, G, T (1,024 to the power of 1 to 4)
 *   durations  seconds, with decimals after a point
 *   shares     a number from 0 to 1
 *   switches   on, off, yes, no, true, false, 1, 0
 *   text       one line without control characters or blanks at its ends; a ';' or '#' after a
 *              blank is refused, because in the file it would look like a comment and be none
 */
kin_status kin_config_set(kin_config *config, const char *name, const char *value, kin_error *err);

/* What single options cannot know: addresses beyond loopback need server.allow_remote and TLS with
 * client certificates (gRPC's C core has had flaws before authentication); certificate and key go
 * together; an access file may be missing only on loopback without TLS; … */
kin_status kin_config_check(const kin_config *config, kin_error *err);

/* Splits server_listen into addresses, which point into `buffer`.  KIN_E_ARG: none, too many, or
 * one that is neither HOST:PORT, [IPV6]:PORT nor unix:PATH. */
kin_status kin_config_addresses(const kin_config *config, char buffer[KIN_CONFIG_TEXT_MAX],
                                const char *out[KIN_CONFIG_ADDRESSES_MAX], size_t *count,
                                kin_error *err);
/* True for 127.0.0.0/8, ::1, localhost and unix: addresses, with or without a port. */
bool kin_config_is_loopback(const char *address);

/* One option of the table, for help and the sample file. */
typedef struct kin_config_option {
    const char *section, *name;
    const char *value_default; /* as text */
    const char *meaning;       /* a sentence or several */
} kin_config_option;
size_t kin_config_option_count(void);
/* Options of a section stand together. */
kin_config_option kin_config_option_at(size_t at);
/* Value of an option as text that kin_config_set() takes, into buffer. */
void kin_config_value(const kin_config *config, size_t at, char *buffer, size_t size);
/* What an option takes, for people: "a size from 64K to 2G". */
void kin_config_accepts(size_t at, char *buffer, size_t size);

#endif
