#include <string.h>

#include "catalog/condition_node.h"

/* Where the key has come to; with `start` NULL its size is only counted. */
struct writing {
    char *start;
    size_t size;
};

static void add(struct writing *writing, const void *bytes, size_t size)
{
    if (writing->start != NULL)
        memcpy(writing->start + writing->size, bytes, size);
    writing->size += size;
}

static void add_number(struct writing *writing, size_t number)
{
    add(writing, &number, sizeof number);
}

static void add_text(struct writing *writing, const char *text)
{
    add(writing, text, strlen(text) + 1);
}

/* Each node says how many parts follow, and texts end in their NUL: no two conditions that differ
 * are written alike.  How values compare follows from the name. */
static void add_node(struct writing *writing, const kin_node *node)
{
    char kind = (char)('a' + node->kind), order = (char)('a' + node->order);
    size_t children = 0;
    add(writing, &kind, 1);
    if (node->kind == KIN_NODE_IN || node->kind == KIN_NODE_ORDER) {
        add(writing, &order, 1);
        add_text(writing, node->name);
        add_number(writing, node->term_count);
        for (size_t i = 0; i < node->term_count; i++)
            add_text(writing, node->terms[i].text);
        return;
    }
    for (const kin_node *child = node->child; child != NULL; child = child->next)
        children++;
    add_number(writing, children);
    for (const kin_node *child = node->child; child != NULL; child = child->next)
        add_node(writing, child);
}

size_t kin_node_key(const kin_node *node, char *out)
{
    struct writing writing = {.start = out};
    add_node(&writing, node);
    return writing.size;
}
