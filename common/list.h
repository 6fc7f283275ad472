/*
 * list.h: intrusive doubly linked lists: the links live in the elements, nothing is allocated.
 *
 * A list is a node of its own that is linked to itself when empty.  A node that is in no list has
 * NULL links, so that zeroed memory is a valid unlinked node.
 */
#ifndef COMMON_LIST_H
#define COMMON_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *previous;
    struct list_node *next;
};

/* The struct of this type whose member is *node. */
#define LIST_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list_node *list)
{
    list->previous = list;
    list->next = list;
}

static inline bool list_is_empty(const struct list_node *list)
{
    return list->next == list;
}

static inline bool list_is_linked(const struct list_node *node)
{
    return node->next != NULL;
}

/* Adds node at the end of the list; given a node of a list instead, before that.  It is in none. */
static inline void list_append(struct list_node *list, struct list_node *node)
{
    node->previous = list->previous;
    node->next = list;
    list->previous->next = node;
    list->previous = node;
}

/* Does nothing to a node that is in no list. */
static inline void list_remove(struct list_node *node)
{
    if (!list_is_linked(node))
        return;
    node->previous->next = node->next;
    node->next->previous = node->previous;
    node->previous = NULL;
    node->next = NULL;
}

#endif
