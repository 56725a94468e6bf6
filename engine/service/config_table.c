/* The options of kindredd: the one place that knows them all. */
#include "service/config_option.h"

#define KIB  1024.0
#define MIB  (1024.0 * KIB)
#define GIB  (1024.0 * MIB)
#define TIB  (1024.0 * GIB)
#define HOUR 3600.0
#define DAY  (24.0 * HOUR)

/* A row is one of these, with what the option means.  Section and name make the field's name. */
#define FIELD(section, name)                                                                       \
    offsetof(kin_config, section##_##name), sizeof(((kin_config *)0)->section##_##name)
#define ROW(section, name, kind, preset, low, high, choices, meaning)                              \
    {                                                                                              \
#section, #name, kind, FIELD(section, name), preset, low, high, choices, meaning           \
    }
#define TEXT(section, name, preset, meaning)                                                       \
    ROW(section, name, KIN_OPTION_TEXT, preset, 0, 0, NULL, meaning)
#define CHOICE(section, name, preset, choices, meaning)                                            \
    ROW(section, name, KIN_OPTION_CHOICE, preset, 0, 0, choices, meaning)
#define FLAG(section, name, preset, meaning)                                                       \
    ROW(section, name, KIN_OPTION_FLAG, preset, 0, 0, NULL, meaning)
#define COUNT(section, name, preset, low, high, meaning)                                           \
    ROW(section, name, KIN_OPTION_COUNT, preset, low, high, NULL, meaning)
#define SIZE(section, name, preset, low, high, meaning)                                            \
    ROW(section, name, KIN_OPTION_SIZE, preset, low, high, NULL, meaning)
#define SECONDS(section, name, preset, low, high, meaning)                                         \
    ROW(section, name, KIN_OPTION_SECONDS, preset, low, high, NULL, meaning)
#define SHARE(section, name, preset, meaning)                                                      \
    ROW(section, name, KIN_OPTION_SHARE, preset, 0, 1, NULL, meaning)

static const kin_option table[] = {
    TEXT(archive, path, "/var/lib/kindred/archive",
         "The archive's folder. It is made when it is absent or empty."),
    TEXT(archive, worker, "",
         "The program kindred-worker, which decodes files. Empty: the one beside kindredd, in "
         "../libexec/kindred from there, or where it was installed."),
    TEXT(archive, backups, "",
         "The folder that Backup writes archives into. Empty: Backup is refused."),
    TEXT(
        archive, spool, "",
        "The folder that uploads lie in until they are stored; needs room for server.ingests times "
        "decode.file_bytes at the worst. Empty: a folder in the archive."),

    TEXT(server, listen, "127.0.0.1:7443",
         "The addresses to serve gRPC at, separated by blanks or commas: HOST:PORT, [IPV6]:PORT or "
         "unix:PATH. Port 0 takes a free one."),
    FLAG(server, allow_remote, "off",
         "Whether addresses beyond this machine may be served. They also need [tls] with "
         "client_ca, and [access] file."),
    CHOICE(server, reflection, "auto", "auto, on, off",
           "Server reflection, by which generic gRPC tools list the methods. auto: on where all "
           "addresses are this machine's own."),
    COUNT(server, queries, "64", 1, 100000,
          "Searches, lookups and other short calls at once. Those over it are answered "
          "RESOURCE_EXHAUSTED, as with the three bounds below."),
    COUNT(server, ingests, "16", 1, 10000, "Uploads at once."),
    COUNT(server, admins, "4", 1, 1000, "Reindexes and backups at once."),
    COUNT(server, watches, "64", 1, 100000,
          "Health and reflection streams at once, and as many health checks."),
    COUNT(server, streams_per_connection, "100", 1, 10000,
          "Calls at once on one connection; further ones wait."),
    SIZE(server, message_bytes, "64M", 64 * KIB, 2047 * MIB,
         "The largest message that is taken. A search by a file carries the file in one message; "
         "uploads come in chunks and are not bound by it."),
    SIZE(server, metadata_bytes, "16K", 4 * KIB, 1 * MIB,
         "The largest size of a call's headers, among them its token."),
    SIZE(server, memory_bytes, "512M", 16 * MIB, 1 * TIB,
         "Memory for buffers of all connections together."),
    SECONDS(server, deadline_cap, "300", 1, DAY,
            "The longest time that a short call may take, whatever deadline its caller asks for."),
    SECONDS(server, stall, "60", 1, DAY,
            "The longest wait for a client to send or take a message; then its call ends."),
    SECONDS(server, idle, "900", 1, 30 * DAY,
            "A connection without calls is closed after this time."),
    SECONDS(server, handshake, "10", 1, 600,
            "The longest time for the beginning of a connection, TLS included."),
    SECONDS(server, drain, "30", 0, DAY,
            "Time for running calls to end by themselves when the service is told to stop."),

    TEXT(tls, certificate, "",
         "The server's certificate and those that lead to its authority, as a PEM file. Empty: no "
         "TLS. It is read again on SIGHUP, as is the key."),
    TEXT(tls, key, "", "The certificate's private key, as a PEM file."),
    TEXT(tls, client_ca, "",
         "Authorities of clients' certificates, as a PEM file. When given, clients must show a "
         "certificate that one of them has signed."),

    TEXT(access, file, "",
         "Who may do what: tokens and certificates with their roles (see kindredd --new-token). It "
         "is read again on SIGHUP. Empty: everybody on this machine has the role access.open; not "
         "possible with [tls] or addresses beyond this machine."),
    CHOICE(access, open, "admin", "none, read, write, admin",
           "The role of callers where there is no access file."),

    TEXT(audit, file, "",
         "The audit trail: a line of JSON for each call, with who asked for what and which images "
         "came back. It is opened anew on SIGHUP, for rotation. Empty: none."),

    TEXT(http, listen, "127.0.0.1:7480",
         "HOST:PORT of the pages for monitoring: /metrics for Prometheus, /livez (the process "
         "answers) "
         "and /readyz (it takes calls). No patient's data are on them. Empty: no such pages."),

    COUNT(decode, queries, "0", 0, 1024,
          "Processes that decode the pictures of searches. 0: one a processor."),
    COUNT(decode, ingests, "0", 0, 1024,
          "Processes that decode uploads, at low priority. 0: one a processor."),
    SECONDS(decode, seconds, "60", 1, HOUR,
            "The longest silence of such a process; each frame breaks it."),
    SIZE(decode, file_bytes, "2G", 64 * KIB, 1 * TIB,
         "The largest file, and the largest that decompression may make of one."),
    SIZE(decode, frame_bytes, "512M", 1 * MIB, 1 * TIB, "The largest decoded frame."),
    SIZE(decode, memory_bytes, "3G", 256 * MIB, 1 * TIB,
         "Address space of a decoding process: a file is mapped into it, and decoded beside that."),

    COUNT(search, k_max, "10000", 1, 100000, "The most results that a search may ask for."),
    SHARE(
        search, recall, "0",
        "The recall of searches that do not ask for one: the share of the exact answer that comes "
        "back on average. Less is faster; 1 compares with every image. 0: what the archive has as "
        "its default, 0.99."),

    SHARE(reindex, recall_bound, "0",
          "The recall@10 that a new index must reach by some setting; else searches scan, and "
          "the reindex counts as failed. 0: what the archive has as its default, 0.95."),

    CHOICE(log, level, "notice", "error, warning, notice, info, debug",
           "How grave lines on standard error are at least. They hold no patient's data."),
};

_Static_assert(sizeof table / sizeof table[0] <= KIN_OPTION_MAX, "raise KIN_OPTION_MAX");

size_t kin_option_count(void)
{
    return sizeof table / sizeof table[0];
}

const kin_option *kin_option_at(size_t at)
{
    return &table[at];
}
