#include "archive/names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct kin_name_entry {
    int number;
    UT_hash_handle hh; /* keyed by the name, which kin_names.names owns */
};

static bool names_grow(kin_names *names)
{
    if (names->count < names->capacity)
        return true;
    size_t capacity = names->capacity > 0 ? names->capacity * 2 : 16;
    char **larger = reallocarray(names->names, capacity, sizeof *larger);
    if (larger == NULL)
        return false;
    names->names = larger;
    names->capacity = capacity;
    return true;
}

int kin_names_number(kin_names *names, const char *name)
{
    struct kin_name_entry *entry = NULL;
    size_t length = strlen(name);
    HASH_FIND(hh, names->by_name, name, length, entry);
    if (entry != NULL)
        return entry->number;
    char *copy = strdup(name);
    entry = calloc(1, sizeof *entry);
    if (copy == NULL || entry == NULL || !names_grow(names)) {
        free(copy);
        free(entry);
        return -1;
    }
    entry->number = (int)names->count;
    names->names[names->count++] = copy;
    HASH_ADD_KEYPTR(hh, names->by_name, copy, length, entry);
    return entry->number;
}

void kin_names_release(kin_names *names)
{
    struct kin_name_entry *entry, *next;
    HASH_ITER(hh, names->by_name, entry, next)
    {
        HASH_DEL(names->by_name, entry);
        free(entry);
    }
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    memset(names, 0, sizeof *names);
}
