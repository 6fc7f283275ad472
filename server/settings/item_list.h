/* item_list.h: the items of a comma list one after the other, each with its place. */
#ifndef SERVER_SETTINGS_ITEM_LIST_H
#define SERVER_SETTINGS_ITEM_LIST_H

#include <stdbool.h>

#include "common/attributes.h"
#include "common/span.h"
#include "server/settings/problems.h"

struct item_list {
    struct span text;
    const char *what;   /* the name of the setting or option, for the messages */
    struct place place; /* where the list begins */
    struct problems *problems;
    size_t next; /* where the next item begins: 0 at first, beyond the text behind the last */
};

struct item {
    struct span text; /* may be empty */
    const char *what;
    struct place place;
    struct problems *problems;
};

/* Takes the next item; false when there is none left.  An empty list has one empty item. */
NODISCARD bool item_list_next(struct item_list *list, struct item *ret_item);

/* Adds the problem that the item, which it quotes, has.  Returns false. */
bool item_refuse(const struct item *item, const char *reason);

#endif
